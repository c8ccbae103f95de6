"""Keep which part of each uniflow's sequence space one capture point has seen.

A hot loop that keeps one interval a uniflow, and writes down what that cannot hold. Of
an ICMP echo the sequence numbers are kept likewise. Knows one capture, and no payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import cython
except ImportError:  # interpreted code does without it
    from pytest_netlab.interpreted import cython
import numpy as np

from pytest_netlab.flows.table import NO_UNIFLOW
from pytest_netlab.wire import icmp, icmpv6, octets, tcp
from pytest_netlab.wire.assigned import ICMP, ICMP6, TCP

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.wire.columns import Columns

    Numbers = npt.NDArray[np.int64]

_SYN, _FIN, _RST, _ACK = tcp.SYN, tcp.FIN, tcp.RST, tcp.ACK

# The state of a uniflow, in 32-bit words: the interval of its octets that is growing,
# the interval that its acknowledgements cover, its base, and the bits below. Both
# directions of a conversation share a cache line.
_WORDS, _STATE = 8, 32  # words, octets
_DATA, _ACKS, _BASE, _FLAGS = 0, 2, 4, 5
_END = 1  # from an interval's first number to the number behind its last

# It has an interval of octets, one of acknowledged octets, a base, the base of a SYN.
_BEGUN, _ACKED, _BASED, _OPENED = 1, 2, 4, 8
_COMPLETE = _BEGUN | _ACKED | _BASED
_ORDINARY = _SYN | _RST | _ACK  # flags of which an ordinary segment has the last alone

# What is written down of a uniflow: intervals of its octets, intervals that it
# acknowledged, bases of earlier connections (as empty intervals).
_SEEN, _ACKNOWLEDGED, _BASES, _KINDS = 0, 1, 2, 3

_MASK, _HALF = tcp.SPACE - 1, tcp.SPACE >> 1
# RFC 1982: numbers are ordered only within half of their space, so an interval that
# gets long is cut, and what a header claims beyond a piece is not believed.
_LONG, _PIECE = 1 << 30, 1 << 29
_FAR = 1 << 24  # before the interval: the stream went on there, so the interval follows
_LATE = 1 << 20  # a SYN this far before the first segment is of the same connection
_ECHO_SHIFT = 16  # 16-bit numbers of echoes are the upper half of a sequence number
_MOST = 8  # more than the intervals that one packet completes
_AHEAD = 8  # rows from fetching a state to using it
_FIRST_SIZE = 1 << 10


class Streams:
    """The sequence numbers that one capture point has seen, of every uniflow.

    An interval of each uniflow grows with what follows it. What lies elsewhere (behind
    a hole, or sent again before the interval) is written down, so that memory is a
    constant for each uniflow and for each hole. Numbers are 32 bits, compared as
    RFC 1982 does. Where they are used again, by another connection between the same
    ports or after 4 GiB, what was seen of them at any time counts as seen.
    """

    if TYPE_CHECKING:
        count: int
        size: int
        states: memoryview
        lines: memoryview
        streams: memoryview
        firsts: memoryview
        ends: memoryview

    def __init__(self) -> None:
        """Start without a uniflow."""
        self.count = self.size = 0
        self._states = np.zeros(0, dtype=np.uint32)
        self._streams = np.zeros(0, dtype=np.int32)
        self._firsts = self._ends = np.zeros(0, dtype=np.uint32)
        self._reserve(_FIRST_SIZE)
        self._grow()
        self._forget()

    def _reserve(self, uniflows: int) -> None:
        """Have a state for this many uniflows, and of the reverse of the last."""
        needed = (uniflows + 1) * _WORDS
        if needed > len(self._states):
            self._states = _longer(self._states, 2 * needed)
        self.states = octets.u32_view(self._states)
        self.lines = octets.u8_view(self._states.view(np.uint8))

    def _grow(self) -> None:
        """Double the space for written intervals."""
        self.size = max(_FIRST_SIZE, 2 * self.size)
        self._streams = _longer(self._streams, self.size)
        self._firsts = _longer(self._firsts, self.size)
        self._ends = _longer(self._ends, self.size)
        self.streams = octets.i32_view(self._streams)
        self.firsts = octets.u32_view(self._firsts)
        self.ends = octets.u32_view(self._ends)

    def _forget(self) -> None:
        """Forget the sorted intervals."""
        self._order: tuple[Numbers, npt.NDArray[np.int32]] | None = None
        self._known: dict[int, tuple[Numbers, Numbers]] = {}
        self._bases: dict[int, npt.NDArray[np.uint32]] = {}

    def add(self, columns: Columns, rows: int, uniflows: npt.NDArray[np.int32]) -> None:
        """Add a block of packets, with their uniflows as `FlowTable.add` returns them.

        RSTs and ICMP errors neither cover nor acknowledge anything.
        """
        if not rows:
            return
        self._forget()
        self._reserve(int(uniflows.max()) + 1)
        numbers = octets.i32_view(uniflows)
        row = 0
        while row < rows:
            with cython.nogil:
                row = _add(self, columns, row, rows, numbers)
            if row < rows:
                self._grow()

    def missing(self, uniflow: int, first: int, end: int) -> list[tuple[int, int]]:
        """Return the parts of [first, end) that were never seen, in order.

        Linear in what it returns, once the intervals of a uniflow are sorted, so ask
        when everything was added.
        """
        return self._outside(_KINDS * uniflow + _SEEN, first, end)

    def acknowledged(self, uniflow: int, end: int) -> bool:
        """Return whether a packet of uniflow acknowledged everything before `end`.

        That is of the same connection: `end` is known to follow what was seen of it.
        """
        stream = _KINDS * uniflow + _ACKNOWLEDGED
        return not self._outside(stream, end - 1 & _MASK, end)

    def base(self, uniflow: int, seq: int | None = None) -> int | None:
        """Return what relative numbers count from, as Wireshark's do; None: unknown.

        It is the number of a connection's SYN, else one before its first segment. Of
        several connections it is the latest, or with `seq` the one that number is of.
        """
        if not self._flags(uniflow) & _BASED:
            return None
        latest = int(self._states[uniflow * _WORDS + _BASE])
        if seq is None:
            return latest
        if uniflow not in self._bases:
            noted = self._firsts[self._rows(_KINDS * uniflow + _BASES)]
            self._bases[uniflow] = np.sort(np.append(noted, np.uint32(latest)))
        bases = self._bases[uniflow]
        # Below the lowest, the highest is the nearest before it: numbers wrap.
        return int(bases[np.searchsorted(bases, seq, side="right") - 1])

    def echoed(self, uniflow: int, seq: int) -> bool:
        """Return whether an ICMP echo message with this number was seen."""
        first = seq << _ECHO_SHIFT
        end = first + (1 << _ECHO_SHIFT) & _MASK
        return not self._outside(_KINDS * uniflow + _SEEN, first, end)

    def _outside(self, stream: int, first: int, end: int) -> list[tuple[int, int]]:
        """Return the parts of [first, end) that no interval of the stream covers."""
        firsts, ends = self._intervals(stream)
        last = first + (end - first & _MASK)
        # What wraps is looked up behind the space, where intervals are repeated.
        gaps = []
        place = int(np.searchsorted(ends, first, side="right"))
        while first < last:
            begin = int(firsts[place]) if place < len(firsts) else last
            if begin > first:
                gaps.append((first & _MASK, min(begin, last) & _MASK))
            if place < len(firsts):
                first = int(ends[place])
                place += 1
            else:
                first = last
        return gaps

    def _intervals(self, stream: int) -> tuple[Numbers, Numbers]:
        """Return the disjoint intervals of a stream, ascending, twice one after other.

        An interval over the end of the space is one; the second time all are a space
        higher.
        """
        if stream not in self._known:
            self._known[stream] = _joined(*self._written(stream))
        return self._known[stream]

    def _written(self, stream: int) -> tuple[Numbers, Numbers]:
        """Return the intervals of a stream as they were noted, and the growing one."""
        rows = self._rows(stream)
        firsts, ends = self._firsts[rows], self._ends[rows]
        uniflow, kind = divmod(stream, _KINDS)
        if self._flags(uniflow) & (_BEGUN if kind == _SEEN else _ACKED):
            at = uniflow * _WORDS + (_DATA if kind == _SEEN else _ACKS)
            firsts = np.append(firsts, self._states[at])
            ends = np.append(ends, self._states[at + _END])
        return firsts.astype(np.int64), ends.astype(np.int64)

    def _rows(self, stream: int) -> Numbers:
        """Return where a stream was noted."""
        if self._order is None:
            order = np.argsort(self._streams[: self.count], kind="stable")
            self._order = order, self._streams[order]
        order, streams = self._order
        low, high = np.searchsorted(streams, (stream, stream + 1))
        return order[low:high]

    def _flags(self, uniflow: int) -> int:
        """Return what is known of a uniflow; nothing of one without a packet."""
        at = uniflow * _WORDS + _FLAGS
        return int(self._states[at]) if 0 <= at < len(self._states) else 0


def _longer(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Return a copy of this size, zeros at its end."""
    longer = np.zeros(size, dtype=array.dtype)
    longer[: len(array)] = array
    return longer


