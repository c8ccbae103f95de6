"""Split a datagram that is larger than the MTU as its sender would have done.

With offloads and br_netfilter a tap sees super-frames: TCP data that a device was to
segment, and datagrams reassembled from fragments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows import TCP
from pytest_netlab.replay.datagram import header_end
from pytest_netlab.wire import fill, ipv4, tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = slice(ipv4.TOTAL, ipv4.ID)
_ID = slice(ipv4.ID, ipv4.FRAGMENT)
_FLAGS = slice(ipv4.FRAGMENT, ipv4.TTL)
_MORE = ipv4.MF << ipv4.FLAGS_SHIFT
_UNIT = ipv4.OFFSET_UNIT
_SEQ = slice(tcp.SEQ, tcp.ACK_NUMBER)
_LAST_ONLY = tcp.FIN | tcp.PSH


def segment(datagram: bytes, mtu: int) -> list[bytes]:
    """Return a datagram as it is if it fits, else as TCP segments, or as fragments.

    Segments have consecutive IP ids (tcp_offload.c, inet_gso_segment); their checksums
    are computed.
    """
    if len(datagram) <= mtu:
        return [datagram]
    split = _segments if datagram[ipv4.PROTOCOL] == TCP else _fragments
    return list(split(datagram, mtu))


def _segments(datagram: bytes, mtu: int) -> Iterator[bytes]:
    at = header_end(datagram, 0, len(datagram))
    end = at + tcp.header_bytes(datagram[at + tcp.OFFSET])
    size, last = mtu - end, len(datagram) - end
    seq = int.from_bytes(datagram[at:][_SEQ], "big")
    number = int.from_bytes(datagram[_ID], "big")
    for count, start in enumerate(range(0, last, size)):
        data = datagram[end + start : end + start + size]
        segment = bytearray(datagram[at:end] + data)
        segment[_SEQ] = ((seq + start) % tcp.SPACE).to_bytes(4, "big")
        if start + size < last:
            segment[tcp.FLAGS] &= ~_LAST_ONLY & 0xFF
        head = bytearray(datagram[:at])
        head[_ID] = ((number + count) & 0xFFFF).to_bytes(2, "big")
        yield _headed(head, bytes(segment))


def _fragments(datagram: bytes, mtu: int) -> Iterator[bytes]:
    at = header_end(datagram, 0, len(datagram))
    body = datagram[at:]
    size = (mtu - at) // _UNIT * _UNIT
    for start in range(0, len(body), size):
        head = bytearray(datagram[:at])
        more = _MORE if start + size < len(body) else 0
        head[_FLAGS] = (start // _UNIT | more).to_bytes(2, "big")
        yield _headed(head, body[start : start + size])


def _headed(head: bytearray, body: bytes) -> bytes:
    """Return a datagram with its total length and its checksums filled in."""
    head[_LENGTH] = (len(head) + len(body)).to_bytes(2, "big")
    return fill(bytes(head) + body)
