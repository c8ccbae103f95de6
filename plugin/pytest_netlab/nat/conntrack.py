"""What connection tracking holds, as flows in symbols. Pure text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_netlab.nat.ruleset import Connection

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAIR = re.compile(r"\b(src|dst|sport|dport)=(\S+)")
_PROTOCOL = re.compile(r"\b(tcp|udp|icmpv6|icmp|sctp|dccp|gre)\b")
_NAMES = {"icmp": "icmp echo", "icmpv6": "icmp6 echo"}


def tracked(listed: str, symbols: Mapping[str, str]) -> tuple[Connection, ...]:
    """Return the entries that `conntrack -L` printed; what is no entry is left out."""
    found = (_entry(line, symbols) for line in listed.splitlines())
    return tuple(entry for entry in found if entry is not None)


def _entry(line: str, symbols: Mapping[str, str]) -> Connection | None:
    """Return one entry: both its tuples are on the line, the original one first."""
    proto = _PROTOCOL.search(line)
    ends: dict[str, list[str]] = {}
    for key, value in _PAIR.findall(line):
        ends.setdefault(key, []).append(symbols.get(value, value))
    both = ("src", "dst")
    if proto is None or any(len(ends.get(key, ())) < len(both) for key in both):
        return None
    there, back = ("", "")
    if "dport" in ends:
        there, back = f":{ends['dport'][0]}", f":{ends['sport'][1]}"
    return Connection(
        proto=_NAMES.get(proto[1], proto[1]),
        initiator=ends["src"][0],
        responder=f"{ends['dst'][0]}{there}",
        sender=ends["dst"][1],
        target=f"{ends['src'][1]}{back}",
    )
