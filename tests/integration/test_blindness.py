"""What acts where no capture point sees it, on a running lab: it is named and cited.

A golden of each traffic is recorded first; then the host is broken, the same traffic is
sent again, and judged.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.host import snapshot
from pytest_netlab.host.frame_counts import frame_counts
from pytest_netlab.host.obstacles import obstacles
from pytest_netlab.lab.backends import kernel
from pytest_netlab.mutate.live.inject import addresses
from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab

    Traffic = Callable[[Netlab], object]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What breaks a lab, and what the cause must be.

    Attributes:
        name: of the cause.
        words: each is in its text.
        broken: command lines of the host, which break it.
        mended: those that mend it again.
        node: whose commands they are.
        traffic: what is sent.

    """

    name: str
    words: tuple[str, ...]
    broken: tuple[str, ...]
    mended: tuple[str, ...]
    traffic: str = "ping"
    node: str = "host"


TRAFFIC = {
    "ping": lambda n: n.c1.run("ping", "-c1", "-W1", n.host01.address, check=False),
    "bridged": lambda n: n.c1.run("ping", "-c1", "-W1", n.c2.address, check=False),
    "web": lambda n: n.host01.run(
        *("curl", "-s", "-m1", f"http://{n.host.address}:81/"), check=False
    ),
}


def iptables(table: str, rule: str, **others: str) -> Fault:
    """Return a fault: a rule in iptables' PREROUTING that drops."""
    return Fault(
        name="unseen",
        words=(f"{table} -A PREROUTING {rule}", "(it counted 1 packet)"),
        broken=(f"iptables -t {table} -I PREROUTING {rule}",),
        mended=(f"iptables -t {table} -D PREROUTING {rule}",),
        **others,
    )


def nft(
    family: str,
    hook: str,
    rule: str,
    name: str = "unseen",
    before: str = "",
    traffic: str = "ping",
) -> Fault:
    """Return a fault: a rule in a chain of nft."""
    chain = f"type filter hook {hook} priority -310 ;"
    return Fault(
        name=name,
        words=(f"this rule is new: nft {family} site early {rule}", before),
        broken=(
            f"nft add table {family} site",
            f"nft add chain {family} site early '{{ {chain} }}'",
            f"nft add rule {family} site early {rule}",
        ),
        mended=(f"nft delete table {family} site",),
        traffic=traffic,
    )


def queue(kind: str, link: str, name: str, *words: str, traffic: str) -> Fault:
    """Return a fault: a queue that drops all that it is given."""
    return Fault(
        name=name,
        words=(f"qdisc {kind} of {link} has dropped ", *words),
        broken=(f"tc qdisc add dev {link} root {kind}",),
        mended=(f"tc qdisc del dev {link} root",),
        traffic=traffic,
    )


# Whom docker0 knows it need not ask for by ARP.
KNOWN = "ip neigh replace {web} lladdr {mac-web} dev docker0 nud permanent"
UNKNOWN = "ip neigh flush dev docker0"
CAME = "c1 sent one frame that came in on its link {veth-c1}"
ICMP = "ip protocol icmp counter drop"
FAULTS = {
    "raw": iptables("raw", "-i docker0 -p icmp -j DROP"),
    "mangle": iptables("mangle", "-s {c1} -j DROP"),
    "raw on a port": iptables(
        "raw", "-p icmp -m physdev --physdev-in {veth-c1} -j DROP"
    ),
    "bridge prerouting": nft("bridge", "prerouting", ICMP, before=CAME),
    "bridge input": nft("bridge", "input", ICMP, before=CAME),
    "no counter": nft("bridge", "prerouting", "ip protocol icmp drop", before=CAME),
    "netdev": nft("netdev", "ingress device {veth-c1}", ICMP, before=CAME),
    "inet": nft("inet", "prerouting", ICMP, before=CAME),
    "ebtables": Fault(
        name="unseen",
        words=("nft bridge filter INPUT", "drop (it counted 1 packet)"),
        broken=("ebtables -I INPUT -p IPv4 --ip-proto icmp -j DROP",),
        mended=("ebtables -D INPUT -p IPv4 --ip-proto icmp -j DROP",),
    ),
    "replies": iptables(
        "raw", "-i docker0 -p icmp -m icmp --icmp-type 0 -j DROP", traffic="bridged"
    ),
    "redirect": Fault(
        name="redirected",
        words=("goes to bridge instead", "nat -A PREROUTING -p icmp -j REDIRECT"),
        broken=("iptables -t nat -I PREROUTING -p icmp -j REDIRECT",),
        mended=("iptables -t nat -D PREROUTING -p icmp -j REDIRECT",),
    ),
    "dnat": Fault(
        name="redirected",
        words=("goes to c2 instead", "-j DNAT --to-destination c2"),
        broken=("iptables -t nat -I PREROUTING -p icmp -j DNAT --to {c2}",),
        mended=("iptables -t nat -D PREROUTING -p icmp -j DNAT --to {c2}",),
    ),
    "other destination": nft(
        *("bridge", "prerouting", "ip protocol icmp ip daddr set {c2}", "redirected"),
        before="goes to c2 instead",
    ),
    "bridge forward": nft(
        *("bridge", "forward", "icmp type echo-request counter drop", "not answered"),
        before="c2 never answered",
        traffic="bridged",
    ),
    "bridge output": nft(
        *("bridge", "output", "tcp dport 80 counter drop", "not answered"),
        before="for web that docker0 shows, its link {veth-web} carried ",
        traffic="web",
    ),
    "port": Fault(
        name="not answered",
        words=("its bridge passes nothing on to it: port {veth-web}",),
        broken=(KNOWN, "bridge link set dev {veth-web} state 0"),
        mended=("bridge link set dev {veth-web} state 3",),
        traffic="web",
    ),
    "link down": Fault(
        name="not answered",
        words=("its link is down: {veth-web}",),
        broken=(KNOWN, "ip link set {veth-web} down"),
        mended=("ip link set {veth-web} up",),
        traffic="web",
    ),
    "no port": Fault(
        name="not answered",
        words=("its link is no longer a port of the bridge: {veth-web}",),
        broken=("ip link set {veth-web} nomaster", KNOWN),
        mended=("ip link set {veth-web} master docker0",),
        traffic="web",
    ),
    "another port": Fault(
        name="not answered",
        words=("docker0 sends what is for {mac-web} to its port {veth-c2}",),
        broken=("bridge fdb replace {mac-web} dev {veth-c2} master static sticky",),
        mended=("bridge fdb del {mac-web} dev {veth-c2} master",),
        traffic="web",
    ),
    "queue of a node": queue(
        *("blackhole", "{veth-web}", "not answered", "its link {veth-web} carried 0"),
        traffic="web",
    ),
    "queue inside": queue("blackhole", "docker0", "not forwarded", traffic="web"),
    "queue outside": queue("blackhole", "{uplink}", "not forwarded", traffic="ping"),
    "queue of a node, before ARP": Fault(
        name="not forwarded",
        words=("nobody answers ARP for web", "qdisc blackhole of {veth-web} has drop"),
        broken=(UNKNOWN, "tc qdisc add dev {veth-web} root blackhole"),
        mended=("tc qdisc del dev {veth-web} root",),
        traffic="web",
    ),
    "ARP replies": Fault(
        name="not forwarded",
        words=(
            "nobody answers ARP for web",
            "web sent ",
            "nft bridge site early arp operation reply counter drop (it counted ",
        ),
        broken=(
            UNKNOWN,
            *nft("bridge", "prerouting", "arp operation reply counter drop").broken,
        ),
        mended=("nft delete table bridge site",),
        traffic="web",
    ),
    "no route": Fault(
        name="no traffic",
        words=("c1 sent nothing to host01; it has no route to it",),
        broken=("ip route del default",),
        mended=("ip route add default via {bridge}",),
        node="c1",
    ),
    "own rules": Fault(
        name="no traffic",
        words=("c1 sent nothing to host01; all that it sent was captured",),
        broken=("iptables -I OUTPUT -p icmp -j DROP",),
        mended=("iptables -D OUTPUT -p icmp -j DROP",),
        node="c1",
    ),
    "no ARP": Fault(
        name="no traffic",
        words=("c1 sent nothing to host01; nobody answers its ARP for bridge",),
        broken=(
            "sysctl -w net.ipv4.conf.docker0.arp_ignore=8",
            "nsenter --net={ns-c1} ip neigh flush all",
        ),
        mended=("sysctl -w net.ipv4.conf.docker0.arp_ignore=0",),
    ),
}


