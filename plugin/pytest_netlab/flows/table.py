"""Packets into conversations: a hash table over flow keys, the hot loop of grouping.

Conversations are numbered in order of first sight. A packet's way is twice the number
of its conversation, and one more if it travels towards the initiator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cython
import numpy as np

from pytest_netlab.flows.keys import Tuple5
from pytest_netlab.wire import address_text, octets

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.wire.columns import Columns

NO_WAY: Final = -1

# A key: the lower end's address, the other's, their ports, the protocol, zeros.
_LOW, _HIGH, _LOW_PORT, _HIGH_PORT, _PROTO, _KEY = 0, 16, 32, 34, 36, 40
_ADDRESS = 16

# What is known of a conversation. The initiator is the higher end; somebody answered;
# a packet of the initiator was seen, and left the host; whose packets came in.
_FLIPPED, _ANSWERED, _BEGUN, _SENT, _FORTH_IN, _BACK_IN = 1, 2, 4, 8, 16, 32

_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_REPLY, _REQUEST, _REQUEST6, _REPLY6 = 0, 8, 128, 129
_UNREACHABLE, _QUENCH, _REDIRECT, _EXCEEDED, _PROBLEM = 3, 4, 5, 11, 12
_FIRST_QUERY = 128
# RFC 4861, 2710, 3810: neighbour discovery and multicast listeners speak of a link.
_FIRST_LINK, _LAST_LINK, _LISTENER2 = 130, 137, 143
_SYN, _SYN_ACK = 2, 18
_INBOUND, _OUTBOUND = 1, 2
_GROUP4, _GROUP6 = 224, 255  # RFC 1112 and 240/4; RFC 4291
_EMPTY = -1
_FIRST_SIZE = 1 << 10

# Compiled, this is an integer of C; Python sees it by this.
globals().update(NO_WAY=NO_WAY)


class FlowTable:
    """The conversations of one capture point, which may grow by blocks of columns."""

    if TYPE_CHECKING:
        count: int
        keys: memoryview
        states: memoryview
        slots: memoryview
        size: int
        scratch: memoryview

    def __init__(self) -> None:
        """Start without a conversation."""
        self.count = 0
        self._scratch = np.zeros(_KEY, dtype=np.uint8)
        self.scratch = octets.cells(self._scratch)
        self._keys = self._states = np.zeros(0, dtype=np.uint8)
        self._make(_FIRST_SIZE)

    def _make(self, size: int) -> None:
        """Make room for half this many conversations, a power of two."""
        # Another thread may ask for a key meanwhile: what is there stays in sight.
        self._keys = _longer(self._keys, size // 2 * _KEY)
        self._states = _longer(self._states, size // 2)
        self._slots = np.full(size, _EMPTY, dtype=np.int32)
        self.size = size
        self.keys = octets.cells(self._keys)
        self.states = octets.cells(self._states)
        self.slots = octets.ints(self._slots)

    def _grow(self) -> None:
        """Make room for twice as many."""
        self._make(2 * self.size)
        _rehash(self, self.count)

    def add(self, columns: Columns, rows: int) -> npt.NDArray[np.int32]:
        """Return the way of each row; NO_WAY for what belongs to no flow.

        ICMP errors belong to what they quote and travel against it. They come second,
        so that none begins a conversation of which a packet is there.
        """
        ways = np.full(rows, NO_WAY, dtype=np.int32)
        out = octets.ints(ways)
        for errors in (0, 1):
            row = 0
            while row < rows:
                with cython.nogil:
                    row = _add(self, columns, row, rows, out, errors)
                if row < rows:
                    self._grow()
        return ways

    def key(self, way: int) -> Tuple5:
        """Return the directed key of a way."""
        number = way >> 1
        cell = self._keys[number * _KEY : number * _KEY + _KEY].tobytes()
        low = address_text(cell[_LOW:_HIGH])
        high = address_text(cell[_HIGH:_LOW_PORT])
        low_port = int.from_bytes(cell[_LOW_PORT:_HIGH_PORT], "little")
        high_port = int.from_bytes(cell[_HIGH_PORT:_PROTO], "little")
        key = Tuple5(cell[_PROTO], low, low_port, high, high_port)
        reply = bool(self._states[number] & _FLIPPED) != bool(way & 1)
        return key.reply if reply else key

    def answered(self, number: int) -> bool:
        """Tell whether the responder sent anything."""
        return bool(self._states[number] & _ANSWERED)

    def sent(self, number: int) -> bool:
        """Tell whether the initiator's first packet left the host here."""
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
    """Return a copy with room for more bytes."""
    longer = np.zeros(size, dtype=np.uint8)
    longer[: len(array)] = array
    return longer


