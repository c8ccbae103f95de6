"""What paired packets say of the two clocks by which they were captured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_netlab.nat.clock import Alignment

if TYPE_CHECKING:
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]

NOW = 1_700_000_000_000_000_000
US, MS, S, HOUR = 1_000, 1_000_000, 1_000_000_000, 3_600_000_000_000
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
