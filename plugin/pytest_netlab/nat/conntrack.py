"""What connection tracking holds, as flows in symbols. Pure text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP
from pytest_netlab.nat.ruleset import Connection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.flows import Tuple5

_PAIR = re.compile(r"\b(src|dst|sport|dport)=(\S+)")
_PROTOCOL = re.compile(r"\b(tcp|udp|icmpv6|icmp|sctp|dccp|gre)\b")
_TUPLE = re.compile(r"\b(src|dst|sport|dport|id)=(\S+)")
_COUNT = re.compile(r"nf_conntrack_(count|max) = (\d{1,18})(?!\d)", re.ASCII)
_NEARLY = 0.999
_NUMBERS = {ICMP: "icmp", ICMP6: "icmpv6", TCP: "tcp", UDP: "udp"}
_NAMES = {"icmp": "icmp echo", "icmpv6": "icmp6 echo"}


def tracked(listed: str, symbols: Mapping[str, str]) -> tuple[Connection, ...]:
    """Return the entries that `conntrack -L` printed; what is no entry is left out."""
    found = (_entry(line, symbols) for line in listed.splitlines())
    return tuple(entry for entry in found if entry is not None)


def held(listed: str) -> frozenset[str]:
    """Return the tuples that replies have, of entries and of events, as `answers` does.

    As long as an entry lives, and that is for 30 s after a ping, nobody else gets them.
    """
    return frozenset(
        f"{proto[1]} {' '.join(values)}"
        for line in listed.splitlines()
        if (proto := _PROTOCOL.search(line)) and (values := _reply(line))
    )


def answers(key: Tuple5) -> str:
    """Return the tuple that replies to a flow have, as text: protocol, ends, ports."""
    proto = _NUMBERS.get(key.proto, str(key.proto))
    back = key.reply
    ports = [back.sport] if proto.startswith("icmp") else [back.sport, back.dport]
    return " ".join(map(str, (proto, back.src, back.dst, *ports)))


def full(sysctls: str) -> str:
    """Return how many connections there are where the table takes no more; else "".

    New ones are dropped then (nf_conntrack_core.c, __nf_conntrack_alloc). Some end
    between the drop and the reading of `sysctl nf_conntrack_count nf_conntrack_max`.
    """
    found = {name: int(value) for name, value in _COUNT.findall(sysctls)}
    count, most = found.get("count", 0), found.get("max", 0)
    is_full = most and count >= most * _NEARLY
    return f"{count} of {most} connections" if is_full else ""


def _reply(line: str) -> list[str]:
    """Return the second tuple of a line: ends, then ports or an ICMP id."""
    second = _TUPLE.findall(line)
    half = len(second) // 2
    return [value for _, value in second[half:]]


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
