"""What is no violation between two sides, and what is said of the rest; rows from 0."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.capture import open_capture, read
from pytest_netlab.nat import Translations, learn

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[2] / "data" / "nat"


def whole(name: str, hops: int | None = None) -> Translations:
    """Return what is learned from the captures of both sides, in memory."""
    ends = (DATA / f"{name}.{side}.pcap" for side in ("in", "out"))
    return learn(*map(read, ends), hops=hops)


def streamed(name: str, hops: int | None = None) -> Translations:
    """Return what is learned from the same captures, read in chunks."""
    near, far = (DATA / f"{name}.{side}.pcap" for side in ("in", "out"))
    with open_capture(near) as inside, open_capture(far) as outside:
        found = learn(inside, outside, hops=hops)
        found.flows  # noqa: B018 - built while the files are open
    return found


HOPS = {"plain": 1, "five-hops": 5, "bridge-firewall": 0}


@pytest.mark.parametrize("by", [whole, streamed])
@pytest.mark.parametrize("name", HOPS)
def test_hops_are_learned(name: str, by: Callable[..., Translations]) -> None:
    """Whatever is between the points lowers the ttl of every packet alike."""
    found = by(name)

    assert (found.hops.outward, found.hops.inward) == (HOPS[name], HOPS[name])
    assert (found.violations, len(found.flows)) == ((), 1)


@pytest.mark.parametrize("by", [whole, streamed])
@pytest.mark.parametrize("name", HOPS)
def test_hops_are_demanded(name: str, by: Callable[..., Translations]) -> None:
    """A number that is demanded is not what most packets show."""
    found = by(name, hops=HOPS[name] + 1)

    assert [bad.field for bad in found.violations] == ["ttl"] * 12
    assert by(name, hops=HOPS[name]).violations == ()
