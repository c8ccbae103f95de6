"""A user's scenarios and scripts: both type checkers accept them as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import pytest

from pytest_netlab import (
    Capture,
    CaptureError,
    Difference,
    Netlab,
    NetlabError,
    Policy,
    Trace,
    canonicalize,
    compare,
    learn,
    open_capture,
    read,
)


@pytest.mark.netlab("ping-beyond")
def test_ping(netlab: Netlab) -> None:
    """A scenario, as docs/scenarios.md has it."""
    with netlab.capture("docker0", "uplink") as trace:
        done = netlab.c1.run("ping", "-c", "1", netlab.host01.address, check=False)
    assert_type(trace, Trace)
    assert_type(done.returncode, int)
    assert_type(done.stdout, str)
    assert_type(netlab.host01.address, str)
    assert_type(netlab.facts, Mapping[str, str])
    assert_type(netlab.docker, Any)
    netlab.check(trace)
    assert_type(trace.capture, Capture)
    assert_type(trace.table, list[tuple[str, str, str, str, int]])
    assert trace.rewrites("icmp") == [("snat", "c1", "host")]
    assert len(trace.translations.flows) == 1
    assert_type(trace.canonical.text("ping-beyond"), str)


@pytest.mark.netlab
def test_replay(netlab: Netlab) -> None:
    """A stored capture, played from both ends."""
    result = netlab.replay(Path("web.pcapng"), client="c1", server="host01", pace=1.0)
    assert_type(result.packets, int)
    assert_type([str(finding) for finding in result.findings], list[str])


def lengths(path: str) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Return a column of a file."""
    try:
        return np.asarray(read(path).length, dtype=np.uint32)
    except CaptureError as error:
        assert_type(error, CaptureError)
        raise NetlabError(path) from error


def packets(path: Path) -> int:
    """Return how many there are, without holding them all."""
    with open_capture(path) as chunks:
        return sum(len(chunk) for chunk in chunks)


def rewritten(inside: Capture, outside: Capture) -> list[str]:
    """Return how each flow was rewritten."""
    found = learn(inside, outside)
    return [f"{flow.kind} {flow.original} -> {flow.translated}" for flow in found.flows]


def same(one: Capture, other: Capture) -> bool:
    """Return whether two captures tell the same."""
    found = compare(canonicalize(one), canonicalize(other), Policy())
    assert_type(found, list[Difference])
    assert_type([difference.field for difference in found], list[str])
    return not found
