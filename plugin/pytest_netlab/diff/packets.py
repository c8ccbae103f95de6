"""What one packet says, in words and symbols. Knows one packet at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows import (
    ECHO_REPLIES,
    ECHO_REQUESTS,
    ICMP,
    ICMP6,
    UDP,
    is_error,
    quoted_key,
)
from pytest_netlab.wire import UNTAGGED, Status, tcp

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture
    from pytest_netlab.diff.symbols import Symbols

ICMP_HEADER = 8
_V4, _DONT_FRAGMENT = 4, 2
_V4_MTU = 0xFFFF  # RFC 1191; the rest of the word is RFC 4884's length
TCP_ROLES = ("SYN", "SYN-ACK", "data", "FIN", "duplicate")
DSCP = 0xFC  # of the tos octet; the rest is ECN (RFC 3168)
Fields = tuple[tuple[str, str], ...]

# RFC 792, RFC 1812 5.2.7.1 and RFC 4443: the errors a router or host sends.
_ERRORS = {
    (ICMP, 3, 0): "net unreachable",
    (ICMP, 3, 1): "host unreachable",
    (ICMP, 3, 2): "protocol unreachable",
    (ICMP, 3, 3): "port unreachable",
    (ICMP, 3, 4): "fragmentation needed",
    (ICMP, 3, 9): "net prohibited",
    (ICMP, 3, 10): "host prohibited",
    (ICMP, 3, 13): "admin prohibited",
    (ICMP, 11, 0): "time exceeded",
    (ICMP6, 1, 4): "port unreachable",
    (ICMP6, 2, 0): "packet too big",
    (ICMP6, 3, 0): "time exceeded",
}


# As tcpdump names them (RFC 9293, RFC 7323, RFC 2018).
_MSS = 2
_OPTIONS = {1: "nop", 3: "wscale", 4: "sackOK", 5: "sack", 8: "TS"}


def describe(
    capture: Capture, row: int, symbols: Symbols, role: str, *, reply: bool
) -> tuple[str, Fields]:
    """Return what a packet is, and its fields that a golden speaks of.

    `role` is what a TCP segment is told as: one that carries data and FIN is both.
    `reply` is the packet's direction in its flow.
    """
    proto = int(capture.proto[row])
    if role:
        what, fields = role, _tcp(capture, row, role)
    elif is_error(capture, row):
        what, fields = _error(capture, row, symbols, reply=reply)
    elif proto in (ICMP, ICMP6):
        what, fields = _icmp(capture, row, symbols)
    else:
        what = "datagram" if proto == UDP else f"protocol {proto}"
        fields = (("length", f"{capture.payload_len[row]}"),)
    return what, (*fields, *_header(capture, row, role))


def is_refusal(what: str) -> bool:
    """Tell whether a line's words are those of an ICMP error that refuses a packet."""
    return what.endswith(("unreachable", "prohibited")) or what.startswith("icmp error")


def _header(capture: Capture, row: int, role: str) -> Fields:
    # The kernel marks data as ECN capable, a bare FIN never (tcp_output.c,
    # tcp_ecn_send): whether the FIN travels with the last data is a matter of timing.
    tos = int(capture.tos[row]) & (DSCP if role == "FIN" else 0xFF)
    told = (("tos", f"{tos:#04x}"),) if tos else ()
    return (*_odd(capture, row), *told, ("ttl", f"{capture.ttl[row]}"))


def _odd(capture: Capture, row: int) -> Fields:
    """Return what no ordinary packet of a Docker host has, so that no story says no."""
    told = []
    if capture.vlan[row] != UNTAGGED:
        told.append(("vlan", f"{capture.vlan[row]}"))
    if capture.status[row] & Status.FRAGMENT:
        told.append(("fragment", "first"))  # later ones belong to no flow
    elif capture.ip_version[row] == _V4 and not capture.ip_flags[row] & _DONT_FRAGMENT:
        told.append(("df", "no"))
    return tuple(told)


def _icmp(capture: Capture, row: int, symbols: Symbols) -> tuple[str, Fields]:
    kind = (int(capture.proto[row]), int(capture.icmp_type[row]))
    length = ("length", f"{int(capture.payload_len[row]) + ICMP_HEADER}")
    if kind not in ECHO_REQUESTS and kind not in ECHO_REPLIES:
        return f"type {kind[1]} code {capture.icmp_code[row]}", (length,)
    ident = ("id", symbols.bind("id", int(capture.icmp_id[row])))
    what = "echo request" if kind in ECHO_REQUESTS else "echo reply"
    code = int(capture.icmp_code[row])  # RFC 792 knows 0 only
    odd = (("code", f"{code}"),) if code else ()
    return what, (ident, *odd, ("seq", f"{capture.icmp_seq[row]}"), length)


def _error(
    capture: Capture, row: int, symbols: Symbols, *, reply: bool
) -> tuple[str, Fields]:
    names = ("proto", "icmp_type", "icmp_code")
    kind, code = (int(getattr(capture, name)[row]) for name in names[1:])
    proto = int(capture.proto[row])
    quoted = quoted_key(capture, row)
    src, dst = symbols.ends(quoted, reply=not reply)  # it travels against the error
    what = _ERRORS.get((proto, kind, code), f"icmp error {kind}/{code}")
    rest = int(capture.icmp_rest[row])
    mtu = rest if proto == ICMP6 else rest & _V4_MTU
    told = (("mtu", f"{mtu}"),) if mtu else ()
    return what, (("quotes", f"{src} > {dst}"), *told)


def _tcp(capture: Capture, row: int, role: str) -> Fields:
    """Return the fields of a segment; only handshakes and resets have any.

    Segmentation, acknowledgements and PSH depend on timing, so a golden cannot speak
    of them; that each is untouched between the points is an invariant of the NAT.
    """
    if role not in ("SYN", "SYN-ACK", "RST"):
        return ()
    told = (("flags", tcp.flag_text(int(capture.tcp_flags[row]))),)
    return told if role == "RST" else (*told, ("options", _options(capture, row)))


def _options(capture: Capture, row: int) -> str:
    """Return option names in order; only the MSS tells its value.

    Timestamps and the window scale depend on the sender's clock and memory.
    """
    raw = tcp.raw_options(capture[row].bytes, int(capture.l4_offset[row]))
    return ",".join(_option(kind, value) for kind, value in tcp.options(raw)) or "none"


def _option(kind: int, value: bytes) -> str:
    if kind == _MSS:
        return f"mss {int.from_bytes(value, 'big')}"
    return _OPTIONS.get(kind, f"opt-{kind}")
