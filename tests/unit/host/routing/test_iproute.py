"""Words of iproute2 that several tables of a host share."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_netlab.host.routing.iproute import maybe, named, network, number


def test_named() -> None:
    """A name takes the word behind it, be that a name too, or nothing."""
    words = ["from", "all", "iif", "lookup", "lookup"]

    assert named(words, ("from", "iif", "lookup")) == {
        "from": "all",
        "iif": "lookup",
        "lookup": "",
    }


@pytest.mark.parametrize("text", ["", "-1", "1e3", "\u0663", "12345678901"])
def test_no_number(text: str) -> None:
    """What is no number of 32 bits' length is refused: text may be hostile."""
    with pytest.raises(ValueError, match="no number"):
        number(text)


def test_maybe() -> None:
    """A number that is not there is none; one that is there is read."""
    assert maybe({"metric": "100"}, "metric") == number("100")
    assert maybe({}, "metric") is None


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"family": 2, "dst_len": 24, "dst": "10.0.0.0"}, "10.0.0.0/24"),
        ({"family": 2, "dst_len": 32, "dst": "10.0.0.1"}, "10.0.0.1"),
        ({"family": 10, "dst_len": 32, "dst": "fd00::"}, "fd00::/32"),
        ({"family": 10, "dst_len": 128, "dst": "fd00::1"}, "fd00::1"),
        ({"family": 2, "dst_len": 0}, ""),
    ],
)
def test_network(message: dict[str, Any], text: str) -> None:
    """The length of a whole address goes without saying; no address is any."""
    assert network(message, "dst") == text
