"""Stored conversations through a real engine, from both ends."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.traffic import Packet, capture

from pytest_netlab.capture import Capture, Frame, Interface, read, write
from pytest_netlab.errors import BlindCaptureError, CommandError, ReplayError
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.lab.backends import private
from pytest_netlab.replay import ends, plan_flows
from pytest_netlab.replay.mute import muted
from pytest_netlab.replay.rewrite import rewritten
from pytest_netlab.replay.tuple_codec import pack
from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.lab.backends.docker_lab import DockerLab

    Scenarios = Callable[..., pytest.RunResult]

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
WEB = GOLDEN / "published-web" / "capture.pcapng"
PING = GOLDEN / "ping-beyond" / "capture.pcapng"
PING_BEYOND = Scenario(id="ping-beyond")
PROGRAM = "from pytest_netlab.cli import main; main()"


@pytest.fixture
def netlab(lab: DockerLab, tmp_path: Path) -> Netlab:
    """Return the lab as a scenario of no golden sees it."""
    return Netlab(ScenarioRun(lab, Scenario(id="played"), Store(tmp_path)))


@pytest.mark.parametrize(
    ("client", "server", "sent"),
    [
        ("c1", "host01", ("172.16.211.128", "172.16.211.1")),
        ("host01", "web:80", ("172.16.211.1", "172.17.0.5")),
        ("c1", "host", ("172.17.0.2", "172.16.211.128")),
        ("c1", "c2", ("172.17.0.2", "172.17.0.3")),
        ("c1", "web:80", ("172.17.0.2", "172.17.0.5")),
    ],
    ids=["outbound", "inbound", "to the host", "same bridge", "container's port"],
)
def test_ways(netlab: Netlab, client: str, server: str, sent: tuple[str, str]) -> None:
    """The same connection outbound, inbound, to the host, and between containers."""
    played = netlab.replay(WEB, client=client, server=server)

    (run,) = played.flows
    assert run.translated_tuple is not None
    assert (run.translated_tuple.src, run.translated_tuple.dst) == sent
    assert played.delivered == played.packets == 12


def test_hairpin(tmp_path: Path) -> None:
    """Without docker-proxy a container reaches another by the published port."""
    options = LabOptions(daemon={"userland-proxy": False})
    if reason := private.unavailable(options):
        pytest.skip(reason)
    with closing(private.start(options)) as started:
        run = ScenarioRun(started, Scenario(id="played"), Store(tmp_path))

        played = run.replay(WEB, client="c1", server="host:81")

    assert played.delivered == 12
    assert played.flows[0].original_tuple.dst == "172.16.211.128"
    assert played.flows[0].translated_tuple == played.flows[0].original_tuple._replace(
        dst="172.17.0.5", dport=80
    )


def test_stacks_are_muted_and_hear_again(netlab: Netlab) -> None:
    """No stack resets what it does not know; afterwards it answers as before."""
    with netlab.capture() as trace:
        netlab.replay(WEB, client="c1", server="host01")
    netlab.c1.run("ping", "-c1", "-W1", netlab.host01.address)

    assert all(row[3] != "RST" for row in trace.table)
    for node in (netlab.c1, netlab.host01):
        assert "netlab" not in node.run("nft", "list", "ruleset").stdout


def test_interrupted(netlab: Netlab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends a replay, both nodes hear again."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_netlab.replay.ends.RawEnd.send", interrupted)
    with pytest.raises(KeyboardInterrupt):
        netlab.replay(WEB, client="c1", server="host01")

    for node in (netlab.c1, netlab.host01):
        assert "netlab" not in node.run("nft", "list", "ruleset").stdout


def test_killed(netlab: Netlab) -> None:
    """A process that is killed leaves no rule behind, and its stacks hear again."""
    node: Any = netlab.c1
    ready, tell = os.pipe()
    child = os.fork()
    if not child:
        with muted(node, "eth0", node.address, ["tcp"]):
            os.write(tell, b"!")
            signal.pause()
    try:
        assert select.select([ready], [], [], 10)[0]
        assert "netlab" in node.run("nft", "list", "ruleset").stdout
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(tell)

    end = time.monotonic() + 5
    while "netlab" in node.run("nft", "list", "ruleset").stdout:
        assert time.monotonic() < end


def test_not_muted(netlab: Netlab) -> None:
    """Where nft refuses, nothing is played, and its own words say why."""
    node: Any = netlab.c1
    with (
        pytest.raises(CommandError, match=r"(?s)^c1: nft does not mute .*nosuch"),
        muted(node, "eth0", node.address, ["nosuch"]),
    ):
        pytest.fail("it is muted")


@pytest.mark.parametrize(
    ("rule", "name", "cause"),
    [
        ("-I DOCKER-USER -p icmp -j DROP", "ping-beyond", "not forwarded"),
        ("-t nat -I POSTROUTING -j ACCEPT", "ping-beyond", "leaked"),
        ("-t nat -I PREROUTING -j ACCEPT", "published-web", "not forwarded"),
        ("-t mangle -I FORWARD -j TTL --ttl-set 9", "published-web", "header changed"),
    ],
)
def test_fault(lab: DockerLab, rule: str, name: str, cause: str) -> None:
    """What is wrong with the host is red by its cause, as with live traffic."""
    host = lab.nodes["host"]
    host.run("iptables", *rule.split())
    try:
        with pytest.raises(ScenarioFailedError) as caught:
            ScenarioRun(lab, Scenario(id=name), Store(GOLDEN)).replay_golden()
    finally:
        host.run("iptables", *rule.replace("-I", "-D").split())

    assert caught.value.verdict.cause == cause


def test_lost_packet_without_a_golden(netlab: Netlab, lab: DockerLab) -> None:
    """Outside a capture the packets that did not come out are told."""
    host = lab.nodes["host"]
    rule = ("DOCKER-USER", "-p", "icmp", "-j", "DROP")
    host.run("iptables", "-I", *rule)
    try:
        with pytest.raises(CommandError, match=r"0 of 2 packets came out; packet 5 of"):
            netlab.replay(PING, client="c1", server="host01")
    finally:
        host.run("iptables", "-D", *rule)


def test_two_hundred_flows(netlab: Netlab, tmp_path: Path) -> None:
    """Many clients on one source port: each has a tuple of its own at the NAT."""
    (plan,) = plan_flows(read(WEB))
    frames: list[Frame] = []
    for number in range(200):
        key = plan.key._replace(src=f"10.0.0.{number}", dst="10.0.1.1")
        for packet in plan.packets:
            data = rewritten(packet.datagram, pack(key.reply if packet.reply else key))
            frames.append(Frame(0, len(frames), data, len(data)))
    many = Capture.from_frames(frames, [Interface(name="tap", linktype=101)])
    write(tmp_path / "many.pcapng", many)

    played = netlab.replay(tmp_path / "many.pcapng", client="c1", server="host01")

    assert played.delivered == played.packets == 2400
    assert len({run.translated_tuple for run in played.flows}) == 200


@pytest.mark.parametrize("lost", [False, True])
def test_fragments(netlab: Netlab, tmp_path: Path, *, lost: bool) -> None:
    """A datagram in fragments crosses the NAT, which puts it together meanwhile."""
    key = Tuple5(UDP, "10.0.0.1", 5555, "10.0.1.1", 53)
    whole = Packet(key=key, data=bytes(range(200)) * 15, ip_id=7, df=False)
    body = whole.datagram[20:]
    segment = [
        replace(
            whole, body=body[at : at + 1480], frag_offset=at, mf=at + 1480 < len(body)
        )
        for at in range(0, len(body), 1480)
    ]
    answer = Packet(key=key.reply, data=b"me", ip_id=8)
    seen = segment[:-1] if lost else segment
    write(tmp_path / "cut.pcapng", capture([*seen, answer]))

    played = netlab.replay(
        tmp_path / "cut.pcapng", client="c1", server="host01", check=False
    )

    assert len(segment) == 3
    if lost:
        assert [one.what for one in played.findings] == ["lost", "not played"]
    else:
        assert (played.delivered, played.findings) == (2, [])


DATA = Path(__file__).resolve().parents[1] / "data" / "replay"


def test_stimulus(scenarios: Scenarios) -> None:
    """The bundled scenarios pass by their goldens' packets; what cannot is skipped."""
    result = scenarios("--netlab-stimulus=replay", "-rs")

    result.assert_outcomes(passed=3, skipped=7)
    result.stdout.fnmatch_lines(
        ["*host01 reaches web by a route that the test sets up*"]
    )


