"""Ethernet II and SNAP, with 802.1Q and QinQ tags. Knows no protocol above.

`inner` and its like only look: what they return is an offset times 65536, plus an
ethertype, or -1 if the header is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_netlab.wire import octets
from pytest_netlab.wire.address import mac_bytes
from pytest_netlab.wire.assigned import ARP, IPV4, IPV6, OLD_QINQ, QINQ, VLAN

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
_SNAP, _SNAP_HEADER = 0xAAAA0300, 8  # IEEE 802: LLC, and a zero of the OUI
_SNAP_OUI, _SNAP_TYPE = 4, 6
_V4, _V6 = 4, 6
_TYPES = 0x10000

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
        if not is_tag(ethertype):
            if ethertype < _MIN_TYPE:
                return _decode_snap(frame, at, row, out)
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


def _decode_snap(frame: bytes, at: int, row: int, out: Columns) -> int:
    """Store the type behind an 802.2 header, if that is SNAP; return what follows."""
    ethertype = snap_type(frame, at, out.limit)
    if not ethertype:
        return at
    out.ethertype[row] = ethertype
    return at + _SNAP_HEADER


def snap_type(frame: bytes, at: int, limit: int) -> int:
    """Return the ethertype in a SNAP header (RFC 1042); 0 if there is none."""
    if at + _SNAP_HEADER > limit or octets.u32(frame, at) != _SNAP:
        return 0
    if octets.u16(frame, at + _SNAP_OUI):
        return 0
    ethertype = octets.u16(frame, at + _SNAP_TYPE)
    return ethertype if ethertype >= _MIN_TYPE else 0


def is_tag(ethertype: int) -> bool:
    """Return whether the type announces a tag instead of a payload."""
    return ethertype in (VLAN, QINQ, OLD_QINQ)


def inner(frame: bytes, at: int, limit: int) -> int:
    """Return what a whole frame at this offset carries."""
    if at + HEADER > limit:
        return -1
    return inner_tags(octets.u16(frame, at + TYPE), frame, at + HEADER, limit)


def inner_tags(ethertype: int, frame: bytes, at: int, limit: int) -> int:
    """Return what is behind up to `_MAX_TAGS` tags; its type is 0 if it has none."""
    for _ in range(_MAX_TAGS):
        if not is_tag(ethertype):
            if ethertype >= _MIN_TYPE:
                return at * _TYPES + ethertype
            ethertype = snap_type(frame, at, limit)
            return (at + _SNAP_HEADER if ethertype else at) * _TYPES + ethertype
        if at + TAG > limit:
            return -1
        ethertype = octets.u16(frame, at + _TAG_TYPE)
        at += TAG
    return -1


def is_plain(frame: bytes, at: int, limit: int) -> bool:
    """Return whether a frame at this offset would carry IP or ARP."""
    found = inner(frame, at, limit)
    if found < 0 or found // _TYPES >= limit:
        return False
    version = frame[found // _TYPES] >> 4
    ethertype = found % _TYPES
    if ethertype == ARP:
        return True
    return (ethertype == IPV4 and version == _V4) or (
        ethertype == IPV6 and version == _V6
    )


def build(
    src: str, dst: str, payload: bytes, *, ethertype: int = IPV4, vlan: int = -1
) -> bytes:
    """Return a frame, tagged if a VLAN id is given; it is not padded."""
    frame = mac_bytes(dst) + mac_bytes(src) + ethertype.to_bytes(2, "big") + payload
    return frame if vlan < 0 else tagged(frame, vlan)


def build_snap(src: str, dst: str, payload: bytes, *, ethertype: int = IPV4) -> bytes:
    """Return an 802.3 frame with an 802.2 and a SNAP header; it is not padded."""
    body = _SNAP.to_bytes(4, "big") + bytes(2) + ethertype.to_bytes(2, "big") + payload
    return mac_bytes(dst) + mac_bytes(src) + len(body).to_bytes(2, "big") + body


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
