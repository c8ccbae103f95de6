"""The `kernel` backend: namespaces, a bridge, and the rules that Docker documents.

No engine: a difference from a golden here is due to the kernel, iptables or nft, one
that shows only with an engine to the engine. `documented` has the rules.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab import facts, firewall, preflight, sweep
from pytest_netlab.lab.backends import documented
from pytest_netlab.lab.backends.docker_lab import CONTAINER_LINK, Components, DockerLab
from pytest_netlab.lab.engine import image
from pytest_netlab.lab.lifetime import owner, scripts
from pytest_netlab.lab.lifetime.log import Log
from pytest_netlab.lab.lifetime.namespaces import Namespaces
from pytest_netlab.lab.net import sysctls
from pytest_netlab.lab.net.boot import boot
from pytest_netlab.lab.net.lan import PEERS, SWITCH, Lan
from pytest_netlab.lab.net.links import index_of, netlink, silence
from pytest_netlab.lab.net.node import environment
from pytest_netlab.spec import CONTAINERS, WEB_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.spec import LabOptions

UPLINK, BRIDGE = "ens160", "docker0"
NEEDED = {"unshare": "util-linux", "nsenter": "util-linux"}
# What an engine with iptables sets; bridge-nf exists only with br_netfilter loaded.
BRIDGED = ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables")
IDLE = "echo ready; exec sleep 2147483647"
WEB = """
mkdir -p /run/www
printf %s "$2" >/run/www/index.html
echo ready
exec "$1" httpd -f -vv -p "$3" -h /run/www
"""
SECONDS = 5.0
RULES_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A namespace with a process, in place of the docker SDK's container."""

    name: str
    address: str
    gateway: str
    pid: int
    log: Log

    @property
    def attrs(self) -> dict[str, Any]:
        """Return what an engine would report of it, as far as a lab reads that."""
        end = {"IPAddress": self.address, "Gateway": self.gateway}
        end |= {"GlobalIPv6Address": "", "IPv6Gateway": ""}
        networks = {"bridge": end}
        return {
            "NetworkSettings": {"Networks": networks},
            "State": {"Pid": self.pid},
        }

    def logs(self, **_: Any) -> bytes:
        """Return what its process has printed."""
        return self.log.text().encode()


def unavailable(options: LabOptions) -> str | None:
    """Return why this backend cannot run here and what to do; None if it can."""
    programs = NEEDED | firewall.needed(options.firewall)
    return preflight.lacking("a lab of namespaces", programs, options)


def start(options: LabOptions) -> DockerLab:
    """Start a lab without an engine.

    Raises:
        LabUnavailableError: this machine lacks something; the text says what.
        LabError: something failed; all that was made is undone.

    """
    if reason := unavailable(options):
        raise LabUnavailableError(reason)
    sweep.locally()
    with ExitStack() as undo:
        lab = DockerLab(_build(options, undo))
        lab.prepare()
        lab.adopt(undo.pop_all())
        return lab


def _build(options: LabOptions, undo: ExitStack) -> Components:
    topology = options.topology
    bridge = topology.bridge
    if bridge is None:
        raise LabError(f"{topology.uplink.network} leaves docker0 no network")
    token = owner.mint()
    namespaces = undo.enter_context(closing(Namespaces(token, scripts.KERNEL)))
    forwarded = _boot(namespaces.netns, options)
    lan = Lan(
        topology=topology,
        switch=namespaces.named(SWITCH),
        peers={name: namespaces.named(name) for name in PEERS},
        host=namespaces.netns,
        uplink=UPLINK,
    )
    lan.build(alias=owner.PREFIX + token, route=True)
    hosts = islice(bridge.network.hosts(), 1, None)  # the first is the bridge's
    machines = {
        name: _machine(namespaces, name, (str(address), str(bridge.ip)), undo)
        for name, address in zip(CONTAINERS, hosts, strict=False)
    }
    _plug(namespaces, machines, str(bridge))
    about = documented.Publication(
        subnet=bridge.network,
        containers=tuple(one.address for one in machines.values()),
        web=(machines["web"].address, WEB_PORT),
        host=(str(topology.uplink.ip), topology.published),
        transports=options.transports,
    )
    engine = _write_rules(namespaces, options.firewall, about, forwarded)
    tools = firewall.programs(options.firewall, shutil.which)
    return Components(
        client=None,
        namespaces=namespaces,
        lan=lan,
        containers=machines,
        bridge=BRIDGE,
        procfs="",
        shared=False,
        log=lambda: "there is no engine\n",
        own_tools=tools,
        own_path=namespaces.offer(tools) if tools else "",
        stands_in=engine,
        forwarded=forwarded,
    )