CUSTOMER = """
from pathlib import Path
import pytest

@pytest.mark.netlab
def test_customer(netlab):
    '''A customer's connection crosses the NAT.'''
    with netlab.capture() as trace:
        netlab.replay({path!r}, client="c1", server="host01")

    netlab.check(trace)
"""


@pytest.mark.usefixtures("engine")
def test_capture_as_stimulus(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scenario that plays a capture has a golden, and fails by it with a cause."""
    monkeypatch.delenv("CI", raising=False)  # it never writes
    path = str(DATA / "ftp-passive.pcapng")
    pytester.makepyfile(test_customer=CUSTOMER.format(path=path))
    pytester.makepyfile(
        fault="""
        def pytest_netlab_lab_started(lab):
            lab.nodes["host"].run("iptables", "-t", "nat", "-F", "POSTROUTING")
        """
    )
    pytester.syspathinsert()
    run = ("-m", "netlab", "--netlab-engine=kernel")

    recorded = pytester.runpytest_subprocess(*run, "--netlab-update")
    held = pytester.runpytest_subprocess(*run)
    replayed = pytester.runpytest_subprocess(*run, "--netlab-stimulus=replay")
    broken = pytester.runpytest_subprocess(*run, "-p", "fault")

    story = (pytester.path / "golden" / "customer" / "story.txt").read_text()
    assert "snat c1 -> host" in story
    assert [one.ret for one in (recorded, held, replayed, broken)] == [0, 0, 0, 1]
    replayed.assert_outcomes(passed=1)
    broken.stdout.fnmatch_lines(["*customer FAILED: leaked*"])


ENTRY = (
    "-A -t 60 -u SEEN_REPLY,ASSURED -p udp -s 10.9.0.1 -d 10.9.0.2 --sport {port} "
    "--dport {number} -r 10.9.0.2 -q 10.9.0.1 --reply-port-src {number} "
    "--reply-port-dst {port}\n"
)


def test_table_full(lab: DockerLab, tmp_path: Path) -> None:
    """Where connection tracking takes no more, the verdict says so, and none hangs.

    The limit is the machine's, so that the table is filled to it; with entries that
    were answered, since the kernel drops any other to make room.
    """
    host = lab.nodes["host"]
    most = int(host.run("sysctl", "-n", "net.netfilter.nf_conntrack_max").stdout)
    if most > 300_000:
        pytest.skip(f"this kernel tracks {most} connections: too many to fill")
    entries = tmp_path / "entries"
    with entries.open("w") as file:
        for number in range(1, most // 60_000 + 2):
            file.writelines(
                ENTRY.format(port=port, number=number) for port in range(1024, 61_024)
            )
    run = ScenarioRun(lab, PING_BEYOND, Store(GOLDEN))
    try:
        host.run("conntrack", "--load-file", str(entries), check=False, timeout=60)
        with pytest.raises(ScenarioFailedError) as caught:
            run.replay_golden()
    finally:
        lab.reset()

    assert caught.value.verdict.cause == "table full"


def test_node_without_a_route(lab: DockerLab) -> None:
    """A lab that is broken is no reason to skip: its packets are judged."""
    c1 = lab.nodes["c1"]
    gateway = c1.run("ip", "route", "show", "default").stdout.split()
    c1.run("ip", "route", "del", "default")
    try:
        with pytest.raises(ScenarioFailedError) as caught:
            ScenarioRun(lab, PING_BEYOND, Store(GOLDEN)).replay_golden()
    finally:
        c1.run("ip", "route", "add", *gateway)

    assert caught.value.verdict.cause == "no traffic"


def test_no_such_way(netlab: Netlab) -> None:
    """Wrong ends are refused before anything is sent."""
    for client, server, words in (
        ("c9", "host01", "no node 'c9': the lab has host, "),
        ("c1", "web:http", "'http' is no port"),
        ("web", "host:81", "web would talk to itself"),
    ):
        with pytest.raises(ReplayError, match=words):
            netlab.replay(WEB, client=client, server=server)


def test_a_crowded_end(
    netlab: Netlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packets that this process had no room for are its own fault, and it says so."""
    monkeypatch.setattr(ends, "BUFFER", 1)
    key = Tuple5(UDP, "10.0.0.1", 5555, "10.0.1.1", 53)
    many = [
        Packet(key=key._replace(sport=port), data=bytes(1000), ip_id=port, df=False)
        for port in range(5000, 5064)
    ]
    write(tmp_path / "many.pcapng", capture(many))

    with pytest.raises(BlindCaptureError, match="packets were dropped before they"):
        netlab.replay(tmp_path / "many.pcapng", client="c1", server="host01")
