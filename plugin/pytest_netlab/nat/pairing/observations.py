"""Hash each packet of one capture point for pairing: the hot loop before it.

The keys contain only what Linux NAT may not change (RFC 3022 section 4, kernel
nf_nat_proto.c): IP id, lengths, sequence numbers, payload. Clocks are not used.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

try:
    import cython
except ImportError:  # interpreted code does without it
    from pytest_netlab.interpreted import cython
import numpy as np

from pytest_netlab.flows import table
from pytest_netlab.wire import ADDRESS_BYTES, octets, tcp
from pytest_netlab.wire.assigned import ICMP, ICMP6, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pytest_netlab.wire.columns import Columns

_ADDRESS = ADDRESS_BYTES
_NUMBERING = tcp.FIN | tcp.SYN | tcp.RST
_SYN, _OPENING = tcp.SYN, tcp.SYN | tcp.ACK | tcp.FIN | tcp.RST

# The facts of a packet in 64 bits: what is compared once two are the same packet.
TTL: Final = 0  # 8 bits
TOS: Final = 8  # 8 bits
FLAGS: Final = 16  # 3 bits, IPv4's
IP_CHECKSUM: Final = 20  # 3 bits, a Checksum
L4_CHECKSUM: Final = 24  # 3 bits, a Checksum
DIRECTION: Final = 28  # 2 bits
HASHLESS: Final = 30  # its payload was truncated, so that there is no hash of it
ERROR: Final = 31  # it is an ICMP error
WRONGLY_EMBEDDED: Final = 32  # and embeds a packet that its receiver did not send
SEGMENT: Final = 33  # TCP with a payload
OPENS: Final = 34  # TCP's first packet: a SYN that acknowledges nothing
TCP_FLAGS: Final = 36  # 3 bits: FIN, SYN and RST
URGENT: Final = 40  # 16 bits, TCP's urgent pointer
NUMBERED: Final = 56  # its IPv4 id is not 0
DATAGRAM: Final = 58  # UDP with a payload
DOUBLED: Final = 57  # an equal packet close by has a counterpart; set once it has

# Cython makes C integers of these; this keeps them visible to Python.
globals().update(TTL=TTL, TOS=TOS, FLAGS=FLAGS, DIRECTION=DIRECTION, ERROR=ERROR)
globals().update(IP_CHECKSUM=IP_CHECKSUM, L4_CHECKSUM=L4_CHECKSUM)
globals().update(HASHLESS=HASHLESS, WRONGLY_EMBEDDED=WRONGLY_EMBEDDED, SEGMENT=SEGMENT)
globals().update(URGENT=URGENT, NUMBERED=NUMBERED, TCP_FLAGS=TCP_FLAGS)
globals().update(OPENS=OPENS, DATAGRAM=DATAGRAM)


@dataclass(frozen=True, slots=True)
class Observations:
    """Columns of equal length, one row a packet.

    Attributes:
        row: number of the packet in its capture, from 0.
        ts: time of the packet, in ns.
        uniflow: as `FlowTable.add` returns it.
        key: hash of what NAT does not change, payload included.
        header_key: the same without the payload.
        facts: the bits above.
        options: hash of the options of IP and TCP; 0 for none.
        seq: TCP's sequence number, or that of an ICMP echo; 0 of others.
        size: of the payload, in octets.

    """

    row: npt.NDArray[np.int64]
    ts: npt.NDArray[np.int64]
    uniflow: npt.NDArray[np.int32]
    key: npt.NDArray[np.uint64]
    header_key: npt.NDArray[np.uint64]
    facts: npt.NDArray[np.uint64]
    options: npt.NDArray[np.uint64]
    seq: npt.NDArray[np.uint32]
    size: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        """Return the number of packets."""
        return len(self.row)

    def take(self, index: npt.NDArray[np.intp]) -> Observations:
        """Return those rows."""
        return Observations(*(getattr(self, name)[index] for name in _COLUMNS))

    def after(self, row: int) -> int:
        """Return the index of the first observation after a row of the capture."""
        return int(np.searchsorted(self.row, row, side="right"))

    @classmethod
    def joined(cls, parts: Sequence[Observations]) -> Observations:
        """Return all rows of all parts, of which there is one at least."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in _COLUMNS)
        )

    def first(self, rows: int) -> Observations:
        """Return the first rows."""
        return Observations(*(getattr(self, name)[:rows] for name in _COLUMNS))

    @classmethod
    def empty(cls, rows: int) -> Observations:
        """Return this many rows, to be filled."""
        return cls(*(np.empty(rows, dtype=kind) for kind in _KINDS))


_COLUMNS = tuple(field.name for field in fields(Observations))
_KINDS = ("i8", "i8", "i4", "u8", "u8", "u8", "u8", "u4", "u4")


