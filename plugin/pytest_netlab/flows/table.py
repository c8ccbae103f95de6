"""Group packets into conversations: a hash table over flow keys, in a hot loop.

Conversations are numbered in order of first sight. A packet's uniflow is twice the
number of its conversation, and one more if it travels towards the initiator.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final

try:
    import cython
except ImportError:  # interpreted code does without it
    from pytest_netlab.interpreted import cython
import numpy as np

from pytest_netlab.flows.keys import Tuple5
from pytest_netlab.wire import (
    ADDRESS_BYTES,
    Direction,
    address_text,
    icmp,
    icmpv6,
    octets,
    tcp,
)
from pytest_netlab.wire.address import FIRST_GROUP, GROUP6, MAPPED, as_ipv6
from pytest_netlab.wire.assigned import ECHO_REPLY, ECHO_REPLY6, ICMP, ICMP6, TCP, UDP

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.wire.columns import Columns

NO_UNIFLOW: Final = -1

# A key: the lower end's address, the higher end's; their ports, the protocol, zeros.
_LOW, _HIGH, _ENDS, _KEY = 0, 16, 32, 40
_PORT = 0xFFFF
_ENTRY = Struct("<16s16sHHBB2x")
_ADDRESS, _MAPPED = ADDRESS_BYTES, len(MAPPED)
# Set in the ends of a key of IPv6 that has an IPv4-mapped address.
_REAL_IPV6, _REAL_IPV6_FLAG = 1 << 41, 2  # in the word, and in the octet
_IPV6 = 6

# The state of a conversation. The initiator is the higher end; the responder answered;
# a packet of the initiator was seen; the first of them left the host; packets of the
# initiator, and of the responder, came into the host.
_FLIPPED, _ANSWERED, _BEGUN, _SENT, _FORTH_IN, _BACK_IN = 1, 2, 4, 8, 16, 32
_GUESSED = 64  # who the initiator is was judged by the ports

# Ranges of RFC 6335, but that Linux's ephemeral ports begin at 32768. Clients that want
# a privileged port (rresvport) take one from 512 on, and call registered ports (NFS).
_REGISTERED, _EPHEMERAL, _RESERVED = 1024, 32768, 512

_SYN, _SYN_ACK = tcp.SYN, tcp.SYN | tcp.ACK
_INBOUND, _OUTBOUND = int(Direction.INBOUND), int(Direction.OUTBOUND)
_EMPTY = -1
_NOT_HERE = -1  # a row that this pass skips
_RING, _LAST = 16, 15  # keys that are made ahead
_AHEAD, _NEAR = 12, 6  # rows from making a key to using it, and to fetching its line
_FIRST_SIZE = 1 << 10

# Cython makes a C integer of this; this keeps it visible to Python.
globals().update(NO_UNIFLOW=NO_UNIFLOW)


class FlowTable:
    """The conversations of one capture point, which may grow by blocks of columns."""

    if TYPE_CHECKING:
        count: int
        keys: memoryview
        states: memoryview
        slots: memoryview
        size: int
        ring: memoryview
        hashes: memoryview
        swaps: memoryview
        errors: int
        guess: int

    def __init__(self, *, guess: bool = False) -> None:
        """Start without a conversation.

        Args:
            guess: judge by its ports who began a conversation that was captured from
                its middle; otherwise whoever sent the first packet did.

        """
        self.count, self.guess = 0, int(guess)
        self._ring = np.zeros(_RING * _KEY, dtype=np.uint8)
        self._hashes = np.zeros(_RING, dtype=np.uint64)
        self._swaps = np.zeros(_RING, dtype=np.int32)
        self.ring = octets.u8_view(self._ring)
        self.hashes = octets.u64_view(self._hashes)
        self.swaps = octets.i32_view(self._swaps)
        self.errors = 0
        self._keys = self._states = np.zeros(0, dtype=np.uint8)
        self._texts: dict[bytes, str] = {}
        self._make(_FIRST_SIZE)

    def _make(self, size: int) -> None:
        """Allocate `size` slots, a power of two, and space for half as many keys."""
        # Another thread may ask for a key meanwhile: existing keys stay readable.
        self._keys = _longer(self._keys, size // 2 * _KEY)
        self._states = _longer(self._states, size // 2)
        self._slots = np.full(size, _EMPTY, dtype=np.int32)
        self.size = size
        self.keys = octets.u8_view(self._keys)
        self.states = octets.u8_view(self._states)
        self.slots = octets.i32_view(self._slots)

    def _grow(self) -> None:
        """Double the table."""
        self._make(2 * self.size)
        _rehash(self, self.count)

    def add(self, columns: Columns, rows: int) -> npt.NDArray[np.int32]:
        """Return the uniflow of each row; NO_UNIFLOW for what belongs to no flow.

        An ICMP error belongs to the conversation of its embedded packet and travels in
        the opposite direction. Errors are added last, so that none begins a
        conversation of which the block has a packet.
        """
        uniflows = np.full(rows, NO_UNIFLOW, dtype=np.int32)
        out = octets.i32_view(uniflows)
        self.errors = 0
        for errors in (0, 1):
            row = 0
            while row < rows and (not errors or self.errors):
                with cython.nogil:
                    row = _add(self, columns, row, rows, out, errors)
                if row < rows:
                    self._grow()
        return uniflows

    def key(self, uniflow: int) -> Tuple5:
        """Return the directed key of a uniflow."""
        key = self.conversations(uniflow >> 1, 1)[0]
        return key.reply if uniflow & 1 else key

    def conversations(self, first: int = 0, count: int | None = None) -> list[Tuple5]:
        """Return the keys of conversations, oriented from their initiators."""
        last = self.count if count is None else first + count
        packed = self._keys[first * _KEY : last * _KEY].tobytes()
        flipped = (self._states[first:last] & _FLIPPED).tolist()
        texts = self._texts
        keys = []
        for state, entry in zip(flipped, _ENTRY.iter_unpack(packed), strict=True):
            low, high, low_port, high_port, proto, flags = entry
            low = texts.get(low) or texts.setdefault(low, address_text(low))
            high = texts.get(high) or texts.setdefault(high, address_text(high))
            if flags & _REAL_IPV6_FLAG:
                low, high = as_ipv6(low), as_ipv6(high)
            if state:
                keys.append(Tuple5(proto, high, high_port, low, low_port))
            else:
                keys.append(Tuple5(proto, low, low_port, high, high_port))
        return keys

    def answered(self) -> list[bool]:
        """Return, for each conversation, whether the responder sent anything."""
        shown = self._states[: self.count] & _ANSWERED
        return [bool(answer) for answer in shown.tolist()]

    def guessed(self) -> list[bool]:
        """Return, for each conversation, whether it is a guess who began it."""
        shown = self._states[: self.count] & _GUESSED
        return [bool(guess) for guess in shown.tolist()]

    def begun(self, number: int) -> bool:
        """Return whether the initiator sent anything."""
        return bool(self._states[number] & _BEGUN)

    def sent(self, number: int) -> bool:
        """Return whether the initiator's first packet left the host here."""
        return bool(self._states[number] & _SENT)

    def senders(self) -> frozenset[str]:
        """Return the addresses whose packets came into the host here."""
        found = set()
        for number in range(self.count):
            state = int(self._states[number])
            if state & (_FORTH_IN | _BACK_IN):
                key = self.key(2 * number)
                found |= {key.src} if state & _FORTH_IN else set()
                found |= {key.dst} if state & _BACK_IN else set()
        return frozenset(found)


