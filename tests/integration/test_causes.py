"""Faults on a running lab, one after the other: each is named for what it is.

A golden is recorded of the traffic first, then the host is broken, the same traffic
sent again and judged.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_netlab.judge import Verdict
    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.recorder import Update

    Traffic = Callable[[Netlab], object]
    Judge = Callable[["Fault", "Traffic"], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Commands of the host that break it, and those that mend it."""

    broken: tuple[str, ...]
    mended: tuple[str, ...]


@pytest.fixture
def judged(lab: DockerLab, tmp_path: Path) -> Iterator[Judge]:
    """Return a function that judges traffic with a fault by a golden without it."""
    host = lab.nodes["host"]
    store = Store(tmp_path)
    scenario = Scenario(id="fault")

    with ExitStack() as undo:

        def judge(fault: Fault, traffic: Traffic) -> Verdict:
            updates: tuple[Update, ...] = ("all", "none")
            for update in updates:
                if update == "none":
                    for command in fault.broken:
                        host.run(*command.split())
                    for command in fault.mended:
                        undo.callback(host.run, *command.split())
                run = ScenarioRun(lab, scenario, store, update=update)
                with run.capture() as trace:
                    traffic(Netlab(run))
                if update == "all":
                    run.check(trace)
            return run.judge(trace)

        yield judge


def ping(netlab: Netlab) -> None:
    """Let c1 ping host01 once."""
    netlab.c1.run("ping", "-c1", "-W1", netlab.host01.address, check=False)


def ping_host(netlab: Netlab) -> None:
    """Let c1 ping the host once."""
    netlab.c1.run("ping", "-c1", "-W1", netlab.host.address, check=False)


def large_ping(netlab: Netlab) -> None:
    """Let c1 ping host01 with packets that may not be cut."""
    argv = ("-c1", "-W1", "-Mdo", "-s1400", netlab.host01.address)
    netlab.c1.run("ping", *argv, check=False)


def web(netlab: Netlab) -> None:
    """Let host01 fetch the published page."""
    url = f"http://{netlab.host.address}:81/"
    netlab.host01.run("curl", "-s", "-m2", url, check=False)


def rule(text: str) -> Fault:
    """Return a fault: this iptables rule, `-I CHAIN ...` or `-A CHAIN ...`."""
    table, _, rest = text.partition(" ")
    verb, _, match = rest.partition(" ")
    return Fault(
        broken=(f"iptables -t {table} {verb} {match}",),
        mended=(f"iptables -t {table} -D {match}",),
    )


def routed(what: str, words: str) -> Fault:
    """Return a fault: this policy rule or route; table 77 leads out of the uplink."""
    return Fault(
        broken=(
            "ip route add default via 172.16.211.2 dev ens160 table 77",
            f"ip {what} add {words}",
        ),
        mended=("ip route flush table 77", f"ip {what} del {words}"),
    )


def nft(statement: str, hook: str = "forward", priority: int = 10) -> Fault:
    """Return a fault: this nft statement, in a table of its own."""
    chain = f"{{ type filter hook {hook} priority {priority} ; }}"
    return Fault(
        broken=(
            "nft add table inet site",
            f"nft add chain inet site {hook} {chain}",
            f"nft add rule inet site {hook} {statement}",
        ),
        mended=("nft delete table inet site",),
    )


