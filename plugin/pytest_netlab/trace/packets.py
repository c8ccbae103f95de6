"""What one packet is, and its fields, in symbols. Knows one packet at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows import (
    ECHO_REPLIES,
    ECHO_REQUESTS,
    ICMP,
    ICMP6,
    TCP,
    Role,
    is_error,
    quoted_key,
)
from pytest_netlab.trace.values import Fields, TcpFlags, TcpOption, What
from pytest_netlab.wire import UNTAGGED, Status, icmp, ip_options, ipv4, ipv6, tcp

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture
    from pytest_netlab.trace.symbols import Symbols

_FRAGMENT = int(Status.FRAGMENT)
_V4_MTU = 0xFFFF  # RFC 1191, 4; what is above it is RFC 4884's length, or unused
_V4_MTU_BITS = 16
DSCP = 0xFC  # of the tos octet; the rest is ECN (RFC 3168)


def describe(
    capture: Capture, row: int, symbols: Symbols, role: Role | None, *, reply: bool
) -> tuple[What, Fields]:
    """Return what a packet is, and those of its fields that a golden compares.

    `role` is what a TCP segment is listed as: one that carries data and FIN is listed
    twice. `reply` is the packet's direction in its flow.
    """
    proto = int(capture.proto[row])
    if role is not None:
        what, own = What(TCP, role=role), _tcp(capture, row, role)
    elif is_error(capture, row):
        what, own = _error(capture, row, symbols, reply=reply)
    elif proto in (ICMP, ICMP6):
        what, own = _icmp(capture, row, symbols)
    else:
        what, own = What(proto), {"length": int(capture.payload_len[row])}
    return what, Fields(**own, **_header(capture, row, role))  # type: ignore[arg-type]


def _header(capture: Capture, row: int, role: Role | None) -> dict[str, object]:
    # The kernel marks data as ECN capable, a bare FIN never (tcp_output.c,
    # tcp_ecn_send): whether the FIN travels with the last data is a matter of timing.
    tos = int(capture.tos[row]) & (DSCP if role is Role.FIN else 0xFF)
    shown = {"tos": tos} if tos else {}
    return {**odd(capture, row), **shown, "ttl": int(capture.ttl[row])}


def odd(capture: Capture, row: int) -> dict[str, object]:
    """Return the fields that an ordinary packet of a Docker host does not have."""
    shown = _unassigned(capture, row)
    if capture.vlan[row] != UNTAGGED:
        shown["vlan"] = int(capture.vlan[row])
    is_v4 = capture.ip_version[row] == ipv4.VERSION
    if capture.status[row] & _FRAGMENT:
        shown["fragment"] = True  # the first: later ones belong to no flow
    elif is_v4 and not capture.ip_flags[row] & ipv4.DF:
        shown["df"] = False
    if _has_options(capture, row):
        datagram = capture[row].bytes[int(capture.ip_offset[row]) :]
        if kinds := ip_options.kinds(datagram):
            shown["ip_options"] = kinds
    return shown


def _unassigned(capture: Capture, row: int) -> dict[str, object]:
    """Return bits and numbers of a header that have no meaning."""
    flags = int(capture.tcp_flags[row])
    above = flags & tcp.RESERVED
    if capture.proto[row] == ICMP and is_error(capture, row):
        above = int(capture.icmp_rest[row]) >> _V4_MTU_BITS
    bits = int(capture.ip_flags[row]) & ipv4.RESERVED, above
    shown: dict[str, object] = {"reserved": bits} if any(bits) else {}
    if capture.tcp_urgent[row] and not flags & tcp.URG:
        shown["urgent"] = int(capture.tcp_urgent[row])
    return shown


def _has_options(capture: Capture, row: int) -> bool:
    """Return whether an IP header is longer than its fixed fields."""
    at = int(capture.ip_offset[row])
    if capture.ip_version[row] == ipv4.VERSION:
        return ipv4.header_bytes(capture[row].bytes[at]) > ipv4.HEADER
    return int(capture.l4_offset[row]) - at != ipv6.HEADER


def _icmp(
    capture: Capture, row: int, symbols: Symbols
) -> tuple[What, dict[str, object]]:
    proto = int(capture.proto[row])
    kind, code = int(capture.icmp_type[row]), int(capture.icmp_code[row])
    length = {"length": int(capture.payload_len[row]) + icmp.HEADER}
    if (proto, kind) not in ECHO_REQUESTS and (proto, kind) not in ECHO_REPLIES:
        return What(proto, icmp=(kind, code)), {**length}
    ident = symbols.bind("id", int(capture.icmp_id[row]))
    odd = {"code": code} if code else {}
    seq = int(capture.icmp_seq[row])
    return What(proto, icmp=(kind, 0)), {"id": ident, **odd, "seq": seq, **length}


def _error(
    capture: Capture, row: int, symbols: Symbols, *, reply: bool
) -> tuple[What, dict[str, object]]:
    names = ("proto", "icmp_type", "icmp_code")
    proto, kind, code = (int(getattr(capture, name)[row]) for name in names)
    # The embedded packet travelled in the opposite direction.
    embedded = symbols.ends(quoted_key(capture, row), reply=not reply)
    rest = int(capture.icmp_rest[row])
    mtu = rest if proto == ICMP6 else rest & _V4_MTU
    shown = {"mtu": mtu} if mtu else {}
    return What(proto, icmp=(kind, code), error=True), {"quotes": embedded, **shown}


def _tcp(capture: Capture, row: int, role: Role) -> dict[str, object]:
    """Return the fields of a segment; only handshakes and resets have any.

    Segmentation, acknowledgements and PSH depend on timing, so a golden cannot compare
    them; that NAT does not change them is checked between the points.
    """
    if role not in (Role.SYN, Role.SYN_ACK, Role.RST):
        return {}
    flags = int(capture.tcp_flags[row])
    shown: dict[str, object] = {"flags": TcpFlags(flags & ~tcp.RESERVED)}
    return shown if role is Role.RST else {**shown, "options": _options(capture, row)}


def _options(capture: Capture, row: int) -> tuple[TcpOption, ...]:
    """Return the options in order; only the MSS has its value."""
    raw = tcp.raw_options(capture[row].bytes, int(capture.l4_offset[row]))
    return tuple(_option(kind, value) for kind, value in tcp.options(raw))


def _option(kind: int, value: bytes) -> TcpOption:
    return TcpOption(kind, int.from_bytes(value, "big") if kind == tcp.MSS else None)