def _longer(array: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Return a copy of this size, zeros at its end."""
    longer = np.zeros(size, dtype=np.uint8)
    longer[: len(array)] = array
    return longer


def _add(
    table: FlowTable,
    columns: Columns,
    row: int,
    rows: int,
    uniflows: memoryview,
    errors: int,
) -> int:
    """Set the uniflows of errors or of other rows; stop early if the table is full.

    Keys are made some rows ahead, so that the processor has fetched what a row needs
    of the table by the time it is looked up.
    """
    ahead = row
    while row < rows:
        if table.count * 2 >= table.size:
            return row
        while ahead < rows and ahead < row + _AHEAD:
            table.swaps[ahead & _LAST] = _prepare(table, columns, ahead, errors)
            if ahead - row >= _NEAR:
                _fetch(table, ahead - _NEAR)
            ahead += 1
        if table.swaps[row & _LAST] != _NOT_HERE:
            if errors:
                uniflows[row] = _add_error(table, row)
            else:
                uniflows[row] = _add_packet(table, columns, row)
        row += 1
    return row


def _prepare(table: FlowTable, columns: Columns, row: int, errors: int) -> int:
    """Make the key of a row; return whether its ends are swapped, or _NOT_HERE."""
    if not is_flow(columns, row):
        return _NOT_HERE
    if is_error(columns, row):
        table.errors = 1
        if not errors:
            return _NOT_HERE
        ends = _quoted_ends(columns, row)
        if columns.ip_version[row] == _IPV6:
            ends |= _mapped(columns.quoted_src, columns.quoted_dst, row * _ADDRESS)
        swapped = _fill(
            table,
            row,
            columns.quoted_src,
            columns.quoted_dst,
            row * _ADDRESS,
            ends,
        )
    elif errors:
        return _NOT_HERE
    else:
        ends = _own_ends(columns, row)
        if columns.ip_version[row] == _IPV6:
            ends |= _mapped(columns.src, columns.dst, row * _ADDRESS)
        swapped = _fill(table, row, columns.src, columns.dst, row * _ADDRESS, ends)
    place = row & _LAST
    state = octets.scramble(table.ring, place * _KEY)
    table.hashes[place] = state
    octets.prefetch_int(table.slots, state & (table.size - 1))
    return swapped


def _mapped(src: memoryview, dst: memoryview, at: int) -> int:
    """Return the flag of an IPv6 packet that an address makes look like IPv4."""
    if octets.is_mapped(src, at) or octets.is_mapped(dst, at):
        return _REAL_IPV6
    return 0


def _fetch(table: FlowTable, row: int) -> None:
    """Prefetch the conversation that a row probably belongs to."""
    place = row & _LAST
    if table.swaps[place] != _NOT_HERE:
        number = table.slots[table.hashes[place] & (table.size - 1)]
        if number != _EMPTY:
            octets.prefetch(table.keys, number * _KEY)


def is_flow(columns: Columns, row: int) -> bool:
    """Return whether a packet belongs to a flow.

    These do not: ARP and other non-IP frames, packets without an L4 header (later
    fragments, damage), multicast and broadcast, neighbour discovery.
    """
    if not columns.l4_offset[row]:
        return False
    if columns.proto[row] == ICMP6 and icmpv6.is_of_link(columns.icmp_type[row]):
        return False
    at = row * _ADDRESS
    if octets.is_mapped(columns.dst, at):
        return columns.dst[at + _MAPPED] < FIRST_GROUP
    return columns.dst[at] != GROUP6


def is_error(columns: Columns, row: int) -> bool:
    """Return whether a packet is an ICMP error with an embedded packet."""
    if not columns.quoted_proto[row]:
        return False
    kind = columns.icmp_type[row]
    if columns.proto[row] == ICMP6:
        return icmpv6.is_error(kind)
    return icmp.is_error(kind)


def _add_packet(table: FlowTable, columns: Columns, row: int) -> int:
    """Return the uniflow of a packet; update the state of its conversation."""
    swapped = table.swaps[row & _LAST]
    number = _find(table, row & _LAST)
    if number == table.count:
        table.count += 1
        # A SYN-ACK or an echo reply seen first answers a packet that was not captured.
        replied, guessed = _is_reply(columns, row), 0
        if table.guess and not replied and not _is_opening(columns, row):
            replied = answers_by_port(columns.sport[row], columns.dport[row])
            guessed = _GUESSED if replied or columns.proto[row] == TCP else 0
        table.states[number] = guessed | (_FLIPPED if swapped != replied else 0)
    state = table.states[number]
    back = swapped != (state & _FLIPPED)
    table.states[number] = state | _shown(state, back, columns.direction[row])
    return 2 * number + back


def _shown(state: int, back: int, direction: int) -> int:
    """Return the state bits that a packet of this direction sets."""
    if back:
        return _ANSWERED | (_BACK_IN if direction == _INBOUND else 0)
    shown = _BEGUN | (_FORTH_IN if direction == _INBOUND else 0)
    if not state & _BEGUN and direction == _OUTBOUND:
        shown |= _SENT
    return shown


def _add_error(table: FlowTable, row: int) -> int:
    """Return the uniflow of an ICMP error: the reverse of its embedded packet's."""
    swapped = table.swaps[row & _LAST]
    number = _find(table, row & _LAST)
    if number == table.count:
        table.count += 1
        table.states[number] = _FLIPPED if swapped else 0
    back = swapped != (table.states[number] & _FLIPPED)
    return 2 * number + 1 - back


def _own_ends(columns: Columns, row: int) -> int:
    """Return ports and protocol of a packet; an echo's id is both ports."""
    proto = columns.proto[row]
    if proto in (TCP, UDP):
        return octets.joined(columns.sport[row], columns.dport[row], proto)
    ident = columns.icmp_id[row] if _is_echo(proto, columns.icmp_type[row]) else 0
    return octets.joined(ident, ident, proto)


def _is_echo(proto: int, kind: int) -> bool:
    """Return whether a message carries an id."""
    if proto == ICMP:
        return icmp.is_echo(kind)
    return proto == ICMP6 and icmpv6.is_echo(kind)


def _quoted_ends(columns: Columns, row: int) -> int:
    """Return ports and protocol of the packet embedded in an ICMP error."""
    proto = columns.quoted_proto[row]
    if proto in (ICMP, ICMP6):
        ident = columns.quoted_icmp_id[row]
        return octets.joined(ident, ident, proto)
    return octets.joined(columns.quoted_sport[row], columns.quoted_dport[row], proto)


def _is_reply(columns: Columns, row: int) -> int:
    """Return, as 0 or 1, whether a packet can only be an answer."""
    proto = columns.proto[row]
    if proto == TCP:
        return 1 if columns.tcp_flags[row] & _SYN_ACK == _SYN_ACK else 0
    kind = columns.icmp_type[row]
    if proto == ICMP:
        return 1 if kind == ECHO_REPLY else 0
    return 1 if proto == ICMP6 and kind == ECHO_REPLY6 else 0


def _is_opening(columns: Columns, row: int) -> bool:
    """Return whether a packet shows that its sender began the conversation."""
    proto = columns.proto[row]
    if proto == TCP:
        return columns.tcp_flags[row] & _SYN != 0
    return proto in (ICMP, ICMP6)


def answers_by_port(sport: int, dport: int) -> int:
    """Return, as 0 or 1, whether the ports look like those of a service's answer."""
    if sport >= _EPHEMERAL or _range_of(sport) >= _range_of(dport):
        return 0
    return 1 if dport >= _EPHEMERAL or sport < _RESERVED else 0


def _range_of(port: int) -> int:
    """Return 0 of a system port, 1 of a registered and 2 of an ephemeral one."""
    if port < _REGISTERED:
        return 0
    return 1 if port < _EPHEMERAL else 2


def _fill(
    table: FlowTable, row: int, src: memoryview, dst: memoryview, at: int, ends: int
) -> int:
    """Put a key into the ring, the lower end first; return 1 if that is not src."""
    cell = (row & _LAST) * _KEY
    order = octets.order(src, at, dst, at)
    sport, dport = ends & _PORT, ends >> 16 & _PORT
    if order < 0 or (order == 0 and sport <= dport):
        octets.move(table.ring, cell + _LOW, src, at)
        octets.move(table.ring, cell + _HIGH, dst, at)
        octets.put(table.ring, cell + _ENDS, ends)
        return 0
    octets.move(table.ring, cell + _LOW, dst, at)
    octets.move(table.ring, cell + _HIGH, src, at)
    octets.put(table.ring, cell + _ENDS, octets.joined(dport, sport, ends >> 32))
    return 1


def _find(table: FlowTable, place: int) -> int:
    """Return the number of the key in the ring; a new one gets the next number."""
    mask = table.size - 1
    cell = place * _KEY
    slot = table.hashes[place] & mask
    while table.slots[slot] != _EMPTY:
        number = table.slots[slot]
        if octets.same(table.keys, number * _KEY, table.ring, cell):
            return number
        slot = (slot + 1) & mask
    table.slots[slot] = table.count
    octets.keep(table.keys, table.count * _KEY, table.ring, cell)
    return table.count


def _rehash(table: FlowTable, count: int) -> None:
    """Enter all keys into the empty slots."""
    mask = table.size - 1
    for number in range(count):
        slot = octets.scramble(table.keys, number * _KEY) & mask
        while table.slots[slot] != _EMPTY:
            slot = (slot + 1) & mask
        table.slots[slot] = number


@dataclass(frozen=True, slots=True)
class Conversation:
    """The rows of both directions of one flow, in capture order.

    Attributes:
        key: oriented from the initiator.
        rows: of its packets, without ICMP errors.
        answered: the responder sent something.
        errors: rows of ICMP errors whose embedded packet is of this conversation.

    """

    key: Tuple5
    rows: tuple[int, ...]
    answered: bool
    errors: tuple[int, ...] = ()


def conversations(capture: Capture) -> list[Conversation]:
    """Group a capture's packets into conversations, in order of first sight."""
    table = FlowTable()
    rows: dict[int, list[int]] = {}
    errors: dict[int, list[int]] = {}
    uniflows = [table.add(*block) for block in capture.blocks()]
    for row, uniflow in enumerate(np.concatenate(uniflows).tolist()):
        if uniflow != NO_UNIFLOW:
            kept = errors if bool(capture.quoted_proto[row]) else rows
            kept.setdefault(uniflow >> 1, []).append(row)
    answered = table.answered()
    return [
        Conversation(
            table.key(2 * number),
            tuple(rows.get(number, ())),
            answered[number],
            tuple(errors.get(number, ())),
        )
        for number in range(table.count)
    ]
