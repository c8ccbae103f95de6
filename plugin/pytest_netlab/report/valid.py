"""Of which packets a column says something: the words of `wire.COLUMNS` as masks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.flows import WITH_PORTS
from pytest_netlab.wire import UNTAGGED, assigned, ipv4
from pytest_netlab.wire.assigned import ARP

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pytest_netlab.capture import Capture

    Mask = npt.NDArray[np.bool_]

_PORTS = tuple(WITH_PORTS)
_ICMP = (assigned.ICMP, assigned.ICMP6)
_IDENT = ("ip_id", "ip_flags", "frag_offset")
_ECHOES = {
    assigned.ICMP: (assigned.ECHO_REQUEST, assigned.ECHO_REPLY),
    assigned.ICMP6: (assigned.ECHO_REQUEST6, assigned.ECHO_REPLY6),
}


def valid(chunk: Capture, name: str) -> Mask | None:
    """Return which packets a column says something of; None for all of them."""
    known = _VALID.get(name)
    return known and known(chunk)


def _ip(chunk: Capture) -> Mask:
    return _told(chunk, "ip_version")


def _ident(chunk: Capture) -> Mask:
    """Of IPv4, or of a fragment header, which is not all zero."""
    found = np.equal(chunk.ip_version, ipv4.VERSION)
    for name in _IDENT:
        found |= _told(chunk, name)
    return found


def _carries(chunk: Capture, *protocols: int) -> Mask:
    return np.isin(chunk.proto, protocols) & _told(chunk, "l4_offset")


def _tcp(chunk: Capture) -> Mask:
    return _carries(chunk, assigned.TCP)


def _ports(chunk: Capture) -> Mask:
    return _carries(chunk, *_PORTS)


def _icmp(chunk: Capture) -> Mask:
    return _carries(chunk, *_ICMP)


def _echo(chunk: Capture) -> Mask:
    found = np.zeros(len(chunk), dtype=np.bool_)
    for proto, kinds in _ECHOES.items():
        found |= _carries(chunk, proto) & np.isin(chunk.icmp_type, kinds)
    return found


def _quoted(chunk: Capture) -> Mask:
    return _told(chunk, "quoted_ttl") | _told(chunk, "quoted_proto")


def _quoted_ports(chunk: Capture) -> Mask:
    return np.isin(chunk.quoted_proto, _PORTS)


def _quoted_echo(chunk: Capture) -> Mask:
    return np.isin(chunk.quoted_proto, _ICMP)


def _told(chunk: Capture, name: str) -> Mask:
    """Tell a column's value from none at all, which is 0."""
    column: Mask = chunk.column(name).astype(np.bool_)
    return column


_VALID: dict[str, Callable[[Capture], Mask]] = {
    "vlan": lambda chunk: chunk.vlan != UNTAGGED,
    "arp_op": lambda chunk: chunk.ethertype == ARP,
    **dict.fromkeys(("proto", "ttl", "tos", "payload_len", "ip_offset"), _ip),
    **dict.fromkeys(_IDENT, _ident),
    **dict.fromkeys(("sport", "dport"), _ports),
    **dict.fromkeys(("tcp_seq", "tcp_ack", "tcp_flags", "tcp_window"), _tcp),
    **dict.fromkeys(("icmp_type", "icmp_code", "icmp_rest"), _icmp),
    **dict.fromkeys(("icmp_id", "icmp_seq"), _echo),
    **dict.fromkeys(("quoted_proto", "quoted_ttl", "quoted_ip_id"), _quoted),
    **dict.fromkeys(("quoted_sport", "quoted_dport"), _quoted_ports),
    "quoted_icmp_id": _quoted_echo,
    **{
        name: partial(_told, name=name)
        for name in (
            "ethertype",
            "ip_version",
            "l4_offset",
            "payload_offset",
            "payload_hash",
            "options_hash",
        )
    },
}
