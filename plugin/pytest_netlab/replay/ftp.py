"""What FTP's connection tracking helper makes of a segment.

It writes the translated address where the payload names the original one, and shifts
later sequence numbers by how much longer that is (nf_conntrack_seqadj.c).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_netlab.flows import TCP
from pytest_netlab.replay.datagram import header_end, offset
from pytest_netlab.wire import fill, ipv4, tcp

FTP = 21

_LENGTH = slice(ipv4.TOTAL, ipv4.ID)
_ENDS = slice(ipv4.SRC, ipv4.DST), slice(ipv4.DST, ipv4.HEADER)
_SEQ, _ACK = slice(tcp.SEQ, tcp.ACK_NUMBER), slice(tcp.ACK_NUMBER, tcp.OFFSET)
_DIGITS = 5
_NUMBERS = re.compile(rb"\d+(?:[.,]\d+)*")
_OCTET, _OCTET_DIGITS = 255, 3
_LINE = 256  # octets of a reply that are searched: a hostile one may be long
# RFC 959, 227: the address and the port, in octets; RFC 2428, 229: the port alone.
_PASSIVE = re.compile(rb"227 .*?(?:\d+,){4}(\d+),(\d+)|229 .*?\|\|\|(\d+)\|")


def announced(datagram: bytes) -> int:
    """Return the port that an FTP server announces; 0 if this announces none."""
    segment = _segment(datagram)
    found = _PASSIVE.match(segment.payload, 0, _LINE) if segment is not None else None
    if found is None:
        return 0
    high, low, port = (int(text[:_DIGITS]) for text in found.groups(b"0"))
    return port or high << 8 | low


class TcpSegment(NamedTuple):
    """A TCP datagram: IP and TCP header, where the TCP header begins, and payload."""

    head: bytes
    at: int
    payload: bytes


@dataclass(slots=True)
class Shift:
    """By how much a helper has shifted the sequence numbers of one direction.

    Attributes:
        place: sequence number of the last segment that the helper changed.
        before: shift up to that place, in octets.
        after: shift behind it, in octets.

    """

    place: int = 0
    before: int = 0
    after: int = 0

    def of(self, number: int) -> int:
        """Return the shift of a sequence number, as its sender has it."""
        return self.after if tcp.distance(number, self.place) > 0 else self.before

    def restored(self, number: int) -> int:
        """Return a number as its sender has it, from the one that its receiver got."""
        first = number - self.before
        return first if tcp.distance(first, self.place) <= 0 else number - self.after

    def add(self, place: int, longer: int) -> None:
        """Note that the segment here is longer now; a retransmission counts once."""
        if self.before == self.after or tcp.distance(place, self.place) > 0:
            self.place, self.before = place, self.after
            self.after += longer


@dataclass(slots=True)
class Alg:
    """What an ALG, a conntrack helper, has done to a connection so far (RFC 2663, 2.9).

    `shifts` are those of packets to the initiator, and of packets to the responder.
    """

    shifts: tuple[Shift, Shift] = field(default_factory=lambda: (Shift(), Shift()))

    def shifted(self, datagram: bytes, to: int) -> bytes:
        """Return a datagram with the sequence numbers that it has behind a helper.

        Args:
            datagram: as NAT alone would have made it.
            to: 0 if the initiator receives it, 1 if the responder does.

        """
        one = _segment(datagram)
        if one is None or not any(shift.after for shift in self.shifts):
            return datagram
        mine, other = self.shifts[to], self.shifts[1 - to]
        header = bytearray(one.head[one.at :])
        seq = _number(header[_SEQ])
        header[_SEQ] = _bytes(seq + mine.of(seq))
        if any(header[_ACK]):
            header[_ACK] = _bytes(other.restored(_number(header[_ACK])))
        for at in _sacked(header):
            header[at : at + 4] = _bytes(other.restored(_number(header[at : at + 4])))
        return fill(one.head[: one.at] + bytes(header) + one.payload)

    def explain(self, sent: bytes, wanted: bytes, got: bytes, to: int) -> str | None:
        """Return what a helper wrote into a payload; None if it was no helper.

        Args:
            sent: the datagram as it was sent.
            wanted: as it would arrive, had its payload no address.
            got: as it arrived.
            to: 0 if the initiator receives it, 1 if the responder does.

        """
        one, other = _segment(wanted), _segment(got)
        if one is None or other is None or fill(wanted) != wanted:
            return None
        length = len(one.head) + len(other.payload)
        head = one.head[: _LENGTH.start] + length.to_bytes(2, "big")
        made = fill(head + one.head[_LENGTH.stop :] + other.payload)
        if made != got or not _is_translated(one.payload, other.payload, sent, got):
            return None
        place = _number(sent[one.at :][_SEQ])
        self.shifts[to].add(place, len(other.payload) - len(one.payload))
        return f"{_text(one.payload)} became {_text(other.payload)}"


def _segment(datagram: bytes) -> TcpSegment | None:
    at = header_end(datagram, 0, len(datagram))
    size = len(datagram)
    if datagram[ipv4.PROTOCOL] != TCP or offset(datagram, 0) or size < at + tcp.HEADER:
        return None
    end = at + tcp.header_bytes(datagram[at + tcp.OFFSET])
    return TcpSegment(datagram[:end], at, datagram[end:])


def _sacked(header: bytearray) -> list[int]:
    """Return where the numbers of selective acknowledgements are in a TCP header."""
    found: list[int] = []
    at = tcp.HEADER
    while at + 1 < len(header) and header[at] != tcp.EOL:
        if header[at] == tcp.NOP:
            at += 1
            continue
        size = max(header[at + 1], 2)
        if header[at] == tcp.SACK:
            found += range(at + 2, min(at + size, len(header)) - 3, 4)
        at += size
    return found


def _number(octets: bytes | bytearray) -> int:
    return int.from_bytes(octets, "big")


def _bytes(number: int) -> bytes:
    return (number % tcp.SPACE).to_bytes(4, "big")


def _is_translated(one: bytes, other: bytes, sent: bytes, got: bytes) -> bool:
    """Return whether payloads differ in addresses only, and as their headers do.

    A port behind such an address may differ too.
    """
    if one == other or _NUMBERS.split(one) != _NUMBERS.split(other):
        return False
    moved = [(sent[end], got[end]) for end in _ENDS if sent[end] != got[end]]
    pairs = zip(_NUMBERS.findall(one), _NUMBERS.findall(other), strict=True)
    return all(mine == its or _is_moved(mine, its, moved) for mine, its in pairs)


def _is_moved(mine: bytes, its: bytes, moved: list[tuple[bytes, bytes]]) -> bool:
    """Return whether texts begin with an address and with its translation."""
    old, new = _octets(mine), _octets(its)
    return len(old) == len(new) and (old[:4], new[:4]) in moved


def _octets(text: bytes) -> bytes:
    """Return the octets that a text lists; empty for any other text."""
    numbers = re.split(rb"[.,]", text)
    if any(len(number) > _OCTET_DIGITS or int(number) > _OCTET for number in numbers):
        return b""
    return bytes(map(int, numbers))


def _text(payload: bytes) -> str:
    return payload.decode("ascii", "backslashreplace").strip()
