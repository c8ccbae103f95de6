"""A row as one line of text, close to what tcpdump prints. Knows rows, no bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import arp, assigned, icmp, ipv6, tcp
from pytest_netlab.wire.address import mac_text
from pytest_netlab.wire.assigned import ARP
from pytest_netlab.wire.columns import Checksum, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, int | str]

_ECHO_NAMES = {
    (assigned.ICMP, assigned.ECHO_REQUEST): "echo request",
    (assigned.ICMP, assigned.ECHO_REPLY): "echo reply",
    (assigned.ICMP6, assigned.ECHO_REQUEST6): "echo request",
    (assigned.ICMP6, assigned.ECHO_REPLY6): "echo reply",
}
_ERROR_NAMES = {
    (assigned.ICMP, assigned.UNREACHABLE): "unreachable",
    (assigned.ICMP, assigned.SOURCE_QUENCH): "source quench",
    (assigned.ICMP, assigned.REDIRECT): "redirect",
    (assigned.ICMP, assigned.TIME_EXCEEDED): "time exceeded",
    (assigned.ICMP, assigned.PARAMETER_PROBLEM): "parameter problem",
    (assigned.ICMP6, assigned.UNREACHABLE6): "unreachable",
    (assigned.ICMP6, assigned.TOO_BIG6): "packet too big",
    (assigned.ICMP6, assigned.TIME_EXCEEDED6): "time exceeded",
    (assigned.ICMP6, assigned.PARAMETER_PROBLEM6): "parameter problem",
}
_NOBODY = ("", "::")
_REMARKABLE = (Checksum.PARTIAL, Checksum.BAD)


def render(row: Row, names: Mapping[str, str] | None = None) -> str:
    """Return the row as one line; an address that is in `names` becomes its name."""
    named = _named(row, names or {})
    tag = f"vlan {row['vlan']}, " if int(row["vlan"]) >= 0 else ""
    return tag + _body(named) + _remarks(row)


def _named(row: Row, names: Mapping[str, str]) -> Row:
    """Return the row with its addresses replaced by their names."""
    fields = ("src", "dst", "quoted_src", "quoted_dst")
    return {**row, **{key: names.get(str(row[key]), row[key]) for key in fields}}


def _body(row: Row) -> str:
    """Render the packet without its remarks."""
    if row["ip_version"]:
        head = "IP6" if row["ip_version"] == ipv6.VERSION else "IP"
        return f"{head} {_ip(row)}"
    if row["ethertype"] == ARP:
        return _arp(row)
    if row["ethertype"]:
        return f"ethertype 0x{row['ethertype']:04x}, length {row['wirelen']}"
    return f"unknown, length {row['wirelen']}"


def _arp(row: Row) -> str:
    """Render an ARP message."""
    if row["arp_op"] == arp.REQUEST:
        return f"ARP, Request who-has {row['dst']} tell {row['src']}"
    if row["arp_op"] == arp.REPLY:
        return f"ARP, Reply {row['src']} is-at {mac_text(int(row['eth_src']))}"
    return f"ARP, operation {row['arp_op']}"


def _ip(row: Row) -> str:
    """Render an IP datagram by what it carries."""
    if not row["l4_offset"]:
        return _headless(row)
    proto = row["proto"]
    if proto == assigned.TCP:
        return f"{_ends(row)}: {_tcp(row)}"
    if proto == assigned.UDP:
        return f"{_ends(row)}: UDP, length {row['payload_len']}"
    pair = f"{row['src']} > {row['dst']}"
    if proto in (assigned.ICMP, assigned.ICMP6):
        return f"{pair}: {_icmp(row)}"
    return f"{pair}: proto {proto}, length {row['payload_len']}"


def _headless(row: Row) -> str:
    """Render a datagram without a transport header: a later fragment, or cut."""
    pair = f"{row['src']} > {row['dst']}: proto {row['proto']}"
    if row["frag_offset"]:
        return f"{pair}, frag {row['frag_offset']}, length {row['payload_len']}"
    return f"{pair}, no header"


def _ends(row: Row) -> str:
    """Render addresses and ports."""
    return f"{row['src']}.{row['sport']} > {row['dst']}.{row['dport']}"


def _tcp(row: Row) -> str:
    """Render a segment."""
    flags = int(row["tcp_flags"])
    parts = [f"Flags [{tcp.flag_text(flags)}]", f"seq {row['tcp_seq']}"]
    if flags & tcp.ACK:
        parts.append(f"ack {row['tcp_ack']}")
    parts += [f"win {row['tcp_window']}", f"length {row['payload_len']}"]
    return ", ".join(parts)


def _icmp(row: Row) -> str:
    """Render an ICMP or ICMPv6 message."""
    key = (int(row["proto"]), int(row["icmp_type"]))
    head = "ICMP" if row["proto"] == assigned.ICMP else "ICMP6"
    length = int(row["payload_len"]) + icmp.HEADER
    if key in _ECHO_NAMES:
        ids = f"id {row['icmp_id']}, seq {row['icmp_seq']}"
        return f"{head} {_ECHO_NAMES[key]}, {ids}, length {length}"
    kind = _ERROR_NAMES.get(key, f"type {row['icmp_type']}")
    quoted = f", quotes {_quoted(row)}" if row["quoted_src"] not in _NOBODY else ""
    return f"{head} {kind}, code {row['icmp_code']}{quoted}, length {length}"


def _quoted(row: Row) -> str:
    """Render the tuple of the packet embedded in an ICMP error."""
    proto = row["quoted_proto"]
    if proto in (assigned.TCP, assigned.UDP):
        name = "tcp" if proto == assigned.TCP else "udp"
        source = f"{row['quoted_src']}.{row['quoted_sport']}"
        return f"{name} {source} > {row['quoted_dst']}.{row['quoted_dport']}"
    ident = f" id {row['quoted_icmp_id']}" if row["quoted_icmp_id"] else ""
    return f"proto {proto} {row['quoted_src']} > {row['quoted_dst']}{ident}"


def _remarks(row: Row) -> str:
    """Render the status flags, and checksums that are bad or partial."""
    remarks = [str(flag.name).lower() for flag in Status(int(row["status"]))]
    for field in ("ip_checksum", "l4_checksum"):
        state = Checksum(int(row[field]))
        if state in _REMARKABLE:
            remarks.append(f"{field.replace('_', ' ')} {state.name.lower()}")
    return f" [{', '.join(remarks)}]" if remarks else ""
