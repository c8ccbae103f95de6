"""What a kernel counts by itself: why it dropped packets, and the frames of its links.

Reads the text of /proc/net: snmp, netstat, snmp6, xfrm_stat, stat/nf_conntrack, dev.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_DIGITS = 20  # of 64 bits; Python is slow at parsing thousands of them
CLOCK = "clock"
DOCKER0, UPLINK = "docker0", "uplink"  # the names of the links that are no node's
_PAIR = 2  # a name and its value
# The columns of /proc/net/dev: of what was received, then of what was sent.
_DEVICE = {1: "rx_packets", 3: "rx_dropped", 9: "tx_packets", 11: "tx_dropped"}
_COLUMNS = 16
# Counters that say that a packet ended here, and what that means.
REASONS = {
    "Ip InHdrErrors": "headers that are not right, or a ttl that is used up",
    "Ip InAddrErrors": "addresses that this host neither has nor forwards to",
    "Ip InUnknownProtos": "protocols that nobody here speaks",
    "Ip InDiscards": "packets that the host had no room for",
    "Ip OutDiscards": "packets that the host had no room to send",
    "Ip OutNoRoutes": "packets for which there was no route",
    "Ip ReasmFails": "fragments that could not be put together",
    "Ip FragFails": "packets that were too large and may not be cut",
    "IpExt InNoRoutes": "packets for which there was no route",
    "IpExt InTruncatedPkts": "packets shorter than they say",
    "IpExt InCsumErrors": "packets with a wrong IP checksum",
    "TcpExt IPReversePathFilter": "packets whose source is not reached by their link",
    "TcpExt TCPMD5NotFound": "segments without the MD5 signature that is asked for",
    "Ip6InHdrErrors": "headers that are not right, or a hop limit that is used up",
    "Ip6InNoRoutes": "packets for which there was no route",
    "Ip6OutNoRoutes": "packets for which there was no route",
    "Ip6InAddrErrors": "addresses that this host neither has nor forwards to",
    "Ip6InDiscards": "packets that the host had no room for",
    "Ip6OutDiscards": "packets that the host had no room to send",
    "conntrack insert_failed": "connections whose tuple is in use",
    "conntrack drop": "packets that connection tracking had no room for",
    "conntrack early_drop": "connections that made room for others",
}
_XFRM = "packets that an IPsec policy or state refused"


@dataclass(frozen=True, slots=True)
class Meters:
    """What the kernels of a host and of its lab's nodes counted during a capture.

    A counter of the host is named as in /proc (`Ip OutNoRoutes`), one of a link as
    `link NAME rx_packets`. One of a node has the node's name before that. `CLOCK` has
    the times of both readings, in ns since the epoch.

    Attributes:
        before: name -> value, when the capture had begun.
        after: likewise, when it had ended. Both have the counters that grew, alone.
        links: name of a link of the host -> whom it leads to: a node, docker0, uplink.

    """

    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anybody read them: a canary alone is counted."""
        return bool(self.after)

    def grown(self, name: str) -> int:
        """Return by how much a counter grew; 0 where it did not."""
        return self.after.get(name, 0) - self.before.get(name, 0)

    def link(self, node: str) -> str:
        """Return the host's link that leads to a node; "" where it is not known."""
        return next((name for name, one in self.links.items() if one == node), "")

    @property
    def ports(self) -> frozenset[str]:
        """Return the links that lead to nodes of docker0."""
        beside = (DOCKER0, UPLINK)
        return frozenset(n for n, one in self.links.items() if one not in beside)

    @property
    def reasons(self) -> Mapping[str, int]:
        """Return the host's counters of dropped packets that grew, and by how much."""
        return {name: self.grown(name) for name in self.after if meaning(name)}


def is_of_sender(name: str) -> bool:
    """Return whether it is the clock, or counts frames that a node sent to the host."""
    to_host = name.startswith("link ") and name.endswith(" rx_packets")
    by_node = " link " in name and name.endswith(" tx_packets")
    return to_host or by_node or name == CLOCK


