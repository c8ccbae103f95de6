"""Routes of a host, as values; their text is that of `ip route`.

Decodes rtnetlink's messages, as pyroute2 returns them (rtnetlink(7)).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from pytest_netlab.host.routing.iproute import TABLES, maybe, named, network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

KINDS = (
    *("unspec", "unicast", "local", "broadcast", "anycast", "multicast"),
    *("blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve"),
)
_PROTOCOLS = {
    0: "unspec",
    1: "redirect",
    2: "kernel",
    3: "boot",
    4: "static",
    9: "ra",
    12: "bird",
    16: "dhcp",
    186: "bgp",
    188: "ospf",
}
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
_PREFERENCES = {0: "medium", 1: "high", 3: "low"}  # RFC 4191
_FLAGS = {1: "dead", 2: "pervasive", 4: "onlink", 8: "offload", 16: "linkdown"}
_ROUTE = frozenset(
    {"tos", "via", "dev", "table", "proto", "scope", "src", "metric", "mtu", "pref"}
)
DEFAULT = "default"
IPV6 = 6


@dataclass(frozen=True, slots=True)
class Hop:
    """One of several next hops.

    Attributes:
        gateway: "" where the destination is on the link.
        device: the name of the link.
        weight: its share of the flows, relative to the other hops'.
        flags: linkdown, dead, ...

    """

    gateway: str
    device: str
    weight: int = 1
    flags: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Render as `ip route` does, below the route."""
        via = f"via {self.gateway} " if self.gateway else ""
        hop = f"nexthop {via}dev {self.device} weight {self.weight}"
        return " ".join((hop, *self.flags))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of one of the host's tables.

    Attributes:
        destination: `default`, an address, or a network as ADDRESS/LENGTH.
        kind: unicast, local, unreachable, ... (RTN_*).
        tos: of the packets that it is for, as a number; "" for any.
        gateway: "" where the destination is on the link, and where there are `hops`.
        device: the name of the link; "" where the route has none.
        table: main, local, default, or a number.
        protocol: who added it: kernel, static, ...; boot if not given.
        scope: global, link, host, ...; IPv6 has global only.
        source: of the host's own packets; "" where the host may choose.
        metric: the route with the lowest is used; None where the kernel does not say.
        flags: onlink, linkdown, dead, ...
        mtu: in octets; None where it is the link's.
        preference: of an IPv6 router: medium, high, low; "" for IPv4.
        hops: the next hops, where there are several.

    """

    destination: str
    kind: str = "unicast"
    tos: str = ""
    gateway: str = ""
    device: str = ""
    table: str = "main"
    protocol: str = "boot"
    scope: str = "global"
    source: str = ""
    metric: int | None = None
    flags: tuple[str, ...] = ()
    mtu: int | None = None
    preference: str = ""
    hops: tuple[Hop, ...] = ()

    def __str__(self) -> str:
        """Render as `ip route show table all` does; each hop has a line of its own."""
        return "\n\t".join((" ".join(self._tokens()), *map(str, self.hops)))

    def _tokens(self) -> Iterator[str]:
        if self.kind != "unicast":
            yield self.kind
        yield self.destination
        for name, value, usual in (
            ("tos", self.tos, ""),
            ("via", self.gateway, ""),
            ("dev", self.device, ""),
            ("table", self.table, "main"),
            ("proto", self.protocol, "boot"),
            ("scope", self.scope, "global"),
            ("src", self.source, ""),
            ("metric", self.metric, None),
        ):
            if value != usual:
                yield f"{name} {value}"
        yield from self.flags
        if self.mtu is not None:
            yield f"mtu {self.mtu}"
        if self.preference:
            yield f"pref {self.preference}"


def route(message: Any, names: Mapping[int, str]) -> Route:
    """Return the route in a message.

    Args:
        message: RTM_NEWROUTE.
        names: index of a link -> its name.

    """
    table, metrics = message.get("table"), message.get("metrics")
    return Route(
        destination=network(message, "dst") or DEFAULT,
        kind=KINDS[message["type"]],
        tos=f"0x{tos:02x}" if (tos := message.get("tos") or 0) else "",
        gateway=message.get("gateway") or "",
        device=names.get(message.get("oif"), ""),
        table=TABLES.get(table, f"{table}"),
        protocol=_PROTOCOLS.get(message["proto"], f"{message['proto']}"),
        scope=_SCOPES.get(message["scope"], f"{message['scope']}"),
        source=message.get("prefsrc") or "",
        metric=message.get("priority"),
        flags=_flags(message["flags"]),
        mtu=metrics.get("mtu") if metrics else None,
        preference=_PREFERENCES.get(message.get("pref"), ""),
        hops=tuple(
            Hop(
                hop.get("gateway") or "",
                names.get(hop["oif"], ""),
                hop["hops"] + 1,
                _flags(hop["flags"]),
            )
            for hop in message.get("multipath") or ()
        ),
    )


def device(known: Iterable[Route], address: str) -> str:
    """Return the link by which an address is reached; "" where more than that decides.

    Args:
        known: routes of all tables: another table than the usual ones decides for some.
        address: of IPv4 or IPv6.

    """
    here = ip_address(address)
    best, found = -1, ""
    for one in known:
        if one.table not in TABLES.values():
            return ""
        length = prefix_length(one, here) if one.table == "main" else -1
        if length > best:
            best, found = length, one.device
    return found


def prefix_length(one: Route, address: IPv4Address | IPv6Address) -> int:
    """Return the length of a route's network if it has an address, else -1."""
    if one.destination == DEFAULT:
        six = one.preference != ""  # which IPv4 does not have
        return 0 if six == (address.version == IPV6) else -1
    known = ip_network(one.destination, strict=False)
    return known.prefixlen if address in known else -1


def routes(listed: str) -> tuple[Route, ...]:
    """Return what `ip route` printed, without what it adds of caches and expiry."""
    found: list[Route] = []
    for line in listed.splitlines():
        tokens = line.split()
        with suppress(ValueError):
            if tokens[:1] == ["nexthop"] and found:
                hops = (*found[-1].hops, _hop(tokens))
                found[-1] = replace(found[-1], hops=hops)
            elif tokens:
                found.append(_route(tokens))
    return tuple(found)


def _route(tokens: list[str]) -> Route:
    kind, tokens = (
        (tokens[0], tokens[1:]) if tokens[0] in KINDS else ("unicast", tokens)
    )
    if not tokens:
        raise ValueError("no destination")
    if tokens[0] != DEFAULT:
        ip_network(tokens[0], strict=False)
    found = named(tokens[1:], _ROUTE)
    return Route(
        destination=tokens[0],
        kind=kind,
        tos=found.get("tos", ""),
        gateway=found.get("via", ""),
        device=found.get("dev", ""),
        table=found.get("table", "main"),
        protocol=found.get("proto", "boot"),
        scope=found.get("scope", "global"),
        source=found.get("src", ""),
        metric=maybe(found, "metric"),
        flags=_flag_words(tokens[1:]),
        mtu=maybe(found, "mtu"),
        preference=found.get("pref", ""),
    )


def _hop(tokens: list[str]) -> Hop:
    found = named(tokens[1:], ("via", "dev", "weight"))
    weight = maybe(found, "weight") or 1
    via, device = found.get("via", ""), found.get("dev", "")
    return Hop(via, device, weight, _flag_words(tokens))


def _flags(bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in _FLAGS.items() if bits & bit)


def _flag_words(tokens: list[str]) -> tuple[str, ...]:
    return tuple(word for word in tokens if word in _FLAGS.values())
