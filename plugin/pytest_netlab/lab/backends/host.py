"""The `host` backend: the running engine, and the namespace this process is in.

What it makes carries a token and is removed at close: containers, an image, and an
uplink whose other end is in namespaces of its own. It changes nothing else.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, closing
from dataclasses import replace
from ipaddress import IPv4Interface, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pytest_netlab.errors import LabError, LabUnavailableError, Remedy
from pytest_netlab.host.routing.routes import DEFAULT
from pytest_netlab.lab import preflight, sweep
from pytest_netlab.lab.backends.docker_lab import Components, DockerLab
from pytest_netlab.lab.engine import containers, host_engine, image, listener, overheard
from pytest_netlab.lab.engine.liveness import Liveness, Process
from pytest_netlab.lab.lifetime import owner, scripts
from pytest_netlab.lab.lifetime.namespaces import Namespaces
from pytest_netlab.lab.net import routes
from pytest_netlab.lab.net.addresses import addresses
from pytest_netlab.lab.net.lan import PEERS, SWITCH, Lan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.spec import LabOptions, Topology

NEEDED = {"unshare": "util-linux", "nsenter": "util-linux"}
NEIGHBOURING_PLANS = 32


def unavailable(options: LabOptions) -> str | None:
    """Return why this backend cannot run here and what to do; None if it can."""
    return preflight.lacking("a lab on this host", NEEDED, options)


def start(options: LabOptions) -> DockerLab:
    """Start a lab on this host.

    Raises:
        LabUnavailableError: there is no engine here, or this machine lacks something.
        LabError: something failed; all that was made is undone.

    """
    if reason := unavailable(options):
        raise LabUnavailableError(reason)
    with ExitStack() as undo:
        client = undo.enter_context(closing(_engine()))
        overheard.listen(client, options.mask)
        bridge = _bridge(client)
        sweep.locally()
        with host_engine.refusals("looking for what dead runs left"):
            sweep.containers(client)
        sweep.links()
        lab = DockerLab(_build(client, bridge, options, undo))
        lab.prepare()
        lab.adopt(undo.pop_all())
        return lab


def _build(
    client: Any, bridge: str, options: LabOptions, undo: ExitStack
) -> Components:
    token = owner.mint()
    topology = undo.enter_context(_Claim(options)).topology
    _demand_free(topology)
    namespaces = undo.enter_context(closing(Namespaces(token, scripts.HOST)))
    lan = Lan(
        topology=topology,
        switch=namespaces.named(SWITCH),
        peers={name: namespaces.named(name) for name in PEERS},
        host=_own_namespace(undo),
        uplink=_uplink_name(token),
    )
    undo.callback(lan.unplug)
    lan.build(alias=owner.PREFIX + token, route=False)
    return Components(
        client=client,
        namespaces=namespaces,
        lan=lan,
        containers=_run_containers(client, options, topology, token, undo),
        bridge=bridge,
        procfs="",
        shared=True,
        log=lambda: "the engine is not the lab's: see the log of its service\n",
        liveness=_liveness(client),
    )


def _run_containers(
    client: Any, options: LabOptions, topology: Topology, token: str, undo: ExitStack
) -> dict[str, Any]:
    loaded: list[str] = []
    undo.callback(_clear, client, token, loaded)
    with host_engine.refusals("taking the lab's image"):
        supply = image.supply(client, options.image, token, elsewhere=None)
    if supply.ours:
        loaded.append(supply.name)
    plan = containers.Plan(
        image=supply.name,
        owner=token,
        prefix=f"{owner.PREFIX}{token}-",
        published=(str(topology.uplink.ip), topology.published),
        transports=options.transports,
    )
    with host_engine.refusals("starting the lab's containers"):
        made = containers.create(client, plan)
        containers.start(client, made)
    for container in made.values():
        _demand_visible(container)
    return made


def _own_namespace(undo: ExitStack) -> str:
    """Return a path of this namespace that stays valid whatever a thread does.

    /proc/PID/ns/net is the present namespace of the first thread, which may be inside
    another one.
    """
    fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    undo.callback(os.close, fd)
    return f"/proc/{os.getpid()}/fd/{fd}"


def _clear(client: Any, token: str, loaded: list[str]) -> None:
    with host_engine.refusals(f"removing the containers of {token}"):
        sweep.remove_owned(client, token)
    for name in loaded:  # only now: an image in use cannot be removed
        sweep.remove_image(client, name)


def _engine() -> Any:
    try:
        return host_engine.connect()
    except LabUnavailableError as error:
        text = f"{error}: start it, name it with DOCKER_HOST"
        raise LabUnavailableError(text, remedy=Remedy.OWN_ENGINE) from error


def _liveness(client: Any) -> Liveness:
    """Return the engine's liveness check; an engine that was restarted fails it."""
    pid = listener.pid_of(host_engine.address())
    process = Process.read(pid) if pid is not None else None
    found = (process,) if process is not None else ()
    return Liveness(client, found, lambda: "Its service's log says why.")


