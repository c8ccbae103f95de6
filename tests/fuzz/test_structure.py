"""Files damaged on purpose: what came before the damage is there, and it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.fuzz.contract import check_before, check_place, lengths, outcome
from tests.fuzz.seeds import raw, seeds

if TYPE_CHECKING:
    from tests.fuzz.contract import Seed

HOSTILE = settings(
    max_examples=600, deadline=None, suppress_health_check=list(HealthCheck)
)
SEEDS = st.sampled_from(seeds())
Order = Literal["little", "big"]
HEADS = raw()
ORDERS = st.sampled_from(get_args(Order))
LIES = st.one_of(
    st.integers(-9, 9),
    st.sampled_from([1 << 27, (1 << 27) + (1 << 16), 1 << 31, (1 << 32) - 4, -1]),
    st.integers(0, (1 << 32) - 1),
)


def _patched(whole: Seed, at: int, value: bytes) -> bytes:
    return whole.data[:at] + value + whole.data[at + len(value) :]


@HOSTILE
@given(SEEDS, st.data())
def test_cut_anywhere(whole: Seed, data: st.DataObject) -> None:
    """A cut is an error unless it is between two records, and named where it is."""
    size = data.draw(st.integers(0, len(whole.data)))
    found = outcome(whole.data[:size])

    check_before(whole, found, size)
    assert found.offset <= size
    ends = [0, *(part.end for part in whole.parts)]
    assert (found.offset >= 0) == (size == 0 or size not in ends)
    if found.offset >= 0 and whole.is_pcapng:
        assert found.offset == max(end for end in ends if end <= size)


@HOSTILE
@given(SEEDS, st.data())
def test_flip_any_bit(whole: Seed, data: st.DataObject) -> None:
    """A bit that flips takes nothing with it that came before."""
    at = data.draw(st.integers(0, len(whole.data) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = _patched(whole, at, bytes((whole.data[at] ^ 1 << bit,)))
    found = outcome(flipped)

    check_before(whole, found, at)
    check_place(whole, flipped, found, range(at, at + 1))


@HOSTILE
@given(whole=SEEDS, data=st.data(), lie=LIES, order=ORDERS, relative=st.booleans())
def test_lie_in_any_length(
    whole: Seed, data: st.DataObject, lie: int, order: Order, *, relative: bool
) -> None:
    """A length that lies is found where it stands, as far as that can be known."""
    field = data.draw(st.sampled_from(lengths(whole)))
    place = range(field.at, field.at + field.size)
    was = int.from_bytes(whole.data[place.start : place.stop], order)
    number = (was + lie if relative else lie) % (1 << 8 * field.size)
    lied = _patched(whole, field.at, number.to_bytes(field.size, order))
    found = outcome(lied)

    check_before(whole, found, field.at)
    check_place(whole, lied, found, place)


@HOSTILE
@given(SEEDS, st.data(), st.binary(max_size=64))
def test_bytes_in_between(whole: Seed, data: st.DataObject, more: bytes) -> None:
    """Bytes that somebody put in, or left out, take nothing with them before."""
    at = data.draw(st.integers(0, len(whole.data)))
    gone = data.draw(st.integers(0, 64))
    found = outcome(whole.data[:at] + more + whole.data[at + gone :])

    check_before(whole, found, at)


@HOSTILE
@given(st.lists(SEEDS, min_size=2, max_size=3))
def test_files_behind_files(several: list[Seed]) -> None:
    """Pcapng files behind one another are one; of all others the first is read."""
    found = outcome(b"".join(one.data for one in several))

    check_before(several[0], found, len(several[0].data))
    if all(one.is_pcapng for one in several):
        assert found.offset == -1
        assert len(found.capture) == sum(len(one.frames) for one in several)


@HOSTILE
@given(st.binary(max_size=300), st.sampled_from(["", "pcap", "pcapng"]))
@example(b"", "")
def test_any_bytes(noise: bytes, behind: str) -> None:
    """Noise is an error or a capture, behind the beginning of a file or without."""
    heads = {"": b"", "pcap": HEADS["pcap-1"][:24], "pcapng": HEADS["blocks-le"][:108]}
    outcome(heads[behind] + noise)