def _boot(netns: str, options: LabOptions) -> str:
    """Prepare the host; return whether it forwards before there are rules: 0 or 1.

    A new namespace starts with the machine's ip_forward. What has native rules written
    needs it on; an engine with iptables switches it on.
    """
    native = options.firewall == firewall.NATIVE
    boot(netns, {sysctls.IP_FORWARD: "1" if native else "0", **options.sysctls})
    return facts.settings(netns, [sysctls.IP_FORWARD])[sysctls.IP_FORWARD]


def _write_rules(
    namespaces: Namespaces, chosen: str, about: documented.Publication, forwarded: str
) -> dict[str, str]:
    """Do what an engine does to its host; return what facts say of that engine."""
    if chosen == firewall.NATIVE:
        _run(namespaces, ("nft", "-f", "-"), documented.native(about))
        return {"engine": documented.NATIVE_ENGINE, "firewall": "nftables"}
    restore = firewall.program("iptables-restore", chosen)
    rules = documented.iptables(about, forwarded=forwarded == "1")
    _run(namespaces, (restore,), rules)
    sysctls.write(namespaces.netns, sysctls.IP_FORWARD, "1")
    for key in facts.settings(namespaces.netns, [f"net.bridge.{k}" for k in BRIDGED]):
        sysctls.write(namespaces.netns, key, "1")
    return {"engine": documented.IPTABLES_ENGINE, "firewall": "iptables"}


def _machine(
    namespaces: Namespaces, name: str, ends: tuple[str, str], undo: ExitStack
) -> Machine:
    """Start a process in a network namespace of its own."""
    log = undo.enter_context(Log())
    script: tuple[str, ...] = (IDLE,)
    if name == "web":
        script = (WEB, "sh", str(image.busybox()), image.INDEX, str(WEB_PORT))
    argv = ("unshare", "--net", "sh", "-c", *script)
    process = namespaces.spawn(argv, log, environment())
    log.await_line("ready", SECONDS)
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    pid = int(Path(children).read_text(encoding="ascii").split()[0])
    return Machine(name=name, address=ends[0], gateway=ends[1], pid=pid, log=log)


def _plug(namespaces: Namespaces, machines: dict[str, Machine], bridge: str) -> None:
    """Make docker0, and a link from it into each machine's namespace."""
    with netlink(namespaces.netns) as ip:
        ip.link("add", ifname=BRIDGE, kind="bridge", br_forward_delay=0)
        master = index_of(ip, BRIDGE)
        _address(ip, master, bridge)
        for name, machine in machines.items():
            fd = os.open(f"/proc/{machine.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                peer = {"ifname": CONTAINER_LINK, "net_ns_fd": fd}
                ip.link("add", ifname=f"veth-{name}", kind="veth", peer=peer)
            finally:
                os.close(fd)
            port = index_of(ip, f"veth-{name}")
            ip.link("set", index=port, master=master, state="up")
    length = bridge.partition("/")[2]
    for machine in machines.values():
        netns = f"/proc/{machine.pid}/ns/net"
        silence(netns, CONTAINER_LINK)
        with netlink(netns) as ip:
            ip.link("set", index=index_of(ip, "lo"), state="up")
            own = f"{machine.address}/{length}"
            _address(ip, index_of(ip, CONTAINER_LINK), own)
            ip.route("add", dst="default", gateway=machine.gateway)


def _address(ip: Any, index: int, address: str) -> None:
    text, _, length = address.partition("/")
    ip.addr("add", index=index, address=text, prefixlen=int(length))
    ip.link("set", index=index, state="up")


def _run(namespaces: Namespaces, argv: Sequence[str], rules: str) -> None:
    """Have a program read rules."""
    try:
        done = subprocess.run(
            namespaces.command(argv, namespaces.netns),
            input=rules,
            text=True,
            capture_output=True,
            check=False,
            env=namespaces.marked(environment()),
            timeout=RULES_SECONDS,
        )
    except subprocess.TimeoutExpired:
        text = f"{argv[0]} took longer than {RULES_SECONDS:g} s"
        raise LabError(text) from None
    if done.returncode:
        raise LabError(f"{argv[0]} refused Docker's rules: {done.stderr}")
