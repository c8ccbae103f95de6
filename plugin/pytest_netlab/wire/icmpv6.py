"""ICMPv6: echo, and errors with their embedded packet. Knows no neighbour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import checksum, embedded, icmp
from pytest_netlab.wire.address import address_bytes
from pytest_netlab.wire.assigned import (
    ECHO_REPLY6,
    ECHO_REQUEST6,
    FIRST_LINK6,
    FIRST_QUERY6,
    ICMP6,
    LAST_LINK6,
    LISTENER_REPORT6,
)

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_REST = 4
HEADER: Final = 8


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode a message that ends at `out.end`."""
    if not icmp.decode_header(frame, at, row, out):
        return
    kind = out.icmp_type[row]
    if is_echo(kind):
        icmp.decode_echo(frame, at, row, out)
    elif is_error(kind):
        embedded.decode(frame, at + icmp.HEADER, row, out)


def is_echo(kind: int) -> bool:
    """Return whether the type is echo request or reply."""
    return kind in (ECHO_REQUEST6, ECHO_REPLY6)


def is_error(kind: int) -> bool:
    """Return whether the type is below 128: those embed a packet (RFC 4443, 2.1)."""
    return kind < FIRST_QUERY6


def is_of_link(kind: int) -> bool:
    """Return whether messages of the type concern one link and cross no router."""
    return FIRST_LINK6 <= kind <= LAST_LINK6 or kind == LISTENER_REPORT6


def build(src: str, dst: str, kind: int, code: int, rest: bytes) -> bytes:
    """Return a message with a right checksum; `rest` is all that follows it."""
    head = bytes((kind, code))
    message = head + bytes(2) + rest
    addresses = checksum.ones_complement_sum(address_bytes(src) + address_bytes(dst))
    value = checksum.compute(message, addresses + ICMP6 + len(message))
    return head + value.to_bytes(2, "big") + message[_REST:]


def build_echo(
    src: str, dst: str, kind: int, ident: int, seq: int, data: bytes = b""
) -> bytes:
    """Return an echo request or reply."""
    rest = ident.to_bytes(2, "big") + seq.to_bytes(2, "big")
    return build(src, dst, kind, 0, rest + data)
