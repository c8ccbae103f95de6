"""ARP for IPv4 over Ethernet. Knows no neighbour table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import octets
from pytest_netlab.wire.address import address_bytes, mac_bytes
from pytest_netlab.wire.assigned import IPV4

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_PROTOCOL, _HARDWARE_BYTES, _PROTOCOL_BYTES, _OPERATION = 2, 4, 5, 6
_FIXED = 8
SENDER: Final = 8
SENDER_IP: Final = 14
TARGET: Final = 18
_TARGET_IP = 24
HEADER: Final = 28

_V4_BYTES, _MAC_BYTES = 4, 6
_ADDRESS_BYTES = 16

REQUEST: Final = 1
REPLY: Final = 2

# Compiled, these are C integers; this makes them visible to Python.
globals().update(SENDER_IP=SENDER_IP, HEADER=HEADER)


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the operation and, when they are IPv4, the protocol addresses."""
    if at + _FIXED > out.limit:
        out.mark_truncated(row)
        return
    out.arp_op[row] = octets.u16(frame, at + _OPERATION)
    if not _is_ipv4(frame, at):
        return
    if at + HEADER > out.limit:
        out.mark_truncated(row)
        return
    octets.mapped(out.src, row * _ADDRESS_BYTES, frame, at + SENDER_IP)
    octets.mapped(out.dst, row * _ADDRESS_BYTES, frame, at + _TARGET_IP)


def _is_ipv4(frame: bytes, at: int) -> bool:
    """Return whether the message is about IPv4 and Ethernet addresses."""
    return (
        octets.u16(frame, at + _PROTOCOL) == IPV4
        and frame[at + _HARDWARE_BYTES] == _MAC_BYTES
        and frame[at + _PROTOCOL_BYTES] == _V4_BYTES
    )


def build(operation: int, src: str, dst: str, mac: str, target_mac: str) -> bytes:
    """Return an ARP message from src (at mac) to dst (at target_mac)."""
    kinds = b"\x00\x01\x08\x00\x06\x04" + operation.to_bytes(2, "big")
    sender = mac_bytes(mac) + address_bytes(src)[-_V4_BYTES:]
    return kinds + sender + mac_bytes(target_mac) + address_bytes(dst)[-_V4_BYTES:]
