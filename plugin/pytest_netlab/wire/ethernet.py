"""Ethernet II with 802.1Q and QinQ tags. Knows no protocol above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import octets
from pytest_netlab.wire.address import mac_bytes
from pytest_netlab.wire.assigned import IPV4, OLD_QINQ, QINQ, VLAN

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_DST, _SRC = 0, 6
TYPE: Final = 12
HEADER: Final = 14
_TAG_CONTROL, _TAG_TYPE = 0, 2
TAG: Final = 4

_VLAN_ID = 0x0FFF
_MAX_TAGS = 8
_MIN_TYPE = 0x0600  # below, the field is an 802.3 length

# Compiled, these are C integers; this makes them visible to Python.
globals().update(TYPE=TYPE, HEADER=HEADER, TAG=TAG)


def decode(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode the link header; return where the next one starts, -1 for none."""
    if at + HEADER > out.limit:
        out.mark_truncated(row)
        return -1
    out.eth_dst[row] = octets.u48(frame, at + _DST)
    out.eth_src[row] = octets.u48(frame, at + _SRC)
    ethertype = octets.u16(frame, at + TYPE)
    return decode_type(ethertype, frame, at + HEADER, row, out)


def decode_type(ethertype: int, frame: bytes, at: int, row: int, out: Columns) -> int:
    """Store the type behind up to `_MAX_TAGS` tags; return where its header starts."""
    for depth in range(_MAX_TAGS):
        if not _is_tag(ethertype):
            if ethertype >= _MIN_TYPE:
                out.ethertype[row] = ethertype
            return at
        if at + TAG > out.limit:
            break
        if depth == 0:
            out.vlan[row] = octets.u16(frame, at + _TAG_CONTROL) & _VLAN_ID
        ethertype = octets.u16(frame, at + _TAG_TYPE)
        at += TAG
    out.mark_truncated(row)
    return -1


def _is_tag(ethertype: int) -> bool:
    """Return whether the type announces a tag instead of a payload."""
    return ethertype in (VLAN, QINQ, OLD_QINQ)


def build(
    src: str, dst: str, payload: bytes, *, ethertype: int = IPV4, vlan: int = -1
) -> bytes:
    """Return a frame, tagged if a VLAN id is given; it is not padded."""
    frame = mac_bytes(dst) + mac_bytes(src) + ethertype.to_bytes(2, "big") + payload
    return frame if vlan < 0 else tagged(frame, vlan)


def tagged(frame: bytes, tci: int, at: int = TYPE, tpid: int = VLAN) -> bytes:
    """Return the frame with a tag in front of the type at this offset.

    The kernel strips a tag and keeps it beside the frame, and pcapng has no field for
    it: without this, Wireshark would show VLAN traffic as untagged.

    Args:
        frame: an Ethernet frame, or any whose type is at that offset.
        tci: the tag control information: priority, VLAN id (IEEE 802.1Q, 9.6).
        at: the offset of the type, in octets.
        tpid: the tag's own ethertype.

    """
    tag = tpid.to_bytes(2, "big") + tci.to_bytes(2, "big")
    return frame[:at] + tag + frame[at:]