MASQUERADE = "POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"
FRAGMENT = "OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP"
SITE = "ip filter site"
FAULTS = {
    "masquerade gone": (
        "leaked",
        "this rule is gone: nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE",
        Fault(
            broken=(f"iptables -t nat -D {MASQUERADE}",),
            mended=(f"iptables -t nat -A {MASQUERADE}",),
        ),
        ping,
    ),
    "legacy policy": (
        "not forwarded",
        "this policy is new: legacy filter :FORWARD DROP",
        Fault(
            broken=("iptables-legacy -P FORWARD DROP",),
            mended=("iptables-legacy -P FORWARD ACCEPT",),
        ),
        ping,
    ),
    "replies untracked": (
        "reply not undone",
        "raw -A PREROUTING -i docker0 -p tcp -m tcp --sport 80 -j",
        rule("raw -I PREROUTING -i docker0 -p tcp --sport 80 -j CT --notrack"),
        web,
    ),
    "mtu": (
        "MTU black hole",
        "filter -A OUTPUT -p icmp -m icmp --icmp-type 3/4 -j DROP",
        Fault(
            broken=("ip link set ens160 mtu 1300", f"iptables -I {FRAGMENT}"),
            mended=("ip link set ens160 mtu 1500", f"iptables -D {FRAGMENT}"),
        ),
        large_ping,
    ),
    "checksum": (
        "corrupted checksum",
        "set",
        nft("meta l4proto icmp @th,32,16 set 0x1234", "postrouting", 300),
        ping,
    ),
    "ttl": (
        "header changed",
        "mangle -A FORWARD -j TTL --ttl-set 9",
        rule("mangle -A FORWARD -j TTL --ttl-set 9"),
        ping,
    ),
    "tos": (
        "header changed",
        "mangle -A FORWARD -j DSCP --set-dscp 0x12",
        rule("mangle -A FORWARD -j DSCP --set-dscp 18"),
        ping,
    ),
    "mss": (
        "header changed",
        "TCPMSS --set-mss 1000",
        rule(
            "mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1000"
        ),
        web,
    ),
    "window": (
        "header changed",
        "tcp window set 1000",
        nft("tcp window set 1000"),
        web,
    ),
    "ip id": ("header changed", "ip id set 7", nft("ip id set 7"), web),
    "twice": (
        "copied",
        "TEE --gateway host02",
        rule("mangle -A PREROUTING -i ens160 -p tcp -j TEE --gateway 172.16.211.3"),
        web,
    ),
    "remapped": (
        "remapped although free",
        "MASQUERADE --to-ports 50000-50100",
        rule(
            "nat -I POSTROUTING -o ens160 -p tcp -j MASQUERADE --to-ports 50000-50100"
        ),
        lambda netlab: netlab.c1.run(
            "curl",
            "-s",
            "-m1",
            "--local-port",
            "40000",
            f"http://{netlab.host01.address}:9/",
            check=False,
        ),
    ),
    "admin": (
        "rejected",
        "reject with icmpx",
        nft("reject with icmpx type admin-prohibited"),
        ping,
    ),
    "chain in a table of iptables": (
        "not forwarded",
        "this rule is new: nft ip filter site ct state new drop",
        Fault(
            broken=(
                f"nft add chain {SITE} {{ type filter hook forward priority 5 ; }}",
                f"nft add rule {SITE} ct state new drop",
            ),
            mended=(f"nft delete chain {SITE}", f"nft flush chain {SITE}"),
        ),
        ping,
    ),
    "dropped": (
        "not forwarded",
        "filter -A DOCKER-USER -p icmp -j DROP",
        rule("filter -I DOCKER-USER -p icmp -j DROP"),
        ping,
    ),
    "policy rule": (
        "misrouted",
        (
            "host's replies to c1 leave by ens160 (via 172.16.211.2), the uplink, "
            "instead of docker0; this policy rule is new: `100:\tfrom 172.16.211.0/24 "
            "lookup 77`"
        ),
        routed("rule", "priority 100 from 172.16.211.0/24 lookup 77"),
        ping_host,
    ),
    "policy rule prohibits": (
        "rejected",
        "this policy rule is new: `100:\tfrom all iif docker0 prohibit`",
        routed("rule", "priority 100 iif docker0 prohibit"),
        ping,
    ),
    "route": (
        "reply not forwarded",
        "this route is new: `blackhole 172.17.0.0/24`",
        routed("route", "blackhole 172.17.0.0/24"),
        ping,
    ),
    "reverse path": (
        "not forwarded",
        (
            "net.ipv4.conf.ens160.rp_filter is 1 here, 0 when the lab started, and a "
            "packet to 172.16.211.1 would go to docker0 (the kernel dropped"
        ),
        Fault(
            broken=(
                "ip rule add priority 100 iif docker0 to 172.16.211.1 lookup 78",
                "ip route add default dev docker0 table 78",
                "sysctl -qw net.ipv4.conf.ens160.rp_filter=1",
            ),
            mended=(
                "ip rule del priority 100",
                "ip route flush table 78",
                "sysctl -qw net.ipv4.conf.ens160.rp_filter=0",
            ),
        ),
        web,
    ),
    "forwarding of a link": (
        "not forwarded",
        "net.ipv4.conf.docker0.forwarding is 0 here, 1 when the lab started",
        Fault(
            broken=("sysctl -qw net.ipv4.conf.docker0.forwarding=0",),
            mended=("sysctl -qw net.ipv4.conf.docker0.forwarding=1",),
        ),
        ping,
    ),
    "echoes ignored": (
        "not answered",
        "net.ipv4.icmp_echo_ignore_all is 1 at host",
        Fault(
            broken=("sysctl -qw net.ipv4.icmp_echo_ignore_all=1",),
            mended=("sysctl -qw net.ipv4.icmp_echo_ignore_all=0",),
        ),
        ping_host,
    ),
    "ipsec": (
        "not forwarded",
        (
            "this xfrm policy blocks them: src 0.0.0.0/0 dst 172.16.211.1/32 dir out "
            "action block (XfrmOutPolBlock grew by 1)"
        ),
        Fault(
            broken=("ip xfrm policy add dst 172.16.211.1 dir out action block",),
            mended=("ip xfrm policy del dst 172.16.211.1 dir out",),
        ),
        ping,
    ),
    "address taken": (
        "address taken",
        "172.16.211.1 is an address of lo",
        Fault(
            broken=("ip address add 172.16.211.1/32 dev lo",),
            mended=("ip address del 172.16.211.1/32 dev lo",),
        ),
        ping,
    ),
}