def _joined(firsts: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
    """Return intervals joined where they meet, and again one space higher.

    Args:
        firsts: below 2**32.
        ends: below 2**32, and below its first for an interval that wraps.

    """
    if not len(firsts):
        return firsts, ends
    ends = np.where(ends < firsts, ends + tcp.SPACE, ends)
    # An interval that wraps also covers the beginning of the space.
    shifts = (-tcp.SPACE, 0, tcp.SPACE)
    firsts = np.concatenate([firsts + shift for shift in shifts])
    ends = np.concatenate([ends + shift for shift in shifts])
    order = np.argsort(firsts, kind="stable")
    firsts, ends = firsts[order], np.maximum.accumulate(ends[order])
    begins = np.flatnonzero(np.append(True, firsts[1:] > ends[:-1]))
    return firsts[begins], np.append(ends[begins[1:] - 1], ends[-1])


def _add(
    streams: Streams, columns: Columns, row: int, rows: int, uniflows: memoryview
) -> int:
    """Add rows; stop early if there is no space for what one of them completes."""
    while row < rows:
        if streams.count + _MOST > streams.size:
            return row
        if row + _AHEAD < rows:
            octets.prefetch(streams.lines, uniflows[row + _AHEAD] * _STATE)
        uniflow = uniflows[row]
        if uniflow != NO_UNIFLOW:
            if columns.proto[row] == TCP:
                if not _advance(streams, columns, row, uniflow):
                    _add_segment(streams, columns, row, uniflow)
            elif _is_echo(columns, row):
                seq = columns.icmp_seq[row] << _ECHO_SHIFT
                _cover(streams, uniflow, seq, 1 << _ECHO_SHIFT)
        row += 1
    return row


def _is_echo(columns: Columns, row: int) -> bool:
    """Return whether a packet is an echo request or reply; no ICMP error is."""
    proto = columns.proto[row]
    if proto == ICMP:
        return icmp.is_echo(columns.icmp_type[row])
    return proto == ICMP6 and icmpv6.is_echo(columns.icmp_type[row])


def _advance(streams: Streams, columns: Columns, row: int, uniflow: int) -> bool:
    """Add a segment that only moves the ends of both intervals; False if it is another.

    Nearly every segment does. Nothing here is stored depending on whether it has data,
    which the processor could not predict.
    """
    states, at = streams.states, uniflow * _WORDS
    flags = columns.tcp_flags[row]
    if flags & _ORDINARY != _ACK or states[at + _FLAGS] & _COMPLETE != _COMPLETE:
        return False
    size, end = columns.payload_len[row] + (flags & _FIN), states[at + _END]
    behind = end - columns.tcp_seq[row] & _MASK
    length = end - states[at] & _MASK
    ahead = columns.tcp_ack[row] - states[at + _ACKS + _END] & _MASK
    covered = ahead + states[at + _ACKS + _END] - states[at + _ACKS] & _MASK
    grown = size - behind if size > behind else 0
    if behind > length or length + grown > _LONG or ahead > _PIECE or covered > _LONG:
        return False
    states[at + _END] = end + grown & _MASK
    states[at + _ACKS + _END] = columns.tcp_ack[row]
    return True


def _add_segment(streams: Streams, columns: Columns, row: int, uniflow: int) -> None:
    """Add a segment: SYN and FIN take a sequence number each (RFC 9293, 3.4)."""
    flags = columns.tcp_flags[row]
    if flags & _RST:
        return
    seq = columns.tcp_seq[row]
    size = min(columns.payload_len[row], _PIECE)
    if flags & _SYN:
        _open(streams, uniflow, seq)
        size += 1
    else:
        _set_base(streams, uniflow, seq)
    if flags & _FIN:
        size += 1
    if size:
        _cover(streams, uniflow, seq, size)
    if flags & _ACK:
        _acknowledge(streams, uniflow, columns.tcp_ack[row])


def _set_base(streams: Streams, uniflow: int, seq: int) -> None:
    """Set the base of a uniflow whose SYN was not seen."""
    at = uniflow * _WORDS
    flags = streams.states[at + _FLAGS]
    if not flags & _BASED:
        streams.states[at + _BASE] = seq - 1 & _MASK
        streams.states[at + _FLAGS] = flags | _BASED


def _open(streams: Streams, uniflow: int, seq: int) -> None:
    """Take the number of a SYN as base; another one than before is a new connection."""
    at = uniflow * _WORDS
    # What a SYN-ACK acknowledges is a SYN, and none of what was acknowledged before.
    _close(streams, uniflow, _ACKNOWLEDGED, _ACKED)
    if streams.states[at + _FLAGS] & _BASED and streams.states[at + _BASE] != seq:
        late = streams.states[at + _BASE] - seq & _MASK
        if streams.states[at + _FLAGS] & _OPENED or late > _LATE:
            _close(streams, uniflow, _SEEN, _BEGUN)
            _close(streams, uniflow ^ 1, _ACKNOWLEDGED, _ACKED)
            base = streams.states[at + _BASE]
            _note(streams, _KINDS * uniflow + _BASES, base, base)
    streams.states[at + _BASE] = seq
    streams.states[at + _FLAGS] |= _BASED | _OPENED


def _close(streams: Streams, uniflow: int, kind: int, bit: int) -> None:
    """Write the interval of an old connection down, if it has one."""
    at = uniflow * _WORDS
    if streams.states[at + _FLAGS] & bit:
        streams.states[at + _FLAGS] ^= bit
        at += _DATA if kind == _SEEN else _ACKS
        _note(
            streams,
            _KINDS * uniflow + kind,
            streams.states[at],
            streams.states[at + _END],
        )


def _cover(streams: Streams, uniflow: int, seq: int, size: int) -> None:
    """Add [seq, seq + size) to what was seen."""
    at = uniflow * _WORDS
    if not streams.states[at + _FLAGS] & _BEGUN:
        streams.states[at + _FLAGS] |= _BEGUN
        streams.states[at] = seq
        streams.states[at + _END] = seq + size & _MASK
        return
    end = streams.states[at + _END]
    behind = end - seq & _MASK
    length = end - streams.states[at] & _MASK
    if behind <= length:
        if size > behind:
            streams.states[at + _END] = seq + size & _MASK
            _shorten(streams, at, _KINDS * uniflow + _SEEN)
    elif behind > _HALF:
        # Behind a hole.
        _note(streams, _KINDS * uniflow + _SEEN, streams.states[at], end)
        streams.states[at] = seq
        streams.states[at + _END] = seq + size & _MASK
    else:
        _cover_earlier(streams, uniflow, seq, size, behind - length)


def _cover_earlier(
    streams: Streams, uniflow: int, seq: int, size: int, gap: int
) -> None:
    """Add what begins before the growing interval, by `gap` octets."""
    at = uniflow * _WORDS
    first, end = streams.states[at], streams.states[at + _END]
    if size >= gap:
        streams.states[at] = seq
        if size - gap > (end - first & _MASK):
            streams.states[at + _END] = seq + size & _MASK
        _shorten(streams, at, _KINDS * uniflow + _SEEN)
    elif gap <= _FAR:
        _note(streams, _KINDS * uniflow + _SEEN, seq, seq + size & _MASK)
    else:
        # One stray number must not make every packet that follows an interval.
        _note(streams, _KINDS * uniflow + _SEEN, first, end)
        streams.states[at] = seq
        streams.states[at + _END] = seq + size & _MASK


def _acknowledge(streams: Streams, uniflow: int, ack: int) -> None:
    """Add an acknowledgement, which is of all octets before it (RFC 9293, 3.4)."""
    at = uniflow * _WORDS + _ACKS
    if streams.states[uniflow * _WORDS + _FLAGS] & _ACKED:
        end = streams.states[at + _END]
        if ack - end & _MASK <= _PIECE:
            streams.states[at + _END] = ack
            _shorten(streams, at, _KINDS * uniflow + _ACKNOWLEDGED)
            return
        if end - ack & _MASK <= _FAR:
            return
        _note(streams, _KINDS * uniflow + _ACKNOWLEDGED, streams.states[at], end)
    streams.states[uniflow * _WORDS + _FLAGS] |= _ACKED
    streams.states[at] = _acknowledged_from(streams, uniflow ^ 1, ack)
    streams.states[at + _END] = ack


def _acknowledged_from(streams: Streams, uniflow: int, ack: int) -> int:
    """Return the first number of a uniflow that its first acknowledgement covers.

    That is its SYN. Where none was seen, as much as can be in flight; of a number that
    does not belong here (an old connection's, RFC 5961 section 4) the last octet only.
    """
    at = uniflow * _WORDS
    if not streams.states[at + _FLAGS] & _BASED:
        return ack - _PIECE & _MASK
    base = streams.states[at + _BASE]
    newest = streams.states[at + _END] if streams.states[at + _FLAGS] & _BEGUN else base
    is_near = (ack - newest + _PIECE & _MASK) <= _PIECE + _FAR
    if not is_near:
        return ack - 1 & _MASK
    if streams.states[at + _FLAGS] & _OPENED and (ack - base & _MASK) <= _PIECE:
        return base
    return ack - _PIECE & _MASK


def _shorten(streams: Streams, at: int, stream: int) -> None:
    """Write the older part of an interval down before it gets too long to compare."""
    first = streams.states[at]
    if streams.states[at + _END] - first & _MASK > _LONG:
        _note(streams, stream, first, first + _PIECE & _MASK)
        streams.states[at] = first + _PIECE & _MASK


def _note(streams: Streams, stream: int, first: int, end: int) -> None:
    """Write an interval down."""
    streams.streams[streams.count] = stream
    streams.firsts[streams.count] = first
    streams.ends[streams.count] = end
    streams.count += 1
