"""Ethernet II with 802.1Q and QinQ tags. Knows no protocol above."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from pytest_netlab.wire.address import mac_bytes
from pytest_netlab.wire.octets import u16

if TYPE_CHECKING:
    from pytest_netlab.wire.columns import Columns

_TYPE, HEADER = 12, 14
_TAG_CONTROL, _TAG_TYPE, _TAG = 0, 2, 4

# Two addresses, each in 16 and 32 bits, and the type.
_FIELDS = Struct(">HIHIH").unpack_from

IPV4: Final = 0x0800
ARP: Final = 0x0806
IPV6: Final = 0x86DD
VLAN: Final = 0x8100
_QINQ: Final = 0x88A8
_OLD_QINQ: Final = 0x9100

_VLAN_ID = 0x0FFF
_MAX_TAGS = 8
_MIN_TYPE = 0x0600  # below, the field is an 802.3 length


def decode(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Decode the link header; return where the next one starts, -1 if nowhere."""
    if at + HEADER > len(frame):
        out.short(row)
        return -1
    dst_high, dst_low, src_high, src_low, ethertype = _FIELDS(frame, at)
    out.eth_dst[row] = dst_high << 32 | dst_low
    out.eth_src[row] = src_high << 32 | src_low
    return decode_type(ethertype, frame, at + HEADER, row, out)


def decode_type(ethertype: int, frame: bytes, at: int, row: int, out: Columns) -> int:
    """Note the type, through a bounded number of tags; return where the next starts."""
    for depth in range(_MAX_TAGS):
        if not _is_tag(ethertype):
            if ethertype >= _MIN_TYPE:
                out.ethertype[row] = ethertype
            return at
        if at + _TAG > len(frame):
            break
        if depth == 0:
            out.vlan[row] = u16(frame, at + _TAG_CONTROL) & _VLAN_ID
        ethertype = u16(frame, at + _TAG_TYPE)
        at += _TAG
    out.short(row)
    return -1


def _is_tag(ethertype: int) -> bool:
    """Tell whether the type announces a tag instead of a payload."""
    return ethertype in (VLAN, _QINQ, _OLD_QINQ)


def build(
    src: str, dst: str, payload: bytes, *, ethertype: int = IPV4, vlan: int = -1
) -> bytes:
    """Return a frame, tagged if a VLAN id is given; it is not padded."""
    frame = mac_bytes(dst) + mac_bytes(src) + ethertype.to_bytes(2, "big") + payload
    return frame if vlan < 0 else tagged(frame, vlan)


def tagged(frame: bytes, vlan: int, at: int = _TYPE) -> bytes:
    """Return the frame with this 802.1Q tag in front of the type at this offset."""
    tag = VLAN.to_bytes(2, "big") + vlan.to_bytes(2, "big")
    return frame[:at] + tag + frame[at:]