def _add(
    table: FlowTable,
    columns: Columns,
    row: int,
    rows: int,
    ways: memoryview,
    errors: int,
) -> int:
    """Give rows their ways, errors or the others; stop early if the table is full."""
    while row < rows:
        if table.count * 2 >= table.size:
            return row
        if is_flow(columns, row) and is_error(columns, row) == errors:
            if errors:
                ways[row] = _add_error(table, columns, row)
            else:
                ways[row] = _add_packet(table, columns, row)
        row += 1
    return row


def is_flow(columns: Columns, row: int) -> bool:
    """Tell whether a packet is of a flow.

    Not ARP and other non-IP frames, packets whose L4 header is not there (later
    fragments, damage), multicast and broadcast, neighbour discovery.
    """
    if not columns.l4_offset[row]:
        return False
    if columns.proto[row] == _ICMPV6:
        kind = columns.icmp_type[row]
        if _FIRST_LINK <= kind <= _LAST_LINK or kind == _LISTENER2:
            return False
    at = row * _ADDRESS
    if octets.is_mapped(columns.dst, at):
        return columns.dst[at + 12] < _GROUP4
    return columns.dst[at] != _GROUP6


def is_error(columns: Columns, row: int) -> bool:
    """Tell whether a packet is an ICMP error that quotes another packet."""
    if not columns.quoted_proto[row]:
        return False
    kind = columns.icmp_type[row]
    if columns.proto[row] == _ICMPV6:
        return kind < _FIRST_QUERY
    return kind in (_UNREACHABLE, _QUENCH, _REDIRECT, _EXCEEDED, _PROBLEM)


def _add_packet(table: FlowTable, columns: Columns, row: int) -> int:
    """Return the way of a packet; note what it shows of its conversation."""
    sport, dport = _port(columns, row, 0), _port(columns, row, 1)
    at = row * _ADDRESS
    swapped = _fill(
        table, columns.src, columns.dst, at, sport, dport, columns.proto[row]
    )
    number = _find(table)
    if number == table.count:
        table.count += 1
        # A SYN-ACK or an echo reply seen first answers someone unseen.
        flipped = swapped != _answers(columns, row)
        table.states[number] = _FLIPPED if flipped else 0
    state = table.states[number]
    back = swapped != (state & _FLIPPED)
    table.states[number] = state | _shown(state, back, columns.direction[row])
    return 2 * number + back


def _shown(state: int, back: int, direction: int) -> int:
    """Return what a packet of this direction shows of its conversation."""
    if back:
        return _ANSWERED | (_BACK_IN if direction == _INBOUND else 0)
    shown = _BEGUN | (_FORTH_IN if direction == _INBOUND else 0)
    if not state & _BEGUN and direction == _OUTBOUND:
        shown |= _SENT
    return shown


def _add_error(table: FlowTable, columns: Columns, row: int) -> int:
    """Return the way of an error: against that of what it quotes."""
    proto = columns.quoted_proto[row]
    sport = columns.quoted_sport[row]
    dport = columns.quoted_dport[row]
    if proto in (_ICMP, _ICMPV6):
        sport = dport = columns.quoted_icmp_id[row]
    at = row * _ADDRESS
    swapped = _fill(
        table, columns.quoted_src, columns.quoted_dst, at, sport, dport, proto
    )
    number = _find(table)
    if number == table.count:
        table.count += 1
        table.states[number] = _FLIPPED if swapped else 0
    back = swapped != (table.states[number] & _FLIPPED)
    return 2 * number + 1 - back


