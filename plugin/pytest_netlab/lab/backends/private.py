"""The `private` backend: a dockerd of the lab's own, in namespaces of its own.

It never touches the machine's Docker, links, rules or sysctls. All but the cgroups ends
with its namespaces, and they end with this process; the supervisor removes the cgroups.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, closing, suppress
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab import facts, firewall, preflight, sweep
from pytest_netlab.lab.backends.docker_lab import Components, DockerLab
from pytest_netlab.lab.engine import (
    config,
    containers,
    host_engine,
    image,
    overheard,
)
from pytest_netlab.lab.engine.daemon import Daemon
from pytest_netlab.lab.lifetime import owner, scripts
from pytest_netlab.lab.lifetime.log import Log
from pytest_netlab.lab.lifetime.namespaces import Namespaces
from pytest_netlab.lab.net import sysctls
from pytest_netlab.lab.net.boot import boot
from pytest_netlab.lab.net.lan import PEERS, SWITCH, Lan
from pytest_netlab.lab.rootfs.roots import userland

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.spec import LabOptions, Topology

UPLINK = "ens160"
BRIDGE = "docker0"
# program -> the Debian package that has it
NEEDED = {
    "dockerd": "docker.io",
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}
# With an engine from elsewhere the machine needs only what makes namespaces.
NEEDED_BESIDE_A_ROOT = ("unshare", "nsenter")


def unavailable(options: LabOptions) -> str | None:
    """Return why this backend cannot run here and what to do; None if it can."""
    names = NEEDED_BESIDE_A_ROOT if options.root else NEEDED
    programs = {name: NEEDED[name] for name in names}
    if not options.root:
        programs |= firewall.needed(options.firewall)
    return preflight.lacking("a private engine", programs, options)


def start(options: LabOptions) -> DockerLab:
    """Start a private lab.

    Raises:
        LabUnavailableError: this machine lacks something; the text says what.
        LabError: something failed; all that was made is undone.

    """
    if reason := unavailable(options):
        raise LabUnavailableError(reason)
    sweep.locally()
    with ExitStack() as undo:
        lab = DockerLab(_build(options, owner.mint(), undo))
        lab.prepare()
        lab.adopt(undo.pop_all())
        return lab


def _build(options: LabOptions, token: str, undo: ExitStack) -> Components:
    """Make the parts; the engine starts while the links are made."""
    cgroup = owner.PREFIX + token
    log = undo.enter_context(Log())
    land = userland(options.root)
    place = land.own_tools.get if land.own_tools else shutil.which
    tools = {**land.own_tools, **firewall.programs(options.firewall, place)}
    roots = (str(land.lower), *(() if land.own_tools else _program_mounts(land.path)))
    namespaces = undo.enter_context(closing(Namespaces(token, scripts.PRIVATE, *roots)))
    forwarded = _boot(namespaces, options)
    own = _links(namespaces, options.firewall, tools)
    daemon = Daemon(
        namespaces,
        log,
        cgroup=cgroup,
        config=_config(options),
        path=f"{own}:{land.path}" if own else land.path,
    )
    lan = Lan(
        topology=options.topology,
        switch=namespaces.named(SWITCH),
        peers={name: namespaces.named(name) for name in PEERS},
        host=namespaces.netns,
        uplink=UPLINK,
    )
    lan.build(alias=cgroup, route=True)
    client = undo.enter_context(closing(_connected(daemon, options)))
    overheard.listen(client, options.mask)
    return Components(
        client=client,
        namespaces=namespaces,
        lan=lan,
        containers=_run_containers(client, options, token),
        bridge=BRIDGE,
        procfs=namespaces.root,
        shared=False,
        log=log.text,
        own_tools=tools,
        own_path=namespaces.offer(tools) if tools else "",
        liveness=daemon.liveness(client),
        forwarded=forwarded,
    )


def _boot(namespaces: Namespaces, options: LabOptions) -> str:
    """Prepare the host for its engine; return whether it forwards by then: 0 or 1.

    A new namespace starts with the machine's ip_forward, which a lab must not depend
    on. An engine that finds it on leaves the policy of FORWARD alone, and one that
    writes nftables itself does not start without it.
    """
    forward = "1" if config.writes_nft(_chosen(options)) else "0"
    boot(namespaces.netns, {sysctls.IP_FORWARD: forward, **options.sysctls})
    return facts.settings(namespaces.netns, [sysctls.IP_FORWARD])[sysctls.IP_FORWARD]


def _chosen(options: LabOptions) -> dict[str, Any]:
    """Return what the user has chosen of daemon.json."""
    native = {config.BACKEND: config.NFTABLES}
    return {**(native if options.firewall == firewall.NATIVE else {}), **options.daemon}


def _config(options: LabOptions) -> str:
    """Return the engine's daemon.json.

    dockerd takes the first of its pools that overlaps no route when it starts. Naming
    that network lets the uplink be made meanwhile.

    Raises:
        LabError: docker0 and the uplink would have the same addresses.

    """
    chosen, uplink = _chosen(options), options.topology.uplink.network
    with suppress(ValueError):  # dockerd says what is wrong with what is no address
        own = IPv4Interface(chosen.get("bip", ""))
        if own.network.overlaps(uplink):
            raise LabError(
                f"docker0 cannot be {own}, which overlaps the uplink {uplink}"
            )
    return config.text(chosen, bip=_bridge_address(options.topology))


def _links(namespaces: Namespaces, chosen: str, tools: Mapping[str, str]) -> str:
    """Return a folder of the lab's root in which iptables is of the kind chosen."""
    names = firewall.programs(chosen, tools.get)
    if not names:
        return ""
    if not tools["iptables"]:
        text = f"the engine's root has no {firewall.program('iptables', chosen)}"
        raise LabUnavailableError(f"{text}: install iptables in it")
    folder = Path(namespaces.named("firewall"))
    folder.mkdir()
    for name in filter(tools.get, names):
        (folder / name).symlink_to(tools[name])
    return f"/run/netlab/{folder.name}"


