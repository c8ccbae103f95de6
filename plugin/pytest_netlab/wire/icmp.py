"""ICMP for IPv4: echo, and errors with their embedded packet. Knows no route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import checksum, embedded, octets, payload
from pytest_netlab.wire.assigned import (
    ECHO_REPLY,
    ECHO_REQUEST,
    PARAMETER_PROBLEM,
    REDIRECT,
    SOURCE_QUENCH,
    TIME_EXCEEDED,
    UNREACHABLE,
)

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

TYPE: Final = 0
CODE: Final = 1
CHECKSUM: Final = checksum.ICMP_FIELD
_REST = 4
ID: Final = 4
SEQ: Final = 6
MTU: Final = 6  # of the next hop, in FRAGMENTATION_NEEDED (RFC 1191)
HEADER: Final = 8

# Compiled, these are C integers; this makes them visible to Python.
globals().update(TYPE=TYPE, CODE=CODE, CHECKSUM=CHECKSUM, ID=ID, SEQ=SEQ, HEADER=HEADER)


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode a message that ends at `out.end`."""
    if not decode_header(frame, at, row, out):
        return
    kind = out.icmp_type[row]
    if is_echo(kind):
        decode_echo(frame, at, row, out)
    elif is_error(kind):
        embedded.decode(frame, at + HEADER, row, out)


def decode_header(frame: bytes, at: int, row: int, out: Columns) -> bool:
    """Decode the eight octets of any message; return whether they are there."""
    if at + HEADER > out.limit or at + HEADER > out.end:
        out.mark_truncated(row)
        return False
    out.l4_offset[row] = at - out.start
    out.icmp_type[row] = frame[at + TYPE]
    out.icmp_code[row] = frame[at + CODE]
    out.icmp_rest[row] = octets.u32(frame, at + _REST)
    out.payload_len[row] = 0
    payload.decode(frame, at + HEADER, row, out)
    if out.checksums:
        stored = octets.u16(frame, at + CHECKSUM)
        out.l4_checksum[row] = checksum.decode(frame, at, stored, row, out)
    return True


def decode_echo(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode id and sequence number, which pair a request with its reply."""
    out.icmp_id[row] = octets.u16(frame, at + ID)
    out.icmp_seq[row] = octets.u16(frame, at + SEQ)


def is_echo(kind: int) -> bool:
    """Return whether the type is echo request or reply."""
    return kind in (ECHO_REQUEST, ECHO_REPLY)


def is_error(kind: int) -> bool:
    """Return whether messages of the type embed the datagram they are about."""
    return kind in (
        UNREACHABLE,
        SOURCE_QUENCH,
        REDIRECT,
        TIME_EXCEEDED,
        PARAMETER_PROBLEM,
    )


def build(kind: int, code: int = 0, rest: int = 0, payload: bytes = b"") -> bytes:
    """Return a message with a right checksum."""
    head = bytes((kind, code, 0, 0)) + rest.to_bytes(4, "big")
    value = checksum.compute(head + payload)
    return head[:CHECKSUM] + value.to_bytes(2, "big") + head[_REST:] + payload


def build_echo(kind: int, ident: int, seq: int, data: bytes = b"") -> bytes:
    """Return an echo request or reply."""
    return build(kind, rest=ident << 16 | seq, payload=data)


def build_error(kind: int, code: int, quoted: bytes, rest: int = 0) -> bytes:
    """Return an error that embeds these bytes of a datagram."""
    return build(kind, code, rest, quoted)