def _port(columns: Columns, row: int, which: int) -> int:
    """Return the source or destination port; an echo's id is both."""
    proto = columns.proto[row]
    if proto in (_TCP, _UDP):
        return columns.dport[row] if which else columns.sport[row]
    kind = columns.icmp_type[row]
    if proto == _ICMP and kind in (_REQUEST, _REPLY):
        return columns.icmp_id[row]
    if proto == _ICMPV6 and kind in (_REQUEST6, _REPLY6):
        return columns.icmp_id[row]
    return 0


def _answers(columns: Columns, row: int) -> int:
    """Tell, as 0 or 1, whether a packet can only be an answer."""
    proto = columns.proto[row]
    if proto == _TCP:
        return 1 if columns.tcp_flags[row] & _SYN_ACK == _SYN_ACK else 0
    kind = columns.icmp_type[row]
    if proto == _ICMP:
        return 1 if kind == _REPLY else 0
    return 1 if proto == _ICMPV6 and kind == _REPLY6 else 0


def _fill(
    table: FlowTable,
    src: memoryview,
    dst: memoryview,
    at: int,
    sport: int,
    dport: int,
    proto: int,
) -> int:
    """Put a key into the scratch cell, the lower end first; 1 if that is not src."""
    order = octets.compare(src, at, dst, at, _ADDRESS)
    swapped = 1 if order > 0 or (order == 0 and sport > dport) else 0
    cell = table.scratch
    octets.move(cell, _HIGH if swapped else _LOW, src, at, _ADDRESS)
    octets.move(cell, _LOW if swapped else _HIGH, dst, at, _ADDRESS)
    low, high = (dport, sport) if swapped else (sport, dport)
    cell[_LOW_PORT] = low & 255
    cell[_LOW_PORT + 1] = low >> 8
    cell[_HIGH_PORT] = high & 255
    cell[_HIGH_PORT + 1] = high >> 8
    cell[_PROTO] = proto
    return swapped


def _find(table: FlowTable) -> int:
    """Return the number of the scratch cell's key; a new one gets the next number."""
    mask = table.size - 1
    slot = octets.scramble(table.scratch, 0, _KEY) & mask
    while table.slots[slot] != _EMPTY:
        number = table.slots[slot]
        if not octets.compare(table.keys, number * _KEY, table.scratch, 0, _KEY):
            return number
        slot = (slot + 1) & mask
    table.slots[slot] = table.count
    octets.move(table.keys, table.count * _KEY, table.scratch, 0, _KEY)
    return table.count


def _rehash(table: FlowTable, count: int) -> None:
    """Enter the keys that are there into the empty slots."""
    mask = table.size - 1
    for number in range(count):
        slot = octets.scramble(table.keys, number * _KEY, _KEY) & mask
        while table.slots[slot] != _EMPTY:
            slot = (slot + 1) & mask
        table.slots[slot] = number


@dataclass(frozen=True, slots=True)
class Conversation:
    """The rows of both directions of one flow, in capture order.

    `key` is oriented from the initiator. `answered` tells whether the responder sent
    anything; `errors` are rows of ICMP errors that quote this conversation.
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
    ways = [table.add(*block) for block in capture.blocks()]
    for row, way in enumerate(np.concatenate(ways).tolist()):
        if way != NO_WAY:
            kept = errors if bool(capture.quoted_proto[row]) else rows
            kept.setdefault(way >> 1, []).append(row)
    return [
        Conversation(
            table.key(2 * number),
            tuple(rows.get(number, ())),
            table.answered(number),
            tuple(errors.get(number, ())),
        )
        for number in range(table.count)
    ]
