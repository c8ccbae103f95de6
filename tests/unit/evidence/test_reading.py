"""What a verdict is once it was read: all that its text is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.hosts import lines

from pytest_netlab.causes import Cause
from pytest_netlab.diff import Difference
from pytest_netlab.evidence import read
from pytest_netlab.trace import CanonicalTrace

if TYPE_CHECKING:
    from pytest_netlab.judge import Verdict

BUNDLE = Path(__file__).parents[2] / "data" / "format1" / "kept" / "shop"


@pytest.fixture
def verdict() -> Verdict:
    """Return the verdict of a run of format 1."""
    found = read(BUNDLE).verdict
    assert found is not None
    return found


def test_traces(verdict: Verdict) -> None:
    """Traces are there or not; what they hold was for others to read."""
    bare = CanonicalTrace((), ())

    assert (verdict.observed, verdict.expected) == (bare, bare)


def test_differences(verdict: Verdict) -> None:
    """A difference has its values in words, and its cause."""
    text = (
        "c1 left on the uplink with its own address instead of host; this rule is "
        "gone: nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE"
    )
    name = "icmp echo c1 -> host01"

    assert verdict.differences[1] == Difference(
        flow=name,
        direction="original",
        point="uplink",
        packet=8,
        field="source",
        want="host",
        got="c1",
        cause=Cause("leaked", name, text),
    )
    missing = next(one for one in verdict.differences if one.packet is None)
    assert (missing.field, missing.got) == ("packet", "nothing")
    assert verdict.cause == "leaked"


def test_host(verdict: Verdict) -> None:
    """How the host differs is read as values; what it tracked is not."""
    host = verdict.host

    assert host.missing[:1] == lines(
        "nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"
    )
    assert host.moved == lines("filter -A FORWARD -o docker0 -j DOCKER")
    assert host.settings == {"tcp_loose": ("1", "0")}
    assert (host.conntrack_entries, host.full) == ((), "")
    assert verdict.recorded_on["engine"] == "20.10.24+dfsg1"


def test_variant(verdict: Verdict) -> None:
    """The variant that has the trace is named, with what it says of itself."""
    assert verdict.variant is not None
    assert verdict.variant.name == "known"
    assert verdict.variant.about["requires"] == "firewall == native"
