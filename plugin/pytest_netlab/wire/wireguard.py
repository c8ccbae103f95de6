"""WireGuard, known by its messages' types and lengths: what it carries is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import octets
from pytest_netlab.wire.encapsulation import Encapsulation

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_TYPE_BYTES = 4  # the type, then three zeros
_INITIATION, _RESPONSE, _COOKIE, _DATA = (kind << 24 for kind in (1, 2, 3, 4))
_INITIATION_BYTES, _RESPONSE_BYTES, _COOKIE_BYTES = 148, 92, 64
_LEAST, _BLOCK = 32, 16  # octets of a keepalive, and to which data is padded

_WIREGUARD = int(Encapsulation.WIREGUARD)


def note(frame: bytes, at: int, row: int, out: Columns) -> None:
    """Note whether the payload of a UDP datagram, at this offset, is of WireGuard."""
    size = out.payload_len[row]
    if size < _LEAST or at + _TYPE_BYTES > out.limit:
        return
    if _is_message(octets.u32(frame, at), size):
        out.encapsulation[row] |= _WIREGUARD


def _is_message(kind: int, size: int) -> bool:
    """Return whether a message of this type may have this length."""
    if kind == _DATA:
        return size % _BLOCK == 0
    if kind == _INITIATION:
        return size == _INITIATION_BYTES
    if kind == _RESPONSE:
        return size == _RESPONSE_BYTES
    return kind == _COOKIE and size == _COOKIE_BYTES