def _bridge(client: Any) -> str:
    """Return the name of docker0, which must be a link of this namespace."""
    from docker.errors import NotFound  # noqa: PLC0415 - 0.4 s that a run may save

    try:
        with host_engine.refusals("asking for its bridge"):
            network = client.networks.get("bridge").attrs
    except NotFound:
        raise LabUnavailableError(
            "the engine has no default bridge (it runs with --bridge=none): remove "
            "that setting",
            remedy=Remedy.OWN_ENGINE,
        ) from None
    name: str = network["Options"].get("com.docker.network.bridge.name", "docker0")
    gateways = [item.get("Gateway") for item in network["IPAM"]["Config"] or ()]
    gateway = next((text for text in gateways if text and ":" not in text), None)
    found = addresses(None, name)
    own = [address.partition("/")[0] for address in found]
    if not own or (gateway and gateway not in own):
        raise LabUnavailableError(
            f"the engine's bridge {name} ({gateway}) is not in this network namespace: "
            "the engine runs on another machine or in another namespace. Run pytest "
            "where the engine runs",
            remedy=Remedy.OWN_ENGINE,
        )
    return name


def _demand_visible(container: Any) -> None:
    """Check that the engine's pids are those of this process's /proc."""
    if not Path(f"/proc/{containers.pid(container)}/ns/net").exists():
        raise LabUnavailableError(
            "the engine's processes cannot be seen from here, so neither can its "
            "containers' namespaces: run pytest in the engine's pid namespace (for a "
            "container: --pid=host)",
            remedy=Remedy.OWN_ENGINE,
        )


def _uplink_name(token: str) -> str:
    """Return a link name that no other lab has; the kernel allows 15 characters."""
    pid, _, _, serial = token.split("-")
    return f"nl{pid}-{serial}"[:15]


class _Claim:
    """An address plan that no other lab of this namespace uses.

    The claim is an abstract socket: its name belongs to the network namespace, only one
    process can have it, and the kernel releases it however that process ends.
    """

    def __init__(self, options: LabOptions) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self.topology = next(filter(self._take, _plans(options)))
        except StopIteration:
            self._socket.close()
            raise LabError(
                f"{NEIGHBOURING_PLANS} labs use {options.topology.uplink.network} and "
                "the networks above it: wait for one to end"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _take(self, topology: Topology) -> bool:
        try:
            self._socket.bind(f"\0{owner.PREFIX}{topology.uplink.network}")
        except OSError:
            return False
        return True


def _plans(options: LabOptions) -> Iterator[Topology]:
    """Yield the plan that was asked for, then the same one network higher, ...

    Worker N of pytest-xdist begins N networks higher, so that its addresses do not
    depend on which worker was faster.
    """
    uplink = options.topology.uplink
    for step in range(options.worker, options.worker + NEIGHBOURING_PLANS):
        address = uplink.ip + step * uplink.network.num_addresses
        shifted = IPv4Interface(f"{address}/{uplink.network.prefixlen}")
        yield replace(options.topology, uplink=shifted)


def _demand_free(topology: Topology) -> None:
    """Refuse an address plan that would take traffic from a route of this host."""
    wanted = topology.uplink.network
    for route in routes.listed(None):
        if route.destination == DEFAULT:
            continue
        network = ip_network(route.destination)
        if network.overlaps(wanted):
            raise LabError(
                f"the lab's network {wanted} overlaps the route {network} (link "
                f"{route.device or '-'}) of this host, whose traffic it would take",
                remedy=Remedy.UPLINK_ADDRESS,
            )
