"""Of any traffic through any NAT that loses packets, what is told is what was lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lossy_nat import MS, SECOND, SIDES, Conditions, Run, simulate

from pytest_netlab.nat import learn

if TYPE_CHECKING:
    from pytest_netlab.nat import Translations

ANY = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
SEEDS = st.integers(0, 1 << 32)
TOLD = ("tcp", "served", "udp", "stream", "echo", "own")  # whose packets all differ
RATIOS = st.sampled_from([0.0, 0.02, 0.1, 0.3])


def conditions(**fixed: st.SearchStrategy[object]) -> st.SearchStrategy[Conditions]:
    """Return a strategy of conditions without capture loss; `fixed` narrows it."""
    drawn: dict[str, st.SearchStrategy[object]] = {
        "flows": st.integers(1, 14),
        "lasting": st.sampled_from([SECOND // 10, 5 * SECOND, 60 * SECOND]),
        "ports": st.sampled_from(["kept", "random", "none"]),
        "lost_out": RATIOS,
        "lost_in": RATIOS,
        "lost_beyond": st.sampled_from([0.0, 0.05]),
        "delay": st.sampled_from([1000, 50_000, 2 * MS]),
        "reorder": st.booleans(),
        "offset": st.sampled_from(
            [0, 3 * MS, -40 * MS, -7 * SECOND, 5 * 3600 * SECOND]
        ),
        "drift": st.sampled_from([0.0, 20e-6, -1e-4, 0.01]),
        "directions": st.booleans(),
        "kinds": st.just(TOLD),
        "renewed": st.just(value=False),
    }
    return st.builds(Conditions, **(drawn | fixed))


def learned(run: Run) -> Translations:
    """Return what is learned from both captures."""
    return learn(run.inside, run.outside)


def rows(
    found: Translations, side: str, status: str, *, part: bool = False
) -> set[int]:
    """Return the rows of a side that are told to have this status."""
    return {
        row
        for one in found.account.losses
        if (one.side, one.status, one.part) == (side, status, part)
        for row in one.rows
    }


def pairs(found: Translations) -> set[tuple[int, ...]]:
    """Return the pairs of rows that were found."""
    assert found.pairs is not None
    return set(map(tuple, found.pairs.tolist()))


def doubtful(found: Translations, side: str) -> set[int]:
    """Return the rows of flows that have packets of which the pair is ambiguous."""
    return {
        row
        for flow in found.flows
        if flow.ambiguous
        for row in (flow.inside_rows if side == "inside" else flow.outside_rows)
    }


@ANY
@given(seed=SEEDS, conditions=conditions())
def test_losses(*, seed: int, conditions: Conditions) -> None:
    """Every transmission that the host lost, and no other; no violation."""
    run = simulate(seed, conditions)
    found = learned(run)

    assert found.violations == ()
    _check_pairs(found, run)
    for side in SIDES:
        told, lost = rows(found, side, "lost"), run.truth.lost[side]
        left = run.truth.edge[side] | doubtful(found, side)
        assert told - left == lost - left
        assert _by_flow(run, side, told) == _by_flow(run, side, lost)
        assert not rows(found, side, "not captured")


def _check_pairs(found: Translations, run: Run) -> None:
    """Fail unless all pairs are true that are not said to be ambiguous."""
    wrong = pairs(found) ^ run.truth.pairs
    assert {row for row, _ in wrong} <= doubtful(found, "inside")
    assert len(pairs(found)) == len(run.truth.pairs)


@ANY
@given(seed=SEEDS, conditions=conditions(renewed=st.just(value=True)))
def test_renewed_mappings(*, seed: int, conditions: Conditions) -> None:
    """Sockets that are used again, after FIN, RST or idle time, break no rule."""
    run = simulate(seed, conditions)
    found = learned(run)

    assert found.violations == ()
    _check_pairs(found, run)


@ANY
@given(seed=SEEDS, conditions=conditions(ipv6=st.just(value=True)))
def test_equal_packets(*, seed: int, conditions: Conditions) -> None:
    """Without IP ids copies are equal: as many are told, of the same flows."""
    run = simulate(seed, conditions)
    found = learned(run)

    assert found.violations == ()
    for side in SIDES:
        told, lost = rows(found, side, "lost"), run.truth.lost[side]
        assert _by_flow(run, side, told) == _by_flow(run, side, lost)


def _by_flow(run: Run, side: str, numbers: set[int]) -> Counter[tuple[int, bool]]:
    """Return how many packets there are of each flow and direction; edges are left."""
    seen = run.truth.seen[side]  # type: ignore[index]
    left = numbers - run.truth.edge[side]  # type: ignore[index]
    return Counter((seen[row].flow, seen[row].reply) for row in left)


@pytest.mark.parametrize("ids", ["counted", "zero"])
def test_few_are_doubtful(ids: str) -> None:
    """At most one pair in a hundred is another than the true one."""
    wrong = total = 0
    for seed in range(60):
        weather = Conditions(lost_out=0.1, lost_in=0.1, ids=ids, renewed=False)  # type: ignore[arg-type]
        run = simulate(seed, weather)
        wrong += len(pairs(learned(run)) - run.truth.pairs)
        total += len(run.truth.pairs)

    assert wrong <= total / 100


@ANY
@given(
    seed=SEEDS,
    conditions=conditions(
        begun=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)),
        ended=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)),
        kinds=st.just(("stream", "udp", "echo")),
    ),
)
def test_captures_that_begin_and_end(*, seed: int, conditions: Conditions) -> None:
    """What is outside the common time is never told as lost."""
    run = simulate(seed, conditions)
    found = learned(run)

    for side in SIDES:
        outside_time = run.truth.unlooked[side] - run.truth.edge[side]
        if found.account.clock is not None:
            assert not rows(found, side, "lost") & outside_time


@ANY
@given(
    seed=SEEDS,
    conditions=conditions(
        missed_inside=st.sampled_from([0.0, 0.03]),
        missed_outside=st.sampled_from([0.0, 0.03]),
        kinds=st.just(("stream", "own")),
    ),
)
def test_packets_that_a_capture_missed(*, seed: int, conditions: Conditions) -> None:
    """What comes out of the host has crossed it; what nobody answers may be lost."""
    run = simulate(seed, conditions)
    found = learned(run)

    for side in SIDES:
        seen, missed = run.truth.seen[side], run.truth.missed[side]
        came_out = {row for row in missed if not seen[row].upstream}
        edge = run.truth.edge[side]
        assert came_out - edge <= rows(found, side, "not captured")
        lost = rows(found, side, "lost")
        assert lost - edge == (run.truth.lost[side] | missed - came_out) - edge


@ANY
@given(seed=SEEDS, conditions=conditions())
def test_delays(*, seed: int, conditions: Conditions) -> None:
    """A flow's delays are the true ones, by the errors of offset and drift at most."""
    run = simulate(seed, conditions)
    found = learned(run)
    clock = found.account.clock

    for flow in found.flows:
        true = [run.truth.delays.get(pair, 0) for pair in flow.pairs]
        if flow.delay is None or clock is None or clock.one_way or not true:
            continue
        off = abs(conditions.drift - clock.drift) * int(run.inside.ts[-1] - clock.start)
        bound = clock.error + conditions.delay + off + MS // 100
        assert abs(flow.delay.least - min(true)) <= bound
        assert abs(flow.delay.most - max(true)) <= bound