@pytest.fixture(scope="module")
def lab() -> Iterator[DockerLab]:
    """Return a lab of namespaces, with Docker's rules."""
    if reason := kernel.unavailable(LabOptions()):
        pytest.skip(reason)
    with closing(kernel.start(LabOptions())) as started:
        yield started


@pytest.fixture(scope="module")
def store(lab: DockerLab, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return the goldens of all traffic, of a lab that nobody has broken."""
    store = Store(tmp_path_factory.mktemp("goldens"))
    for name, traffic in TRAFFIC.items():
        sent(lab, store, name, traffic, record=True)
    return store


def sent(
    lab: DockerLab, store: Store, name: str, traffic: Traffic, *, record: bool = False
) -> ScenarioRun:
    """Return the run of a traffic, judged or recorded."""
    scenario = Scenario(id=name)
    run = ScenarioRun(lab, scenario, store, update="all" if record else "none")
    with run.capture() as trace:
        traffic(Netlab(run))
    if record:
        run.check(trace)
    else:
        run.verdict = run.judge(trace)
    return run


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault(lab: DockerLab, store: Store, fault: Fault) -> None:
    """A fault has its cause, and what it cites is what was broken."""
    names = addresses(lab) | {"ns-c1": lab.nodes["c1"].netns}

    def said(line: str, symbols: Iterable[str] = ()) -> str:
        """Fill in addresses, or names in place of the nodes' own."""
        for name, text in (*zip(symbols, symbols, strict=True), *names.items()):
            line = line.replace(f"{{{name}}}", text)
        return line

    if not shutil.which(fault.broken[0].split()[0]):
        pytest.skip(f"no program {fault.broken[0].split()[0]}")
    node = lab.nodes[fault.node]
    with ExitStack() as undo:
        known = ("ip", "neigh", "flush", "dev", "docker0", "nud", "permanent")
        undo.callback(lab.nodes["host"].run, *known)
        undo.callback(lab.nodes["c1"].run, "ip", "neigh", "flush", "all")
        for line in fault.mended:
            undo.callback(node.run, "sh", "-c", said(line))
        for line in fault.broken:
            node.run("sh", "-c", said(line))
        run = sent(lab, store, fault.traffic, TRAFFIC[fault.traffic])

    verdict = run.verdict
    assert verdict is not None
    causes = [one.cause for one in verdict.differences if one.cause is not None]
    assert verdict.cause == fault.name, causes
    for word in fault.words:
        assert said(word, lab.nodes) in causes[0].text


def test_stored(lab: DockerLab, store: Store) -> None:
    """Evidence has what the live run was judged by."""
    run = sent(lab, store, "ping", lambda _: None)

    seen = lab.snapshot()
    read = snapshot.read(run.state())

    assert run.packets is not None
    assert read.meters == seen.meters
    assert frame_counts(run.packets, read.meters)["c1"].unseen == 0
    assert obstacles(read.files, read.meters.ports) == ()
