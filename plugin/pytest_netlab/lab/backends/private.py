"""The `private` backend: a dockerd of the lab's own, in namespaces of its own.

It never touches the machine's Docker, links, rules or sysctls. All but the cgroups ends
with its namespaces, and they end with this process; the supervisor removes the cgroups.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab import preflight, sweep
from pytest_netlab.lab.backends.docker_lab import Components, DockerLab
from pytest_netlab.lab.engine import containers, host_engine, image, overheard
from pytest_netlab.lab.engine.daemon import Daemon
from pytest_netlab.lab.lifetime import owner, scripts
from pytest_netlab.lab.lifetime.log import Log
from pytest_netlab.lab.lifetime.namespaces import Namespaces
from pytest_netlab.lab.net.lan import PEERS, SWITCH, Lan
from pytest_netlab.lab.rootfs.roots import userland

if TYPE_CHECKING:
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
    roots = (str(land.lower), *(() if land.own_tools else _program_mounts(land.path)))
    namespaces = undo.enter_context(closing(Namespaces(token, scripts.PRIVATE, *roots)))
    # dockerd takes the first of its pools that overlaps no route when it starts. Naming
    # that network lets the uplink be made meanwhile.
    bip = f"--bip={_bridge_address(options.topology)}"
    flags = (bip, *options.daemon)
    daemon = Daemon(namespaces, log, cgroup=cgroup, flags=flags, path=land.path)
    lan = Lan(
        topology=options.topology,
        switch=namespaces.named(SWITCH),
        peers={name: namespaces.named(name) for name in PEERS},
        host=namespaces.netns,
        uplink=UPLINK,
    )
    lan.build(alias=cgroup, route=True)
    client = undo.enter_context(closing(daemon.connect()))
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
        own_tools=land.own_tools,
        own_path=namespaces.offer(land.own_tools) if land.own_tools else "",
        liveness=daemon.liveness(client),
    )


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
