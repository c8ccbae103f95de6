"""What a connection tracking helper makes of a segment, as FTP's does.

It puts the translated address where the payload names one, and shifts the sequence
numbers of all that follows by what that makes longer (nf_conntrack_seqadj.c).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_netlab.flows import TCP
from pytest_netlab.replay.datagram import header_end, offset
from pytest_netlab.wire import fill

_LENGTH, _PROTO = slice(2, 4), 9
_SOURCE, _DESTINATION = slice(12, 16), slice(16, 20)
_SEQ, _ACK, _DATA = slice(4, 8), slice(8, 12), 12
_ENDS = _SOURCE, _DESTINATION
_BITS, _DIGITS = 0xFFFFFFFF, 5
_NUMBERS = re.compile(rb"\d+(?:[.,]\d+)*")


# RFC 959, 227: the address and the port, in octets; RFC 2428, 229: the port alone.
_PASSIVE = re.compile(rb"227 .*?(?:\d+,){4}(\d+),(\d+)|229 .*?\|\|\|(\d+)\|")


def announced(datagram: bytes) -> int:
    """Return the port that an FTP server tells to connect to; 0 if this is not it."""
    segment = _segment(datagram)
    found = _PASSIVE.match(segment.payload) if segment is not None else None
    if found is None:
        return 0
    high, low, port = (int(text[:_DIGITS]) for text in found.groups(b"0"))
    return port or high << 8 | low


class Segment(NamedTuple):
    """A datagram of TCP, taken apart; `head` has both headers."""

    head: bytes
    at: int
    payload: bytes


@dataclass(slots=True)
class Helped:
    """How much longer helpers have made a conversation, by who hears it.

    Of a pair the first is what the initiator hears, the second the responder.
    """

    longer: list[int] = field(default_factory=lambda: [0, 0])

    def explain(self, sent: bytes, wanted: bytes, got: bytes, to: int) -> str | None:
        """Tell what a helper changed; nothing new: ""; None: it was no helper.

        Args:
            sent: the datagram as it was sent.
            wanted: as NAT alone would have made it.
            got: as it came out.
            to: 0 if the initiator hears it, 1 if the responder.

        """
        one, other = _segment(wanted), _segment(got)
        if one is None or other is None:
            return None
        if self._shifted(one, other.payload, to) != got:
            return None
        if one.payload == other.payload:
            return ""
        if not _is_translated(one.payload, other.payload, sent, got):
            return None
        self.longer[to] += len(other.payload) - len(one.payload)
        return f"{_text(one.payload)} became {_text(other.payload)}"

    def _shifted(self, one: Segment, payload: bytes, to: int) -> bytes:
        """Return a segment with this payload, and the numbers that it has by now."""
        head, tcp = bytearray(one.head[: one.at]), bytearray(one.head[one.at :])
        tcp[_SEQ] = _sum(tcp[_SEQ], self.longer[to])
        tcp[_ACK] = (
            _sum(tcp[_ACK], -self.longer[1 - to]) if any(tcp[_ACK]) else tcp[_ACK]
        )
        head[_LENGTH] = (len(one.head) + len(payload)).to_bytes(2, "big")
        return fill(bytes(head) + bytes(tcp) + payload)


def _segment(datagram: bytes) -> Segment | None:
    at = header_end(datagram, 0, len(datagram))
    if datagram[_PROTO] != TCP or offset(datagram, 0) or len(datagram) <= at + _DATA:
        return None
    end = at + (datagram[at + _DATA] >> 4) * 4
    return Segment(datagram[:end], at, datagram[end:])


def _sum(number: bytearray, change: int) -> bytes:
    return ((int.from_bytes(number, "big") + change) & _BITS).to_bytes(4, "big")


def _is_translated(one: bytes, other: bytes, sent: bytes, got: bytes) -> bool:
    """Tell whether payloads differ in addresses only, and as their datagrams do.

    A port behind an address may be another too.
    """
    if _NUMBERS.split(one) != _NUMBERS.split(other):
        return False
    here, there = _NUMBERS.findall(one), _NUMBERS.findall(other)
    return all(
        mine == its
        or any(_named(mine, sent, at) and _named(its, got, at) for at in _ENDS)
        for mine, its in zip(here, there, strict=True)
    )


def _named(text: bytes, datagram: bytes, end: slice) -> bool:
    """Tell whether a text begins with an address of the datagram, as FTP writes it."""
    own = [b"%d" % octet for octet in datagram[end]]
    return re.split(rb"[.,]", text)[: len(own)] == own


def _text(payload: bytes) -> str:
    return payload.decode("ascii", "backslashreplace").strip()
