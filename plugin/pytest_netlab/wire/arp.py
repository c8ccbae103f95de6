"""ARP for IPv4 over Ethernet. Knows no neighbour table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire.address import MAPPED, address_bytes, mac_bytes
from pytest_netlab.wire.columns import ADDRESS_BYTES
from pytest_netlab.wire.octets import u16

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_PROTOCOL, _HARDWARE_BYTES, _PROTOCOL_BYTES, _OPERATION = 2, 4, 5, 6
_FIXED, _SENDER, _TARGET, HEADER = 8, 14, 24, 28

_IPV4 = 0x0800
_V4_BYTES, _MAC_BYTES = 4, 6

REQUEST: Final = 1
REPLY: Final = 2


def decode(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Decode the operation and, when they are IPv4, the protocol addresses."""
    if at + _FIXED > len(frame):
        out.short(row)
        return
    out.arp_op[row] = u16(frame, at + _OPERATION)
    if not _is_ipv4(frame, at):
        return
    if at + HEADER > len(frame):
        out.short(row)
        return
    first = row * ADDRESS_BYTES
    out.src[first : first + ADDRESS_BYTES] = MAPPED + _v4(frame, at + _SENDER)
    out.dst[first : first + ADDRESS_BYTES] = MAPPED + _v4(frame, at + _TARGET)


def _is_ipv4(frame: bytes, at: int) -> bool:
    """Tell whether the addresses are of the one kind known here."""
    return (
        u16(frame, at + _PROTOCOL) == _IPV4
        and frame[at + _HARDWARE_BYTES] == _MAC_BYTES
        and frame[at + _PROTOCOL_BYTES] == _V4_BYTES
    )


def _v4(frame: bytes, at: int) -> bytes:
    """Return the four bytes of an address."""
    return frame[at : at + _V4_BYTES]


def build(operation: int, src: str, dst: str, mac: str, target_mac: str) -> bytes:
    """Return an ARP message from src (at mac) to dst (at target_mac)."""
    kinds = b"\x00\x01\x08\x00\x06\x04" + operation.to_bytes(2, "big")
    sender = mac_bytes(mac) + address_bytes(src)[-_V4_BYTES:]
    return kinds + sender + mac_bytes(target_mac) + address_bytes(dst)[-_V4_BYTES:]
