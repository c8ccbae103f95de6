"""A clock that steps back inside a stored capture reorders nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_netlab.capture import Capture
from pytest_netlab.judge import judge
from pytest_netlab.store.files import read_with_capture
from pytest_netlab.trace import canonicalize
from pytest_netlab.trace.clock import RACE_NS, steady
from pytest_netlab.wire import canary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).parents[3]
GOLDENS = sorted(path.parent for path in ROOT.glob("golden/**/golden.toml"))
TENTH_MS, MS, HOUR = 100_000, 1_000_000, 3600 * 1_000_000_000


def _retimed(capture: Capture, time: Callable[[int, int], int]) -> Capture:
    frames = (
        frame._replace(ts=time(row, frame.ts))
        for row, frame in enumerate(capture.frames())
    )
    return Capture.from_frames(frames, capture.interfaces, capture.names)


def _stepped(capture: Capture, rows: Iterable[int], back: int) -> Capture:
    """Set the clock back by some ns before each of these rows."""
    places = list(rows)
    return _retimed(
        capture, lambda row, ts: ts - back * sum(place <= row for place in places)
    )


def _without_canaries(capture: Capture) -> Capture:
    return capture.select(capture.ethertype != canary.ETHERTYPE)


@pytest.mark.parametrize("folder", GOLDENS, ids=lambda one: one.name)
@pytest.mark.parametrize("back", [TENTH_MS, MS, HOUR])
def test_a_step_back_at_any_packet_leaves_the_verdict(folder: Path, back: int) -> None:
    """A step of any size before any packet."""
    golden, capture = read_with_capture(folder)
    for row in range(1, len(capture)):
        seen = canonicalize(_stepped(capture, [row], back))
        assert not judge(golden, seen).differences, f"before packet {row + 1}"


@pytest.mark.parametrize("folder", GOLDENS, ids=lambda one: one.name)
def test_steps_between_all_packets_leave_the_verdict(folder: Path) -> None:
    """As many steps as there are packets."""
    golden, capture = read_with_capture(folder)
    every = range(1, len(capture))
    for back in (TENTH_MS, HOUR):
        seen = canonicalize(_stepped(capture, every, back))
        assert not judge(golden, seen).differences


@pytest.mark.parametrize("folder", GOLDENS, ids=lambda one: one.name)
def test_a_step_forward_and_back_leaves_the_verdict(folder: Path) -> None:
    """A clock that was wrong for a while."""
    golden, capture = read_with_capture(folder)
    third = len(capture) // 3
    leap = range(third, 2 * third)
    seen = _retimed(capture, lambda row, ts: ts + HOUR * (row in leap))
    assert not judge(golden, canonicalize(seen)).differences


def test_points_written_one_after_the_other_are_in_order_of_time() -> None:
    """Buffers that were written as wholes are no steps."""
    _, capture = read_with_capture(ROOT / "golden" / "published-web")
    plain = _without_canaries(capture)
    apart = plain.select(np.argsort(plain.point, kind="stable"))
    assert (np.diff(apart.ts) < 0).any()
    assert steady(apart) is apart
    assert canonicalize(apart).flows == canonicalize(plain).flows


@pytest.mark.parametrize("folder", GOLDENS, ids=lambda one: one.name)
def test_points_one_after_the_other_with_canaries(folder: Path) -> None:
    """A lab's own capture may be written point by point as well."""
    golden, capture = read_with_capture(folder)
    apart = capture.select(np.argsort(capture.point, kind="stable"))
    assert not judge(golden, canonicalize(apart)).differences


def test_a_step_of_every_point_is_found_without_canaries() -> None:
    """Files of other tools have none."""
    _, capture = read_with_capture(ROOT / "golden" / "published-web")
    plain = _without_canaries(capture)
    wanted = canonicalize(plain)
    for row in range(1, len(plain)):
        assert canonicalize(_stepped(plain, [row], HOUR)).flows == wanted.flows


def test_packets_of_two_processors_are_in_order_of_their_times() -> None:
    """A few microseconds back are no step."""
    _, capture = read_with_capture(ROOT / "golden" / "ping-beyond")
    raced = _stepped(capture, [4], int(np.diff(capture.ts)[3]) + RACE_NS)
    assert steady(raced) is raced
    assert steady(_stepped(raced, [4], 1)) is not raced
    assert steady(_stepped(raced, [4], 1)).ts[4] == capture.ts[3] + 1


def test_times_behind_a_step_keep_their_distances() -> None:
    """Only the time of the step itself is unknown."""
    _, capture = read_with_capture(ROOT / "golden" / "ping-beyond")
    found = steady(_stepped(capture, [4], HOUR)).ts
    assert (np.diff(found) >= 0).all()
    gaps = np.diff(capture.ts)
    gaps[3] = 1
    assert np.diff(found).tolist() == gaps.tolist()
    assert len(steady(capture.select([])).ts) == 0
    assert steady(capture) is capture


def test_times_of_a_hostile_file() -> None:
    """Any 64 bits are a time: what comes behind the last one is at the last one."""
    _, capture = read_with_capture(ROOT / "golden" / "ping-beyond")
    last = np.iinfo(np.int64).max
    found = steady(_retimed(capture, lambda row, _: int(last) - 10**6 * row))
    assert found.ts[1] == last
    assert (np.diff(found.ts) >= 0).all()