def between(
    before: Mapping[str, int], after: Mapping[str, int], links: Mapping[str, str]
) -> Meters:
    """Return what was counted between two readings of `counts`."""
    grown = [name for name, count in after.items() if count > before.get(name, 0)]
    return Meters(
        {name: before.get(name, 0) for name in grown},
        {name: after[name] for name in grown},
        links,
    )


def meaning(name: str) -> str:
    """Return what a counter of dropped packets counts; "" for any other."""
    return _XFRM if name.startswith("Xfrm") else REASONS.get(name, "")


def tables(text: str) -> Iterator[tuple[str, int]]:
    """Yield name and value of what snmp and netstat have: two lines for a protocol."""
    lines = [line.split() for line in text.splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        if names[:1] == values[:1]:
            for name, value in zip(names[1:], values[1:], strict=False):
                yield f"{names[0].rstrip(':')} {name}", _number(value)


def pairs(text: str) -> Iterator[tuple[str, int]]:
    """Yield name and value of what snmp6 and xfrm_stat have: a pair a line."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == _PAIR:
            yield words[0], _number(words[1])


def processors(text: str) -> Iterator[tuple[str, int]]:
    """Yield the sums of what stat/nf_conntrack has: a line for each processor."""
    names, *rows = [line.split() for line in text.splitlines()] or [[]]
    total: Counter[str] = Counter()
    for row in rows:
        for name, value in zip(names, row, strict=False):
            if name != "entries":  # each processor has the same number of these
                total[name] += _number(value, base=16)
    yield from ((f"conntrack {name}", value) for name, value in total.items())


def devices(text: str) -> Iterator[tuple[str, int]]:
    """Yield the frames of each link, from what dev has."""
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        columns = rest.split()
        if colon and len(columns) >= _COLUMNS:
            for column, counter in _DEVICE.items():
                yield f"link {name.strip()} {counter}", _number(columns[column])


# File below /proc/net -> its parser. Of a node only some are read.
FILES: Mapping[str, Callable[[str], Iterator[tuple[str, int]]]] = {
    "dev": devices,
    "snmp": tables,
    "netstat": tables,
    "snmp6": pairs,
    "xfrm_stat": pairs,
    "stat/nf_conntrack": processors,
}
OF_NODES = ("dev", "snmp")


def counts(files: Mapping[str, str], node: str = "") -> dict[str, int]:
    """Return the counters of a namespace that are not 0.

    Args:
        files: a file below /proc/net -> its text.
        node: whose namespace it is; "" for the host's.

    """
    found = (pair for file, text in files.items() for pair in FILES[file](text))
    prefix = f"{node} " if node else ""
    return {f"{prefix}{name}": value for name, value in found if value}


def render(meters: Meters) -> str:
    """Return counters as evidence has them: a line each, with both values."""
    links = (f"{link} leads to {node}\n" for link, node in meters.links.items())
    lines = (
        f"{name}: {meters.before[name]} -> {value}\n"
        for name, value in meters.after.items()
    )
    return "".join((*links, *lines))


def parse(text: str) -> Meters:
    """Return what `render` rendered; other lines are left out."""
    before, after, links = {}, {}, {}
    for line in text.splitlines():
        link, leads, node = line.partition(" leads to ")
        name, colon, values = line.rpartition(": ")
        was, arrow, now = values.partition(" -> ")
        if leads:
            links[link] = node
        elif colon and arrow and _number(now):
            before[name], after[name] = _number(was), _number(now)
    return Meters(before, after, links)


def _number(text: str, base: int = 10) -> int:
    """Return a number; 0 for any other text."""
    if not 0 < len(text) <= _DIGITS or not text.isascii() or not text.isalnum():
        return 0
    try:
        return int(text, base)
    except ValueError:
        return 0
