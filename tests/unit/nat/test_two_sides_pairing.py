"""What is true of captures whose NAT rewrites more than an address and a port."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.capture import read
from pytest_netlab.nat import Translations, learn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Flow

DATA = Path(__file__).parents[2] / "data" / "nat"
# The kind of each flow, the port of its initiator outside, and packets that crossed.
RIGHT = {
    "twice-nat": ["twice-nat 5000 4"],
    "dns-redirect": ["twice-nat 40000 2", "twice-nat 40001 2"],
}


def learned(name: str, *, chunked: bool = False) -> Translations:
    """Return what is learned from the captures of both sides."""
    inside, outside = (read(DATA / f"{name}.{side}.pcap") for side in ("in", "out"))
    if chunked:
        return learn(one_by_one(inside), one_by_one(outside))
    return learn(inside, outside)


def one_by_one(side: Capture) -> Iterator[Capture]:
    """Yield a capture in chunks of one packet."""
    return (side.select([row]) for row in range(len(side)))


def described(flow: Flow) -> str:
    """Return kind, port of the initiator outside, and number of packets."""
    return f"{flow.kind} {flow.outside and flow.outside.sport} {flow.packets}"


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunks"])
@pytest.mark.parametrize("name", RIGHT)
def test_translations(name: str, *, chunked: bool) -> None:
    """The flows are as the NAT made them, and it broke no rule and lost no packet."""
    found = learned(name, chunked=chunked)

    assert sorted(map(described, found.flows)) == sorted(RIGHT[name])
    assert not found.violations
    assert not found.account.lost
