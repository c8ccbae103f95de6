"""A host's state at one moment, read live or from stored evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_netlab.host import links, meters, sysctls
from pytest_netlab.host.meters import Meters
from pytest_netlab.host.routing import addresses, next_hops, policy_rules, routes, xfrm
from pytest_netlab.host.routing.decision import Routing
from pytest_netlab.host.routing.network import Network, NetworkChange
from pytest_netlab.host.tracking import conntrack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.host.links import Link, Neighbour
    from pytest_netlab.host.routing.addresses import Address
    from pytest_netlab.host.routing.next_hops import Reachable
    from pytest_netlab.host.routing.policy_rules import PolicyRule
    from pytest_netlab.host.routing.routes import Route
    from pytest_netlab.host.tracking.conntrack import Entry, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A host at one moment.

    Attributes:
        files: evidence, file name -> text: the values below, rendered, and what tools
            print.
        entries: of its conntrack table.
        events: of its conntrack table, while a listener ran.
        sysctls: name -> value; those that its kernel does not have are left out.
        routes: of all tables, IPv4's and IPv6's.
        policy_rules: IPv4's, in the order in which they are tried.
        policy_rules6: IPv6's.
        neighbours: of every link, also those that never answered.
        addresses: of every link, in the kernel's order.
        links: all of its namespace.
        ends: node -> the sysctls that decide how its own packets look.
        meters: what its kernel counted during the last capture.
        reachable: node -> its routes and neighbours.
        start: the same host when its lab had just started; None where nobody looked.
        before: evidence of the rules just before the capture, with their counters.

    """

    files: Mapping[str, str] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    events: tuple[Event, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    policy_rules: tuple[PolicyRule, ...] = ()
    policy_rules6: tuple[PolicyRule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    addresses: tuple[Address, ...] = ()
    links: tuple[Link, ...] = ()
    ends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    meters: Meters = field(default_factory=Meters)
    reachable: Mapping[str, Reachable] = field(default_factory=dict)
    start: Snapshot | None = None
    before: Mapping[str, str] = field(default_factory=dict)

    @property
    def replies(self) -> frozenset[Tuple5]:
        """Return the reply tuples of all connections, of those that ended too."""
        replies = {one.reply for one in self.entries}
        return frozenset(replies.union(one.reply for one in self.events))

    @property
    def created(self) -> frozenset[Tuple5] | None:
        """Return the original tuples of connections that began while a listener ran.

        None where there was no listener, or events are missing.
        """
        heard = self.files.get(KEPT["events"].file)
        if heard is None or len(heard.splitlines()) != len(self.events):
            return None
        return frozenset(one.original for one in self.events if one.change == "NEW")

    @property
    def network(self) -> Network:
        """Return what decides where the host sends packets."""
        return Network(
            routing=Routing(
                rules=self.policy_rules,
                rules6=self.policy_rules6,
                routes=self.routes,
                settings=self.sysctls,
            ),
            addresses=self.addresses,
            neighbours=self.neighbours,
            links=self.links,
            policies=xfrm.policies(self.files.get(xfrm.POLICIES, "")),
        )

    def network_change(self, names: Mapping[str, str]) -> NetworkChange:
        """Return how the host sends packets, now and at its lab's start.

        Args:
            names: address -> whose it is.

        """
        return NetworkChange(
            now=self.network,
            then=self.start.network if self.start is not None else None,
            names=names,
            places=self.meters.links,
            nodes={name: one.routes for name, one in self.reachable.items()},
            counts={name: self.meters.grown(name) for name in self.meters.after},
        )


class Kept(NamedTuple):
    """The evidence file of one part of a snapshot, and how to read and write it."""

    file: str
    parse: Callable[[str], Any]
    render: Callable[[Any], str]


def _lines(values: Iterable[object]) -> str:
    return "".join(f"{value}\n" for value in values)


KEPT = {
    "entries": Kept("conntrack.txt", conntrack.entries, _lines),
    "events": Kept("conntrack-events.txt", conntrack.events, conntrack.history),
    "sysctls": Kept("sysctl.txt", sysctls.parse, sysctls.render),
    "routes": Kept("ip-route.txt", routes.routes, _lines),
    "policy_rules": Kept("ip-rule.txt", policy_rules.policy_rules, _lines),
    "policy_rules6": Kept("ip-rule6.txt", policy_rules.policy_rules, _lines),
    "neighbours": Kept("ip-neigh.txt", links.neighbours, _lines),
    "reachable": Kept("ip-nodes.txt", next_hops.parse, next_hops.render),
    "addresses": Kept("ip-addr.txt", addresses.addresses, _lines),
    "links": Kept("ip-link.txt", links.links, _lines),
    "ends": Kept("sysctl-nodes.txt", sysctls.parse_ends, sysctls.render_ends),
    "meters": Kept("counters.txt", meters.parse, meters.render),
}


START, BEFORE = "start-", "before-"  # what the names of these files begin with


def read(files: Mapping[str, str]) -> Snapshot:
    """Read a snapshot from evidence; a part that has no file is empty."""
    parts = {name: kept.parse(files.get(kept.file, "")) for name, kept in KEPT.items()}
    then = _of(files, START)
    start = read(then) if then else None
    return Snapshot(files=files, **parts, start=start, before=_of(files, BEFORE))


def _of(files: Mapping[str, str], prefix: str) -> dict[str, str]:
    found = (name for name in files if name.startswith(prefix))
    return {name.removeprefix(prefix): files[name] for name in found}
