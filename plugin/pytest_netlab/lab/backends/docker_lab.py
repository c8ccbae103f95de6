"""A `Lab` made of existing parts: a host, its engine, containers, the LAN beyond it.

Knows no backend: a backend makes the parts, and the stack that undoes them.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError, LabUnavailableError, Remedy
from pytest_netlab.lab import facts, named, state
from pytest_netlab.lab.engine import containers, host_engine
from pytest_netlab.lab.net import caches, conntrack
from pytest_netlab.lab.net.addresses import addresses
from pytest_netlab.lab.net.conntrack_events import Events
from pytest_netlab.lab.net.counters import Counters
from pytest_netlab.lab.net.lan import PEER_LINK, SWITCH
from pytest_netlab.lab.net.links import mac, stop_offloads, veth_peer
from pytest_netlab.lab.net.node import NamespaceNode
from pytest_netlab.spec import DOCKER0, UPLINK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_netlab.host.snapshot import Snapshot
    from pytest_netlab.host.tracking.conntrack import Event
    from pytest_netlab.lab.engine.liveness import Liveness
    from pytest_netlab.lab.lifetime.namespaces import Namespaces
    from pytest_netlab.lab.net.lan import Lan
    from pytest_netlab.lab.protocol import Tap
    from pytest_netlab.spec import Point

CONTAINER_LINK = "eth0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """What a lab is made of.

    Attributes:
        client: the docker SDK's; None where there is no engine.
        namespaces: those of the lab.
        lan: the network beyond the host, with the host's uplink.
        containers: name -> the docker SDK's container, or what stands in for it.
        bridge: name of docker0.
        procfs: path of the root whose /proc knows the engine's pids.
        shared: others use the engine and its host too.
        log: returns the engine's log.
        own_tools: programs that the host has in the lab's root: name -> path there.
        own_path: folder in which they are found, for PATH.
        liveness: of the engine; None where there is no engine.
        stands_in: where there is no engine, what facts say of one.
        forwarded: net.ipv4.ip_forward when the engine started; "" if nobody knows.

    """

    client: Any
    namespaces: Namespaces
    lan: Lan
    containers: Mapping[str, Any]
    bridge: str
    procfs: str
    shared: bool
    log: Callable[[], str]
    own_tools: Mapping[str, str] = field(default_factory=dict)
    own_path: str = ""
    liveness: Liveness | None = None
    stands_in: Mapping[str, str] = field(default_factory=dict)
    forwarded: str = ""


class DockerLab:
    """A host with docker0, four containers, an uplink and two neighbours."""

    def __init__(self, components: Components) -> None:
        """Make the nodes; nothing is changed yet."""
        self._components = components
        self._undo = ExitStack()
        self._events: Events | None = None
        self._found: dict[str, str] = {}
        self._start: Snapshot | None = None
        self._before: Mapping[str, str] = {}
        self.nodes: Mapping[str, NamespaceNode] = {
            node.name: node for node in self._all_nodes()
        }

    def prepare(self) -> None:
        """Switch offloads off, and look at the host; return when web listens.

        Raises:
            LabError: a container has ended, or its link is not on this host.

        """
        try:
            self._quieten()
        except LabError:  # a container may end while its links are looked at
            if self._components.client is not None:
                containers.demand_running(self._components.containers)
            raise
        containers.await_web(self._web_sockets(), self._components.containers["web"])
        _ = self.stations, self._counters  # as they are before anybody changes them
        self._start = state.at_start(self.nodes["host"])

    def adopt(self, undo: ExitStack) -> None:
        """Take over the stack that `close` unwinds."""
        self._undo = undo

    @property
    def docker(self) -> Any:
        """Return the docker SDK client.

        Raises:
            LabUnavailableError: the lab has no engine.

        """
        if self._components.client is None:
            raise LabUnavailableError("this lab has no engine", remedy=Remedy.ENGINE)
        return self._components.client

    @property
    def symbols(self) -> Mapping[str, str]:
        """Return address text -> symbol: the nodes, docker0 (`bridge`), the gateway.

        Also addresses that they had when the last capture ended, and those of
        containers that are none of the lab's, unless others use the engine too.
        """
        return {**self._found, **self._given}

    def _named(self) -> Mapping[str, str]:
        """Look for addresses that nodes and other containers have got; return all."""
        components = self._components
        lives = components.liveness is not None and components.liveness.runs
        if lives and not components.shared:
            own = {one.id for one in components.containers.values()}
            with suppress(LabError):  # an engine that died is reported elsewhere
                self._found |= containers.others(components.client, own)
        for name, netns, interface in self._ends():
            with suppress(LabError, OSError):  # a container that ended has none
                here = addresses(netns, interface)
                self._found |= named.later(name, here, self.symbols)
        return self.symbols

    def _ends(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, namespace and link of each node, and of the bridge."""
        components = self._components
        host = components.lan.host
        yield "host", host, components.lan.uplink
        yield "bridge", host, components.bridge
        for name, netns in components.lan.peers.items():
            yield name, netns, PEER_LINK
        for name in components.containers:
            yield name, self.nodes[name].netns, CONTAINER_LINK

    @cached_property
    def _given(self) -> dict[str, str]:
        """Return the names of addresses that the engine and the address plan gave."""
        plan = self._components.lan.topology.peers
        found = {node.address: name for name, node in self.nodes.items()}
        found[str(plan["gateway"].ip)] = "gateway"
        ends = {
            n: containers.endpoint(c) for n, c in self._components.containers.items()
        }
        found |= {end["GlobalIPv6Address"]: name for name, end in ends.items()}
        for key in ("Gateway", "IPv6Gateway"):
            found[ends["web"][key]] = "bridge"
        found.pop("", None)  # the engine's notation for no address
        return found

    @cached_property
    def stations(self) -> Mapping[str, str]:
        """Return Ethernet address -> name of every node but the host."""
        ends = dict.fromkeys(self._components.containers, CONTAINER_LINK)
        ends |= dict.fromkeys(self._components.lan.peers, PEER_LINK)
        return {mac(self.nodes[n].netns, link): n for n, link in ends.items()}

    def _names(self) -> dict[str, str]:
        """Return who has which address, when a capture ends."""
        self._counters.end()
        components, lan = self._components, self._components.lan
        links = {
            "bridge": (lan.host, components.bridge),
            "host": (lan.host, lan.uplink),
            "gateway": (lan.switch, SWITCH),
        }
        found = {mac(*link): name for name, link in links.items()}
        found = {**self._named(), **self.stations, **found}
        found.pop("", None)  # a link that is gone
        return found

    @property
    def facts(self) -> Mapping[str, str]:
        """Return versions and settings as they are now; a fault may change them."""
        components = self._components
        host = self.nodes["host"]
        found = self._engine_facts | facts.host_facts(host, components.lan.uplink)
        links = {components.bridge: "docker0", components.lan.uplink: "uplink"}
        ends = {n: node.address for n, node in self.nodes.items() if n != "host"}
        if components.forwarded:
            found["forwarded_before"] = components.forwarded
        return found | {
            "docker_proxy": facts.docker_proxy(components.procfs, host.address),
            "routes": facts.reached(host.netns, links, ends),
            "links": facts.link_states(components.lan.host, links),
        }

    @property
    def _own_addresses(self) -> dict[str, tuple[str, ...]]:
        lan = self._components.lan
        places = {DOCKER0.name: self._components.bridge, UPLINK.name: lan.uplink}
        return {
            point: tuple(addresses(lan.host, interface))
            for point, interface in places.items()
        }

    @cached_property
    def _engine_facts(self) -> dict[str, str]:
        if self._components.client is None:
            return {**self._components.stands_in, "kernel": os.uname().release}
        if self._trouble:
            raise LabError(self._trouble)  # asking again would wait again
        with host_engine.refusals("asking for its version"):
            return facts.engine_facts(self._components.client)

    @property
    def _trouble(self) -> str:
        """Return why the engine failed; "" if it is not known to have failed."""
        return self._components.liveness.trouble if self._components.liveness else ""

    @property
    def switch(self) -> str:
        """Return the path of the namespace that the uplink leads to."""
        return self._components.lan.switch

    @property
    def uplink(self) -> str:
        """Return the name of the host's interface outside the NAT."""
        return self._components.lan.uplink

    def veth(self, name: str) -> str:
        """Return the host's end of a container's link: vethXXXX on docker0.

        Raises:
            LabError: the host has no such link.

        """
        node = self.nodes[name]
        found = veth_peer(node.netns, self._components.lan.host, CONTAINER_LINK)
        if found is None:
            raise LabError(
                f"the link of container {name} does not end in this namespace: the "
                "engine is not on this host"
            )
        return found

    @cached_property
    def _counters(self) -> Counters:
        """Return the counters of the lab's kernels; its links are as they began."""
        lan = self._components.lan
        links = {self._components.bridge: DOCKER0.name, lan.uplink: UPLINK.name}
        for name in self._components.containers:
            with suppress(LabError):  # its link is on another host
                links[self.veth(name)] = name
        others = {n: one.netns for n, one in self.nodes.items() if n != "host"}
        return Counters(lan.host, links, others)

    def demand_engine(self) -> None:
        """Check that the engine is the one that the lab started with, and answers.

        Raises:
            LabError: it is not; the text says what happened to it.

        """
        if self._components.liveness is not None:
            self._components.liveness.demand()

    def reset(self) -> None:
        """End all connections and delete their state, which would affect the next test.

        A conntrack entry lives for 30 s; entries are deleted last, since ending a
        connection may send a RST.
        """
        host = self._components.lan.host
        spaces = {node.netns for node in self.nodes.values()}
        if self._components.shared:
            spaces.remove(host)
            own = ("host", "bridge", "gateway")
            caches.end(host, [a for a, n in self.symbols.items() if n not in own])
        caches.forget(spaces)
        if self._components.shared:
            conntrack.forget(host, self.symbols)
        else:
            conntrack.flush(host)

    def tap(self, points: Sequence[Point]) -> Tap:
        """Start a capture; return when the opening canary was seen on every point."""
        from pytest_netlab.lab.tap.live import LiveCapture, TapPoint  # noqa: PLC0415 - numpy

        self._listen()
        lan = self._components.lan
        beyond = {
            DOCKER0.name: (
                self._components.bridge,
                self.nodes["c1"].netns,
                CONTAINER_LINK,
            ),
            UPLINK.name: (lan.uplink, lan.peers["host01"], PEER_LINK),
        }
        own = self._own_addresses
        places = [
            TapPoint(
                name=point.name,
                interface=beyond[point.name][0],
                netns=lan.host,
                canary_netns=beyond[point.name][1],
                canary_interface=beyond[point.name][2],
                promiscuous=point.promiscuous,
                addresses=own[point.name],
            )
            for point in points
        ]
        self._found = {}
        with ThreadPoolExecutor(1) as pool:
            counters = pool.submit(state.counters, self.nodes["host"])
            tap = LiveCapture(
                places, names=self._names, closing=self._counters.close
            ).start()
        self._before = counters.result()
        self._counters.begin()
        return tap

    def snapshot(self) -> Snapshot:
        """Return the state of the host now, its rules and routes included."""
        components = self._components
        interfaces = (components.bridge, components.lan.uplink)
        jobs = state.host_jobs(self.nodes["host"], interfaces)
        jobs |= state.node_jobs(self.nodes.values())
        if not self._trouble:
            jobs |= state.engine_jobs(
                components.client, components.containers, shared=components.shared
            )
        jobs["dockerd.log"] = components.log
        now = state.collect(
            components.lan.host,
            self.nodes.values(),
            jobs,
            {"events": self._heard, "meters": self._counters.counted},
        )
        return state.with_earlier(now, self._start, self._before)

    def close(self) -> None:
        """Undo everything the lab made; may be called twice."""
        self._deafen()
        self._undo.close()

    def _listen(self) -> None:
        """Record conntrack events from now on, and drop earlier ones."""
        self._deafen()
        with suppress(OSError):  # the kernel has no such events; `_heard` says so
            self._events = Events(self._components.lan.host)

    def _deafen(self) -> None:
        if self._events is not None:
            self._events.close()
            self._events = None

    def _heard(self) -> list[Event | None]:
        if self._events is None:
            raise LabError("nobody listened: no capture, or no nf_conntrack_netlink")
        return self._events.heard()

    def _all_nodes(self) -> Iterator[NamespaceNode]:
        components = self._components
        plan, namespaces = components.lan.topology, components.namespaces
        host = str(plan.uplink.ip)
        yield NamespaceNode(
            name="host",
            address=host,
            netns=components.lan.host,
            namespaces=namespaces,
            own_tools=components.own_tools,
            own_path=components.own_path,
        )
        for name, netns in components.lan.peers.items():
            address = str(plan.peers[name].ip)
            yield NamespaceNode(
                name=name, address=address, netns=netns, namespaces=namespaces
            )
        for name, container in components.containers.items():
            yield NamespaceNode(
                name=name,
                address=containers.endpoint(container)["IPAddress"],
                netns=f"{self._proc(container)}/ns/net",
                namespaces=namespaces,
                docker=container,
            )

    def _quieten(self) -> None:
        host = self._components.lan.host
        ends = [self.veth(name) for name in self._components.containers]
        stop_offloads(
            host,
            *ends,
            *(() if self._components.shared else (self._components.bridge,)),
        )
        for name in self._components.containers:
            stop_offloads(self.nodes[name].netns, CONTAINER_LINK)

    def _web_sockets(self) -> Iterator[str]:
        proc = Path(self._proc(self._components.containers["web"]))
        for _ in repeat(None):
            try:
                yield "".join((proc / "net" / n).read_text() for n in ("tcp", "tcp6"))
            except OSError:  # process 1 has ended; the caller's deadline ends this
                yield ""

    def _proc(self, container: Any) -> str:
        return f"{self._components.procfs}/proc/{containers.pid(container)}"