def _connected(daemon: Daemon, options: LabOptions) -> Any:
    """Return a client; an engine that is too old for its configuration says so."""
    try:
        return daemon.connect()
    except LabError as error:
        if config.writes_nft(_chosen(options)) and config.BACKEND in str(error):
            text = "only engines from 29 on write rules of nftables themselves"
            raise LabError(f"{text}. {error}") from error
        raise


def _run_containers(client: Any, options: LabOptions, token: str) -> dict[str, Any]:
    with host_engine.refusals("taking the lab's image"):
        connect = host_engine.connect
        supply = image.supply(client, options.image, token, elsewhere=connect)
    plan = containers.Plan(
        image=supply.name,
        owner=token,
        prefix="",
        published=(str(options.topology.uplink.ip), options.topology.published),
        transports=options.transports,
    )
    with host_engine.refusals("starting the lab's containers"):
        made = containers.create(client, plan)
        containers.start(client, made)
    return made


def _bridge_address(topology: Topology) -> str:
    """Return the first of Docker's default networks that the uplink leaves free."""
    bridge, uplink = topology.bridge, topology.uplink.network
    if bridge is None:
        raise LabError(f"{uplink} leaves docker0 none of the networks 172.17-31.0.0/16")
    return str(bridge)


def _program_mounts(path: str) -> list[str]:
    """Return the file systems, other than the root's, that hold programs on PATH."""
    folders = {Path(name) for name in path.split(os.pathsep) if Path(name).is_dir()}
    mounts = {str(_mount_point(folder.resolve())) for folder in folders}
    return sorted(mounts - {"/"})


def _mount_point(path: Path) -> Path:
    while not path.is_mount():
        path = path.parent
    return path
