"""The words of traces for rewrites, which stored files keep."""

from __future__ import annotations

import pytest

from pytest_netlab.trace.build import in_trace


@pytest.mark.parametrize("kind", ["twice-nat", "nat64", "nat46", "hairpin"])
def test_both_ends(kind: str) -> None:
    """A rewrite of both ends is `hairpin` in traces, whatever `nat` calls it."""
    assert in_trace(kind) == "hairpin"  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["none", "snat", "dnat", "proxied"])
def test_others(kind: str) -> None:
    """Every other word is the same."""
    assert in_trace(kind) == kind  # type: ignore[arg-type]