@pytest.mark.parametrize(
    ("name", "words", "fault", "traffic"), FAULTS.values(), ids=FAULTS
)
def test_fault(
    judged: Judge, name: str, words: str, fault: Fault, traffic: Traffic
) -> None:
    """A fault is red, its cause is right, and what is cited is what was changed."""
    verdict = judged(fault, traffic)

    told = [one.cause for one in verdict.differences if one.cause is not None]
    assert verdict.cause == name, (
        f"{told}\n{verdict.host}\n{verdict.observed.text(name)}"
    )
    assert words in told[0].text


def test_stale_conntrack(lab: DockerLab, tmp_path: Path) -> None:
    """A connection older than the capture, which the rules do not explain, is named."""
    ends = "--src 172.16.211.1 --dst 172.16.211.128 --sport 40002 --dport 81"
    back = "--reply-src 172.17.0.3 --reply-dst 172.16.211.1"
    entry = f"{ends} {back} --reply-port-src 80 --reply-port-dst 40002 --state SYN_SENT"
    store, scenario = Store(tmp_path), Scenario(id="fault")

    def judged(port: int, update: Update, *before: str) -> Verdict:
        run = ScenarioRun(lab, scenario, store, update=update)
        if before:
            lab.nodes["host"].run(*before)
        with run.capture() as trace:
            url = f"http://{lab.nodes['host'].address}:81/"
            argv = ("curl", "-s", "-m1", "--local-port", f"{port}", url)
            lab.nodes["host01"].run(*argv, check=False)
        if update == "all":
            run.check(trace)
        return run.judge(trace)

    # Where curl closed first, its port is in TIME_WAIT and cannot be bound again.
    assert judged(40001, "all").outcome == "pass"
    insert = ("conntrack", "-I", "-p", "tcp", "-t", "60", *entry.split())
    verdict = judged(40002, "none", *insert)

    assert verdict.cause == "stale conntrack", verdict.differences
    cause = verdict.differences[0].cause
    assert cause is not None
    assert cause.remedy == "conntrack -D -p tcp -s 172.16.211.1 -d 172.16.211.128"
