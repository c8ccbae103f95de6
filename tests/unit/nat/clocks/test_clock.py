"""What paired packets say of the two clocks by which they were captured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_netlab.nat.clocks.clock import Alignment, Clock, estimate

if TYPE_CHECKING:
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]

NOW = 1_700_000_000_000_000_000
NS, US, MS, S, HOUR = 1, 1_000, 1_000_000, 1_000_000_000, 3_600_000_000_000
OFFSETS = [0, 3 * MS, -5 * HOUR, 5 * HOUR, 20 * 365 * 24 * HOUR]
ANY_TIME = st.integers(-(2**63), 2**63 - 1)


def times(*values: int) -> Times:
    """Return these times as a column."""
    return np.array(values, dtype=np.int64)


def aligned(near: Times, far: Times) -> Alignment:
    """Return the alignment of pairs, of which there are some."""
    found = Alignment.of(near, far)
    assert found is not None
    return found


def one(alignment: Alignment, near: int, far: int) -> int:
    """Return the residual of one pair."""
    return int(alignment.residual(times(near), times(far))[0])


def test_without_a_pair_nothing_is_aligned() -> None:
    """No pair says nothing of where to look."""
    assert Alignment.of(times(), times()) is None


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("drift", [0, 1e-2, -1e-2, 2e-5])
def test_true_pairs_are_within_the_spread(offset: int, drift: float) -> None:
    """Whatever the clocks, pairs not used for it are near what is expected."""
    random = np.random.default_rng(1)
    near = NOW + np.sort(random.integers(0, 100 * S, 2_000))
    delay = random.choice([-1, 1], 2_000) * random.integers(20 * US, 200 * US, 2_000)
    far = near + offset + (drift * (near - NOW)).astype("i8") + delay
    seen = aligned(near[::2], far[::2])

    assert np.abs(seen.residual(near[1::2], far[1::2])).max() <= seen.spread
    assert seen.spread < 5 * MS


def test_another_packet_is_beyond_the_spread() -> None:
    """A packet of ten milliseconds later is not taken for the pair, at 1 % drift."""
    near = NOW + np.arange(1_000) * 10 * MS
    far = near + 5 * HOUR + (near - NOW) // 100
    seen = aligned(near, far)

    assert (np.abs(seen.residual(near[:-1], far[1:])) > seen.spread).all()


def test_the_trend_goes_on_beyond_the_pairs() -> None:
    """A clock that drifts does so before the first pair and after the last one."""
    near = NOW + np.arange(100) * S
    seen = aligned(near, near + (near - NOW) // 100)

    assert abs(one(seen, NOW - 100 * S, NOW - 101 * S)) < MS
    assert abs(one(seen, NOW + 200 * S, NOW + 202 * S)) < MS


def test_wrong_pairs_move_nothing() -> None:
    """Three wrong pairs of a hundred neither shift what is expected nor widen it."""
    near = NOW + np.arange(100) * S
    far = near + 3 * HOUR
    far[[10, 50, 90]] += times(40 * S, -70 * S, 5 * HOUR)
    seen = aligned(near, far)

    assert abs(one(seen, NOW + 10 * S, NOW + 10 * S + 3 * HOUR)) < US
    assert seen.spread < 3 * MS


def test_a_step_is_followed() -> None:
    """After a clock was set, pairs are expected by what it shows then."""
    near = NOW + np.arange(400) * S
    far = near + np.where(np.arange(400) < 200, 0, 7 * S)
    seen = aligned(near, far)

    assert one(seen, NOW + 5 * S, NOW + 5 * S) == 0
    assert one(seen, NOW + 395 * S, NOW + 402 * S) == 0


def test_one_pair_leaves_room() -> None:
    """One pair says the offset, and nothing of how long queues are."""
    seen = aligned(times(NOW), times(NOW + 3 * HOUR))

    assert one(seen, NOW + S, NOW + S + 3 * HOUR) == 0
    assert 5 * MS < seen.spread < 50 * MS


@given(st.lists(st.tuples(ANY_TIME, ANY_TIME), min_size=1, max_size=40))
@settings(deadline=None)
def test_any_times_are_aligned(pairs: list[tuple[int, int]]) -> None:
    """Hostile times overflow nothing: no warning, and a spread that is a time."""
    near, far = (times(*side) for side in zip(*pairs, strict=True))
    seen = aligned(near, far)

    assert np.abs(seen.residual(near, far)).max() <= 2**62
    assert 0 < seen.spread <= 2**62


@given(st.integers(-HOUR, HOUR), st.integers(-HOUR, HOUR), st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_only_differences_count(shift: int, offset: int, seed: int) -> None:
    """Both clocks shifted alike, or one of them shifted, changes no residual."""
    random = np.random.default_rng(seed)
    near = NOW + np.sort(random.integers(0, 10 * S, 50))
    far = near + random.integers(0, MS, 50)
    before = aligned(near, far)
    after = aligned(near + shift, far + shift + offset)

    assert before.spread == after.spread
    assert (
        before.residual(near, far) == after.residual(near + shift, far + shift + offset)
    ).all()


class Pairs(NamedTuple):
    """Times of pairs by both clocks, and how far the outside's was ahead."""

    inside: Times
    outside: Times
    outward: npt.NDArray[np.bool_]
    ahead: Times

    @property
    def clock(self) -> Clock:
        """Return what is estimated."""
        found = estimate(self.inside, self.outside, self.outward)
        assert found is not None
        return found

    @property
    def delays(self) -> Times:
        """Return how long the packets took, as the estimate has it."""
        late = self.outside - self.clock.outside(self.inside)
        return np.where(self.outward, late, -late)

    @property
    def off(self) -> int:
        """Return by how much the estimate is wrong, where it is most wrong."""
        return int(np.abs(self.clock.ahead(self.inside) - self.ahead).max())


