"""Play conversations between two nodes of a lab, by the addresses between them."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.errors import LabUnavailableError, ReplayError
from pytest_netlab.flows import PROTOCOL_NAMES
from pytest_netlab.replay.ends import RawEnd
from pytest_netlab.replay.play import Player
from pytest_netlab.replay.port_allocator import PORTS
from pytest_netlab.replay.result import Addressing
from pytest_netlab.spec import CONTAINERS, PEERS, PUBLISHED_PORT, WEB_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_netlab.lab.net.node import NamespaceNode
    from pytest_netlab.replay.play import Progress
    from pytest_netlab.replay.result import Result
    from pytest_netlab.replay.source import FlowPlan
    from pytest_netlab.trace import FlowFact

PUBLISHED = f"web:{WEB_PORT}"


class ServerRoute(NamedTuple):
    """The node that plays the server, and the route between it and the client."""

    server: str
    route: Addressing


def route_to(
    nodes: Mapping[str, NamespaceNode], client: str, server: str
) -> ServerRoute:
    """Return how a client reaches a server: a node, or a node and its port.

    A container reaches the neighbour `host01` by SNAT. A neighbour reaches `web:80` by
    the port that the host publishes for it. From a container, `web:80` is the container
    itself, and `host:81` the published port (a hairpin).

    Raises:
        ReplayError: no such node or port, or both are the same.

    """
    name, _, text = server.partition(":")
    for node in (client, name):
        if node not in nodes:
            raise ReplayError(f"no node {node!r}: the lab has {', '.join(nodes)}")
    if text and not (text.isdecimal() and 0 < int(text) <= PORTS):
        raise ReplayError(f"{server}: {text!r} is no port")
    port, host = int(text) if text else None, nodes["host"].address
    lands = None
    beyond, inside = client in PEERS, client in CONTAINERS
    if (server == PUBLISHED and beyond) or (name, port) == ("host", PUBLISHED_PORT):
        name, target, port, lands = "web", host, PUBLISHED_PORT, WEB_PORT
    else:
        target = nodes[name].address
    if name == client:
        raise ReplayError(f"{client} would talk to itself: name two nodes")
    peer = host if inside and name in PEERS else nodes[client].address
    routed = "host" not in (client, name) and inside != (name in CONTAINERS)
    hairpin = inside and lands is not None  # with br_netfilter, the bridge forwards it
    hops = None if hairpin else int(routed)
    return ServerRoute(
        name, Addressing(target=target, back=peer, hops=hops, port=port, lands=lands)
    )


def ends_of(facts: Sequence[FlowFact]) -> tuple[str, str]:
    """Return client and server of a golden's flows, as `route_to` takes them.

    Raises:
        ReplayError: it has no flows, flows of several pairs of nodes, or a flow by a
            route that its test sets up.

    """
    if not facts:
        raise ReplayError("the golden has no conversation to play")
    client, server = facts[0].initiator.node, facts[0].responder
    if len({_pair(fact) for fact in facts}) > 1:
        raise ReplayError("the golden has conversations of several pairs of nodes")
    if client in PEERS and server.node in CONTAINERS:
        text = f"{client} reaches {server.node} by a route that the test sets up"
        raise ReplayError(text)
    if client in PEERS and (server.node, server.port) == ("host", PUBLISHED_PORT):
        return f"{client}", PUBLISHED
    return f"{client}", f"{server}"


def _pair(fact: FlowFact) -> frozenset[object]:
    """Return the two nodes that talk, not one between them that translates."""
    target = fact.target or fact.responder
    return frozenset((fact.initiator.node, target.node))


def replay(
    nodes: Mapping[str, NamespaceNode],
    plans: Sequence[FlowPlan],
    ends: tuple[str, str],
    *,
    pace: float = 0.0,
    progress: Progress = lambda _: None,
) -> Result:
    """Play conversations between two nodes of a lab.

    Args:
        nodes: the lab's nodes by name.
        plans: what to play.
        ends: client and server, as `route_to` takes them.
        pace: how many times as fast as captured; 0 does not wait.
        progress: called again and again with how many packets have arrived.

    Raises:
        ReplayError: no such ends.
        LabUnavailableError: the lab has no links.
        CommandError: a node has no route to the other, or a link refuses a packet.
        BlindCaptureError: an end dropped packets that it should have read.

    """
    found = route_to(nodes, *ends)
    if not hasattr(nodes[ends[0]], "netns"):
        raise LabUnavailableError("this lab has no links to play packets on")
    protocols = {PROTOCOL_NAMES[plan.key.proto] for plan in plans}
    route, node = found.route, nodes[found.server]
    with ExitStack() as undo:
        client = undo.enter_context(closing(RawEnd(nodes[ends[0]], route.target)))
        if ends[0] == "host":  # it has an address on every link
            route = replace(route, back=client.source)
        server = undo.enter_context(closing(RawEnd(node, route.back, node.address)))
        for end in (client, server):
            end.resolve()
            undo.enter_context(end.muted(protocols))
        result = Player(client, server, route, pace=pace).play(plans, progress)
        client.demand_all()
        server.demand_all()
        return result
