"""Which policy rule and which route decide about a packet, as Linux decides it.

Knows a host's rules, routes and settings as values (net/core/fib_rules.c, net/ipv4/
fib_trie.c, fib_frontend.c and route.c). Refuses to know how they are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Literal

from pytest_netlab.host.routing.policy_rules import GOTO, LOOKUP, NOP, protocol_number
from pytest_netlab.host.routing.routes import DEFAULT, IPV6, Hop, prefix_length
from pytest_netlab.host.sysctls import number, per_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_netlab.host.routing.policy_rules import PolicyRule
    from pytest_netlab.host.routing.routes import Route

LOOPBACK = "lo"
NONE = "none"  # no rule leads to a route
REFUSALS = frozenset({"unreachable", "prohibit", "blackhole"})
HERE = frozenset({"local", "broadcast", "anycast"})
Stopped = Literal["", "forwarding", "source"]
_ROOT = 0  # whose packets those are that no process sends
_STRICT = 1  # rp_filter: the reply must leave by the link that the packet came by


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A packet about which a host decides.

    Attributes:
        source: its address, as it is when the host decides: after DNAT, before SNAT.
        destination: likewise.
        incoming: the link that it came by; "" for one of the host's own.
        protocol: its number; 0 where no rule asks for it.
        sport: 0 without ports.
        dport: likewise.
        mark: its fwmark.

    """

    source: str
    destination: str
    incoming: str = ""
    protocol: int = 0
    sport: int = 0
    dport: int = 0
    mark: int = 0

    @property
    def version(self) -> int:
        """Return its version of IP."""
        return ip_address(self.destination).version


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a host decides about a packet, and by what.

    Attributes:
        kind: of the route (unicast, local, ...), or how the packet is refused:
            unreachable, prohibit, blackhole, `NONE`.
        rule: the policy rule that decided; None where none did.
        route: the route that decided; None where a rule refuses.
        hops: where it may be sent; one of several is chosen for each flow.
        stopped: `forwarding` where its link does not forward, `source` where its source
            is not believed; "" where neither stops it.
        back: how its source would be reached, where that stops it.

    """

    kind: str
    rule: PolicyRule | None = None
    route: Route | None = None
    hops: tuple[Hop, ...] = ()
    stopped: Stopped = ""
    back: Decision | None = None

    @property
    def passes(self) -> bool:
        """Return whether the packet is delivered or sent on."""
        return not self.stopped and (self.kind == "unicast" or self.kind in HERE)

    @property
    def devices(self) -> frozenset[str]:
        """Return the links by which it may leave."""
        return frozenset(hop.device for hop in self.hops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """All that a host decides by.

    Attributes:
        rules: IPv4's, in the order in which they are tried.
        rules6: IPv6's.
        routes: of all tables and both versions.
        settings: sysctls, name -> value.

    """

    rules: Sequence[PolicyRule] = ()
    rules6: Sequence[PolicyRule] = ()
    routes: Sequence[Route] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def of(self, version: int) -> Sequence[PolicyRule]:
        """Return the rules of a version of IP."""
        return self.rules6 if version == IPV6 else self.rules

    def setting(self, link: str, name: str) -> int:
        """Return a link's own value of a setting of IPv4; 0 where it is not known."""
        return number(self.settings.get(per_link(link, name), ""))

    def either(self, link: str, name: str) -> int:
        """Return the larger of a link's value of a setting and that of all links."""
        return max(self.setting(link, name), self.setting("all", name))


def decide(host: Routing, asked: Asked) -> Decision:
    """Return what a host decides about a packet: its own, or one that arrived."""
    found = lookup(host, asked)
    if not asked.incoming:
        return found
    six = asked.version == IPV6
    if found.kind in HERE:
        return found if six else _believed(host, asked, found, "")
    if not _forwards(host, asked.incoming, six=six):
        return replace(found, stopped="forwarding")
    if six or found.kind != "unicast":
        return found
    for device in found.devices:
        found = _believed(host, asked, found, device)
    return found


def lookup(host: Routing, asked: Asked) -> Decision:
    """Return which rule and route are found for a packet, whatever stops it later."""
    for rule in _tried(host.of(asked.version), asked):
        if rule.action in REFUSALS:
            return Decision(kind=rule.action, rule=rule)
        found = _longest(host, rule.table, asked.destination)
        if found is None or found[0].kind == "throw":
            continue
        route, hops = found
        if route.kind in REFUSALS or not _is_suppressed(rule, route):
            return Decision(kind=route.kind, rule=rule, route=route, hops=hops)
    return Decision(kind=NONE)


def _forwards(host: Routing, link: str, *, six: bool) -> bool:
    one = per_link("all", "forwarding", IPV6) if six else per_link(link, "forwarding")
    return host.settings.get(one) != "0"