class Path(NamedTuple):
    """Between two captures: their clocks, and how long packets take."""

    offset: int = 0
    drift: float = 0.0
    quick: int = 5 * US
    slow: int = 100 * US
    outward: float = 0.5  # share of packets that travel outwards
    grain: int = NS

    def pairs(self, count: int, last: int, seed: int = 0) -> Pairs:
        """Return pairs at random times up to a last one, by the inside's clock."""
        random = np.random.default_rng(seed)
        inside = NOW + np.sort(random.integers(0, last, count))
        outward = random.random(count) < self.outward
        if 0 < self.outward < 1:
            outward[0], outward[-1] = True, False
        delay = random.integers(self.quick, self.slow + 1, count)
        ahead = self.offset + (self.drift * (inside - NOW)).astype("i8")
        outside = inside + ahead + np.where(outward, delay, -delay)
        grain = self.grain
        return Pairs(inside // grain * grain, outside // grain * grain, outward, ahead)


def both_ways(*differences: int) -> Pairs:
    """Return pairs with these differences, outwards and inwards in turns."""
    inside = NOW + np.arange(len(differences)) * MS
    outward = np.arange(len(differences)) % 2 == 0
    return Pairs(inside, inside + times(*differences), outward, times(0))


def test_without_a_pair_there_is_no_clock() -> None:
    """No pair says nothing of the clocks."""
    assert estimate(times(), times(), np.empty(0, dtype=np.bool_)) is None


@pytest.mark.parametrize("count", [2, 3, 10, 100, 5_000])
def test_one_host_has_one_clock(count: int) -> None:
    """Where no packet is early by equal clocks, they are the same."""
    pairs = Path().pairs(count, 10 * S, seed=3)

    assert (pairs.clock.offset, pairs.clock.drift) == (0, 0.0)
    assert pairs.off <= pairs.clock.error <= 100 * US


@pytest.mark.parametrize("offset", [*OFFSETS[1:], -3 * MS])
@pytest.mark.parametrize("count", [4, 10, 100, 5_000])
def test_the_offset_is_between_what_both_directions_allow(
    offset: int, count: int
) -> None:
    """Clocks by which packets are early are not the same: half there and back."""
    pairs = Path(offset=offset).pairs(count, 10 * S)

    assert pairs.off <= pairs.clock.error <= 100 * US
    assert pairs.delays.min() >= 0
    assert pairs.clock.drift == 0


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(
    ("drift", "last"), [(1e-2, S), (-1e-2, 100 * S), (2e-5, HOUR), (-2e-5, HOUR)]
)
def test_drift_is_found(offset: int, drift: float, last: int) -> None:
    """A drift far beyond what delays vary is told, and no delay is negative by it."""
    pairs = Path(offset=offset, drift=drift).pairs(2_000, last)

    assert abs(pairs.clock.drift - drift) * last < 50 * US
    assert pairs.off <= pairs.clock.error <= 200 * US
    assert pairs.delays.min() >= -pairs.clock.error


@pytest.mark.parametrize("outward", [0, 1])
@pytest.mark.parametrize("drift", [0, 1e-2])
def test_one_direction_is_a_bound(outward: int, drift: float) -> None:
    """Of packets that all travel one way, delays count from the shortest one."""
    pairs = Path(5 * HOUR, drift, outward=outward).pairs(500, 5 * S)

    assert pairs.clock.one_way
    assert pairs.clock.drift == pytest.approx(drift, rel=1e-2)
    assert -100 * US <= pairs.delays.min() <= pairs.delays.max() <= 300 * US


def test_one_direction_may_have_one_clock() -> None:
    """Packets that all travel one way and are never early: one clock, it seems."""
    pairs = Path(quick=20 * MS, slow=30 * MS, outward=0).pairs(100, 5 * S)

    assert (pairs.clock.offset, pairs.clock.one_way) == (0, True)
    assert pairs.delays.min() >= 20 * MS
    assert pairs.clock.error == pairs.delays.min()


def test_a_second_late_is_another_clock() -> None:
    """No host delays each packet for more than a second."""
    pairs = Path(2 * S, outward=1).pairs(100, 5 * S)

    assert pairs.delays.min() == 0


def test_one_wrong_pair_is_no_bound() -> None:
    """A packet that seems early by a minute, of a hundred one way, is a wrong pair."""
    pairs = Path(5 * HOUR, outward=1).pairs(100, 5 * S)
    pairs.outside[50] -= 60 * S

    assert np.sort(pairs.delays)[1] == 0


@pytest.mark.parametrize("outward", [0, 1])
def test_a_queue_that_fills_is_no_drift(outward: int) -> None:
    """What one direction shows and the other does not is a queue."""
    pairs = Path(3 * HOUR).pairs(2_000, 10 * S)
    queue = (pairs.inside - NOW) // 200  # 50 ms at last
    sign = 1 if outward else -1
    pairs.outside[:] += np.where(pairs.outward == outward, sign * queue, 0)

    assert pairs.clock.drift == 0
    assert pairs.off <= pairs.clock.error <= MS


def test_clear_drift_is_no_clock_of_one_host() -> None:
    """Clocks that agree in the middle and drift in both directions are two."""
    path = Path(-36 * MS, 2e-5, quick=50 * MS, slow=50 * MS + 20 * US)
    pairs = path.pairs(1_000, HOUR)

    assert pairs.clock.drift == pytest.approx(2e-5, rel=1e-2)
    assert pairs.off <= pairs.clock.error


def test_few_packets_of_one_direction_contradict_a_drift() -> None:
    """A dozen packets of the other direction tell a queue from a drift."""
    pairs = Path(3 * HOUR, outward=0.97).pairs(500, 10 * S)
    pairs.outside[:] += np.where(pairs.outward, (pairs.inside - NOW) // 200, 0)

    assert pairs.clock.drift == 0


def test_a_direction_seen_for_short_does_not_contradict_a_drift() -> None:
    """Packets of a short time vary more than the clock drifts meanwhile."""
    pairs = Path(3 * HOUR, 1e-4).pairs(2_000, 100 * S)
    late = ~pairs.outward & (pairs.inside > NOW + S)
    some = Pairs(*(column[~late] for column in pairs))  # type: ignore[arg-type]

    assert some.clock.drift == pytest.approx(1e-4, rel=1e-1)


def test_few_pairs_of_one_direction_show_no_drift() -> None:
    """Six packets that come later and later, all one way, may have been in a queue."""
    inside = NOW + np.arange(6) * S
    clock = estimate(
        inside, inside + HOUR + np.arange(6) * MS, np.full(6, fill_value=True)
    )

    assert clock == Clock(start=NOW, offset=HOUR, one_way=True)


def test_a_direction_of_wrong_pairs_leaves_the_other() -> None:
    """One inward packet that contradicts all the outward ones does not count."""
    pairs = Path(3 * HOUR, outward=1).pairs(20, S)
    pairs.outward[10] = False
    pairs.outside[10] += 10 * S

    assert pairs.clock.one_way
    assert abs(pairs.clock.offset - 3 * HOUR) <= 100 * US


def test_few_pairs_show_no_drift() -> None:
    """Three pairs in a direction have a slope by chance."""
    pairs = both_ways(*(3 * HOUR + late for late in (20, -20, 40, 0, 60, 20)))

    assert pairs.clock.drift == 0


@pytest.mark.parametrize("wrong", [20, -20])
def test_wrong_pairs_do_not_count(wrong: int) -> None:
    """One pair of a hundred that is wrong by seconds moves no bound."""
    pairs = Path(5 * HOUR).pairs(1_000, 10 * S)
    pairs.outside[::100] += wrong * S

    assert pairs.off <= pairs.clock.error <= 100 * US
    assert pairs.clock.drift == 0


def test_many_wrong_pairs_do_not_count() -> None:
    """Even a third of the pairs, too many for the quick way, moves no bound."""
    pairs = Path(5 * HOUR).pairs(1_000, 10 * S)
    pairs.outside[::3] -= 20 * S

    assert pairs.off <= pairs.clock.error <= 100 * US


def test_the_longer_part_of_a_clock_that_was_set_counts() -> None:
    """A step is no drift; the offset is that of the part with more packets."""
    pairs = Path(5 * HOUR).pairs(1_000, 10 * S)
    pairs.outside[600:] += S

    assert pairs.clock.drift == 0
    assert abs(pairs.clock.offset - 5 * HOUR) <= pairs.clock.error <= 100 * US
    assert pairs.delays[:600].min() >= 0


@pytest.mark.parametrize("grain", [US, MS])
def test_coarse_times_are_one_clock(grain: int) -> None:
    """Times in whole units hide delays, but two captures of one host stay equal."""
    pairs = Path(grain=grain).pairs(1_000, 100 * S)

    assert pairs.clock.offset == 0
    assert 0 <= pairs.delays.min() <= 5 * US


@pytest.mark.parametrize("swap", [False, True])
def test_one_coarse_side_is_one_clock(*, swap: bool) -> None:
    """Cut to milliseconds on one side, packets seem early by less than one."""
    pairs = Path().pairs(1_000, 100 * S)
    cut = pairs.inside if swap else pairs.outside
    cut -= cut % MS

    assert pairs.clock.offset == 0
    assert pairs.clock.error >= MS


def test_pairs_at_one_time_have_an_offset() -> None:
    """Pairs that all have one time say nothing of drift."""
    inside = np.full(100, NOW)
    outward = np.arange(100) % 2 == 0
    outside = inside + HOUR + np.where(outward, 10, -10)

    assert estimate(inside, outside, outward) == Clock(start=NOW, offset=HOUR, error=10)


@pytest.mark.parametrize("outward", [True, False])
def test_one_pair_is_a_bound(outward: bool) -> None:  # noqa: FBT001 - pytest's argument
    """One pair of clocks that differ took no time at all, as far as is known."""
    sign = 1 if outward else -1
    found = estimate(times(NOW), times(NOW + sign * HOUR), np.array([outward]))

    assert found == Clock(start=NOW, offset=sign * HOUR, one_way=True)


@pytest.mark.parametrize("count", [2**13 - 1, 2**13 + 1, 10**5, 10**5 + 77])
@pytest.mark.parametrize("outward", [0, 1, 0.001, 0.5])
def test_the_quickest_of_many_count(count: int, outward: float) -> None:
    """Of many pairs, only the quickest of each few are looked at: they decide."""
    pairs = Path(5 * HOUR, outward=outward).pairs(count, HOUR)
    quick = 70_000 if count > 70_000 else count - 1
    if 0 < outward < 1:
        pairs.outward[[quick - 1, quick]] = [False, True]
    late = np.where(pairs.outward, US, -US)[[quick - 1, quick]]
    pairs.outside[[quick - 1, quick]] = (
        pairs.inside[[quick - 1, quick]] + 5 * HOUR + late
    )

    assert pairs.delays.min() == (US if 0 < outward < 1 else 0)
    assert pairs.off <= US


def test_order_does_not_count() -> None:
    """Pairs in any order show the same clock."""
    pairs = Path(HOUR, 1e-3).pairs(300, 10 * S)
    order = np.random.default_rng(5).permutation(300)
    shuffled = pairs.inside[order], pairs.outside[order], pairs.outward[order]

    assert estimate(*shuffled) == pairs.clock


def test_round_times_are_not_coarse() -> None:
    """Times made up, round on one side, are exact: packets there are early by some."""
    inside = NOW + np.arange(12) * 10 * MS
    outside = inside + 300 * US

    assert estimate(inside, outside, np.arange(12) % 2 == 0) == Clock(
        start=NOW, offset=300 * US
    )


@given(st.lists(st.tuples(ANY_TIME, ANY_TIME, st.booleans()), min_size=1, max_size=60))
@settings(deadline=None)
def test_any_times_have_a_clock(rows: list[tuple[int, int, bool]]) -> None:
    """Hostile times overflow nothing: no warning, and values that are times."""
    inside, outside, outward = zip(*rows, strict=True)
    clock = estimate(times(*inside), times(*outside), np.array(outward))

    assert clock is not None
    assert -(2**63) <= clock.offset < 2**63
    assert 0 <= clock.error <= 2**62 + S
    assert len(clock.outside(times(*inside))) == len(rows)


PATHS = st.builds(
    Path,
    offset=st.sampled_from([*OFFSETS, 1, -1, 700 * US, -90 * MS]),
    drift=st.sampled_from([0, 0, 1e-2, -3e-3, 5e-5]),
    quick=st.integers(0, 50 * US),
    slow=st.integers(50 * US, 20 * MS),
    outward=st.floats(0.1, 0.9),
    grain=st.just(NS),
)


@given(PATHS, st.integers(2, 400), st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_the_truth_is_within_the_error(path: Path, count: int, seed: int) -> None:
    """Whatever clocks and delays, the offset is within its error, drift included."""
    pairs = path.pairs(count, 20 * S, seed)
    clock = pairs.clock
    unsure = path.slow + abs(path.drift - clock.drift) * 20 * S

    if not clock.one_way:
        assert pairs.off <= clock.error + unsure
    if not clock.one_way and clock.drift == path.drift == 0:
        assert pairs.off <= clock.error
        assert pairs.delays.min() >= 0


@given(
    PATHS,
    st.integers(-HOUR, HOUR),
    st.integers(S, 50 * HOUR),
    st.integers(1, 100),
    st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=50)
def test_shifted_clocks_shift_the_offset(
    path: Path, shift: int, more: int, count: int, seed: int
) -> None:
    """Both clocks shifted alike change no offset; the outside's alone, just that."""
    pairs = path._replace(offset=2 * HOUR).pairs(count, 20 * S, seed)
    inside, outside = pairs.inside + shift, pairs.outside + shift
    clock = pairs.clock

    assert Pairs(inside, outside, *pairs[2:]).clock == replace(
        clock, start=clock.start + shift
    )
    assert Pairs(inside, outside + more, *pairs[2:]).clock == replace(
        clock, start=clock.start + shift, offset=clock.offset + more
    )