def sight(
    columns: Columns,
    rows: int,
    first: int,
    uniflows: npt.NDArray[np.int32],
    ingress: int,
) -> Observations:
    """Return observations of those packets of a block that belong to a flow.

    Args:
        columns: the block.
        rows: how many of its rows are packets.
        first: the number of its first packet in the capture.
        uniflows: what `FlowTable.add` returned for the rows.
        ingress: the direction of packets that travel outwards, as this point sees
            them; 0 where directions are not known.

    """
    seen = Observations.empty(rows)
    out, uniflow = _Arrays(seen), octets.i32_view(uniflows)
    with cython.nogil:
        count = _sight(columns, rows, first, uniflow, ingress, out)
    return seen.first(count)


class _Arrays:
    """The arrays of observations, as bare memory."""

    if TYPE_CHECKING:
        row: memoryview
        ts: memoryview
        uniflow: memoryview
        key: memoryview
        header_key: memoryview
        facts: memoryview
        options: memoryview
        seq: memoryview
        size: memoryview

    def __init__(self, seen: Observations) -> None:
        """Take the memory of observations, which the caller keeps."""
        self.row, self.ts = octets.i64_view(seen.row), octets.i64_view(seen.ts)
        self.uniflow, self.key = (
            octets.i32_view(seen.uniflow),
            octets.u64_view(seen.key),
        )
        self.header_key = octets.u64_view(seen.header_key)
        self.facts = octets.u64_view(seen.facts)
        self.options = octets.u64_view(seen.options)
        self.seq, self.size = octets.u32_view(seen.seq), octets.u32_view(seen.size)


def _sight(
    columns: Columns,
    rows: int,
    first: int,
    uniflow: memoryview,
    ingress: int,
    out: _Arrays,
) -> int:
    """Store the rows that belong to a flow, without gaps; return how many."""
    count = 0
    for row in range(rows):
        if uniflow[row] < 0:
            continue
        header_key = _header_key(columns, row, ingress)
        out.row[count] = first + row
        out.ts[count] = columns.ts[row]
        out.uniflow[count] = uniflow[row]
        out.key[count] = _key(columns, row, header_key)
        out.header_key[count] = header_key
        out.facts[count] = _facts(columns, row)
        out.options[count] = columns.options_hash[row]
        out.seq[count] = columns.tcp_seq[row] | columns.icmp_seq[row]
        out.size[count] = columns.payload_len[row]
        count += 1
    return count


def _header_key(columns: Columns, row: int, ingress: int) -> int:
    """Return the hash of the header fields that NAT does not change."""
    proto = columns.proto[row]
    state = octets.mix(proto, columns.ip_id[row])
    if ingress:
        state = octets.mix(state, 1 if columns.direction[row] == ingress else 2)
    state = octets.mix(state, columns.payload_len[row])
    if proto == TCP:
        state = octets.mix(state, columns.tcp_seq[row])
        state = octets.mix(state, columns.tcp_ack[row])
        state = octets.mix(state, columns.tcp_flags[row])
        return octets.mix(state, columns.tcp_window[row])
    if proto in (ICMP, ICMP6):
        state = octets.mix(state, columns.icmp_type[row])
        state = octets.mix(state, columns.icmp_code[row])
        if table.is_error(columns, row):
            state = octets.mix(state, columns.icmp_rest[row])
            state = octets.mix(state, columns.quoted_proto[row])
            return octets.mix(state, columns.quoted_ip_id[row])
        return octets.mix(state, columns.icmp_seq[row])
    return state


def _key(columns: Columns, row: int, header_key: int) -> int:
    """Return the hash of headers and payload; NAT translates an embedded packet."""
    if table.is_error(columns, row):
        return header_key
    return octets.mix(header_key, columns.payload_hash[row])


def _facts(columns: Columns, row: int) -> int:
    """Return the facts of a packet, as bits at the shifts above."""
    facts = columns.ttl[row] | columns.tos[row] << TOS
    facts |= columns.ip_flags[row] << FLAGS
    facts |= columns.ip_checksum[row] << IP_CHECKSUM
    facts |= columns.l4_checksum[row] << L4_CHECKSUM
    facts |= _one(columns.direction[row]) << DIRECTION
    facts |= _one(columns.tcp_urgent[row]) << URGENT
    if columns.payload_len[row] and columns.proto[row] == UDP:
        facts |= _one(1) << DATAGRAM
    if columns.ip_id[row]:
        facts |= _one(1) << NUMBERED
    if columns.proto[row] == TCP:
        facts |= _of_tcp(columns, row)
    if table.is_error(columns, row):
        facts |= _one(1) << ERROR
        at = row * _ADDRESS
        if octets.order(columns.quoted_src, at, columns.dst, at):
            facts |= _one(1) << WRONGLY_EMBEDDED
    elif columns.hashes and columns.payload_len[row] and not columns.payload_hash[row]:
        facts |= _one(1) << HASHLESS
    return facts


def _of_tcp(columns: Columns, row: int) -> int:
    """Return the facts that only a TCP segment has."""
    facts = _one(1) << SEGMENT if columns.payload_len[row] else 0
    flags = columns.tcp_flags[row]
    facts |= _one(flags & _NUMBERING) << TCP_FLAGS
    if flags & _OPENING == _SYN:
        facts |= _one(1) << OPENS
    return facts


def _one(value: int) -> int:
    """Return an integer of 64 bits, as a shift needs it."""
    return value