def _believed(host: Routing, asked: Asked, found: Decision, leaves: str) -> Decision:
    """Return a decision, stopped if the packet's source is not believed.

    The source is looked up as if its reply came by the link that the packet leaves by
    (fib_frontend.c, __fib_validate_source).
    """
    marked = host.either(asked.incoming, "src_valid_mark")
    reply = Asked(
        source=asked.destination,
        destination=asked.source,
        incoming=leaves or LOOPBACK,
        mark=asked.mark if marked else 0,
    )
    if any(map(_needs_ports, host.rules)):
        reply = replace(
            reply, protocol=asked.protocol, sport=asked.dport, dport=asked.sport
        )
    back = lookup(host, reply)
    filtered = host.either(asked.incoming, "rp_filter")
    if back.kind not in ("unicast", "local"):
        believed = not filtered and back.kind not in HERE
    elif back.kind == "local" and not host.either(asked.incoming, "accept_local"):
        believed = False
    else:
        loose = filtered != _STRICT and _has_address(host, asked.incoming)
        believed = not filtered or loose or asked.incoming in back.devices
    return found if believed else replace(found, stopped="source", back=back)


def _needs_ports(rule: PolicyRule) -> bool:
    """Return whether Linux looks at ports of packets that arrive, for this rule."""
    ports = rule.protocol or rule.sport or rule.dport
    return bool(ports) and rule.incoming != LOOPBACK


def _has_address(host: Routing, link: str) -> bool:
    """Return whether a link has an address of IPv4."""
    local = (one for one in host.routes if (one.table, one.kind) == ("local", "local"))
    return any(one.device == link and not one.preference for one in local)


def _tried(rules: Sequence[PolicyRule], asked: Asked) -> Iterator[PolicyRule]:
    """Yield the rules that a packet meets, in the order in which they are tried."""
    place = 0
    while place < len(rules):
        rule = rules[place]
        place += 1
        if not _meets(rule, asked):
            continue
        if rule.action == GOTO:
            later = range(place, len(rules))
            found = (n for n in later if rules[n].priority == rule.target)
            place = next(found, place)
        elif rule.action == LOOKUP or rule.action in REFUSALS:
            yield rule
        elif rule.action != NOP:
            return  # what it does is not known


def _meets(rule: PolicyRule, asked: Asked) -> bool:
    protocol = protocol_number(rule.protocol)
    met = (
        _contains(rule.source, asked.source)
        and _contains(rule.destination, asked.destination)
        and _has_mark(rule.mark, asked.mark)
        and rule.incoming in ("", asked.incoming or LOOPBACK)
        and not rule.outgoing
        and not rule.tunnel
        and not rule.tos
        and not rule.table.startswith("[")
        and protocol in (0, asked.protocol)
        and _has_port(rule.sport, asked.sport)
        and _has_port(rule.dport, asked.dport)
        and _has_port(rule.uids, _ROOT)
    )
    return met != rule.negated


def _longest(
    host: Routing, table: str, destination: str
) -> tuple[Route, tuple[Hop, ...]] | None:
    """Return the route of a table to a destination, with its usable next hops."""
    here = ip_address(destination)
    reach = [
        (-length, one.metric or 0, one)
        for one in host.routes
        if one.table == table
        and not one.tos
        and (length := prefix_length(one, here)) >= 0
    ]
    for _, _, route in sorted(reach, key=lambda found: found[:2]):
        if route.kind not in ("unicast", *HERE):
            return route, ()
        hops = tuple(_usable(host, route))
        if hops:
            return route, hops
    return None


def _usable(host: Routing, route: Route) -> Iterator[Hop]:
    own = Hop(route.gateway, route.device, flags=route.flags)
    for hop in route.hops or (own,):
        ignored = host.either(hop.device, "ignore_routes_with_linkdown")
        if "dead" not in hop.flags and not (ignored and "linkdown" in hop.flags):
            yield hop


def _is_suppressed(rule: PolicyRule, route: Route) -> bool:
    """Return whether a rule ignores a route because its network is too large."""
    if rule.suppress is None:
        return False
    whole = route.destination
    length = 0 if whole == DEFAULT else ip_network(whole, strict=False).prefixlen
    return length <= rule.suppress


def _contains(network: str, address: str) -> bool:
    if network in ("", "all"):
        return True
    return ip_address(address) in ip_network(network, strict=False)


def _has_mark(wanted: str, mark: int) -> bool:
    value, _, mask = wanted.partition("/")
    bits = int(mask, 16) if mask else 0xFFFFFFFF
    return not wanted or not (int(value, 16) ^ mark) & bits


def _has_port(wanted: str, port: int) -> bool:
    first, _, last = wanted.partition("-")
    return not wanted or int(first) <= port <= int(last or first)
