"""The lab in memory: its commands show on the wire what a real host would show."""

from __future__ import annotations

from ipaddress import IPv4Interface
from itertools import pairwise

import pytest

from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    LabError,
    LabUnavailableError,
)
from pytest_netlab.flows import ICMP, TCP
from pytest_netlab.lab import backends
from pytest_netlab.lab.backends.fake import FakeLab
from pytest_netlab.lab.tap.tcp_close import Conversations
from pytest_netlab.nat import learn
from pytest_netlab.spec import DOCKER0, POINTS, UPLINK, LabOptions, Point, Topology
from pytest_netlab.trace import canonicalize, value_text, what_text
from pytest_netlab.wire.canary import parse
from pytest_netlab.wire.tcp import flag_text, raw_options

URL = "http://172.16.211.128:81/"
EVERY = tuple(POINTS.values())


@pytest.fixture
def lab() -> FakeLab:
    """Return a lab without a fault."""
    return FakeLab(LabOptions())


def played(lab: FakeLab, node: str, *argv: str) -> list[tuple[str, str, str, str]]:
    """Run a command, whatever comes of it, and return what the points saw."""
    tap = lab.tap(EVERY)
    lab.nodes[node].run(*argv, check=False)
    story = canonicalize(tap.stop())
    return [
        (x.point, value_text(x.src), value_text(x.dst), what_text(x.what))
        for told in story.flows
        for x in told.packets
    ]


def test_start() -> None:
    """The lab is what users name fake."""
    assert isinstance(backends.start("fake", LabOptions()), FakeLab)


def test_topology(lab: FakeLab) -> None:
    """Nodes have the article's addresses, and every address a symbol."""
    assert {node.name: node.address for node in lab.nodes.values()} == {
        "host": "172.16.211.128",
        "c1": "172.17.0.2",
        "c2": "172.17.0.3",
        "c3": "172.17.0.4",
        "web": "172.17.0.5",
        "host01": "172.16.211.1",
        "host02": "172.16.211.3",
    }
    assert {lab.symbols[node.address] for node in lab.nodes.values()} == set(lab.nodes)
    assert lab.symbols["172.17.0.1"] == "bridge"
    assert lab.symbols["172.16.211.2"] == "gateway"


def test_other_uplink() -> None:
    """The address plan of the uplink is the user's choice."""
    topology = Topology(uplink=IPv4Interface("198.51.100.7/24"), published=8080)
    lab = FakeLab(LabOptions(topology=topology))

    done = lab.nodes["host01"].run("curl", "http://198.51.100.7:8080/")

    assert lab.nodes["host01"].address == "198.51.100.1"
    assert done.stdout == "listing\n"


def test_ping_beyond(lab: FakeLab) -> None:
    """A container's ping is masqueraded and undone."""
    assert played(lab, "c1", "ping", "-c", "1", "172.16.211.1") == [
        ("docker0", "c1", "host01", "echo request"),
        ("uplink", "host", "host01", "echo request"),
        ("uplink", "host01", "host", "echo reply"),
        ("docker0", "host01", "c1", "echo reply"),
    ]


@pytest.mark.parametrize("target", ["172.16.211.128", "172.17.0.1"])
def test_ping_host(lab: FakeLab, target: str) -> None:
    """The host answers a container on docker0, as whoever was asked."""
    name = lab.symbols[target]

    assert played(lab, "c1", "ping", target) == [
        ("docker0", "c1", name, "echo request"),
        ("docker0", name, "c1", "echo reply"),
    ]


def test_ping_neighbour_of_a_container(lab: FakeLab) -> None:
    """Containers of one network speak over the bridge, not over the host."""
    assert played(lab, "c1", "ping", "172.17.0.3") == [
        ("docker0", "c1", "c2", "echo request"),
        ("docker0", "c2", "c1", "echo reply"),
    ]


def test_ping_from_the_host(lab: FakeLab) -> None:
    """The host reaches containers on docker0 and neighbours on the uplink."""
    assert played(lab, "host", "ping", "172.17.0.2") == [
        ("docker0", "host", "c1", "echo request"),
        ("docker0", "c1", "host", "echo reply"),
    ]
    assert played(lab, "host", "ping", "172.16.211.1") == [
        ("uplink", "host", "host01", "echo request"),
        ("uplink", "host01", "host", "echo reply"),
    ]


def test_ping_of_a_container_from_outside(lab: FakeLab) -> None:
    """A container's own address is not reached from outside, as since Docker 28."""
    assert played(lab, "host01", "ping", "172.17.0.2") == [
        ("uplink", "host01", "c1", "echo request")
    ]


@pytest.mark.parametrize("source", ["c1", "host01", "host"])
def test_ping_of_nobody(lab: FakeLab, source: str) -> None:
    """An address that nobody has does not answer."""
    with pytest.raises(
        CommandError, match=rf"{source}: `ping 192\.0\.2\.1` got no answer"
    ):
        lab.nodes[source].run("ping", "192.0.2.1")


def test_ping_count(lab: FakeLab) -> None:
    """As many requests are sent as were asked for, numbered from 1."""
    tap = lab.tap(EVERY)
    lab.nodes["c1"].run("ping", "-c", "3", "172.16.211.1")
    told = canonicalize(tap.stop()).flows[0]

    assert [x.fields.seq for x in told.packets[::4]] == [1, 2, 3]


def test_published_web(lab: FakeLab) -> None:
    """A published port is translated, and the server logs the client's address."""
    done = lab.nodes["host01"].run("curl", "-sf", URL)

    assert done.returncode == 0
    assert "listing" in done.stdout
    assert lab.nodes["web"].container.logs() == b"172.16.211.1 GET /\n"


@pytest.mark.parametrize("published", [True, False])
def test_proxy(lab: FakeLab, published: bool) -> None:  # noqa: FBT001 - a switch
    """The proxy answers only where no translation leads past it."""
    lab.proxy = True
    if not published:
        lab.wire.nat.published = {}

    lab.nodes["host01"].run("curl", URL)

    client = "172.16.211.1" if published else "172.17.0.1"
    assert lab.nodes["web"].container.logs() == f"{client} GET /\n".encode()


@pytest.mark.parametrize(
    ("target", "who", "seen"),
    [
        (None, "host:81", 2),
        (("172.17.0.3", 80), "c2:80", 4),
        (("172.17.0.5", 8080), "web:8080", 4),
    ],
)
def test_refused(
    lab: FakeLab, target: tuple[str, int] | None, who: str, seen: int
) -> None:
    """Where nothing listens a connection is reset, and no page is logged."""
    lab.wire.nat.published = {81: target} if target else {}

    sightings = played(lab, "host01", "curl", URL)

    assert [what for *_, what in sightings] == ["SYN"] * (seen // 2) + ["RST"] * (
        seen // 2
    )
    assert who in {source for _, source, _, what in sightings if what == "RST"}
    assert lab.log == []


def test_no_forwarding(lab: FakeLab) -> None:
    """A host that does not forward answers for itself and drops the rest."""
    lab.wire.forwarding = False

    assert played(lab, "c1", "ping", "172.16.211.1") == [
        ("docker0", "c1", "host01", "echo request")
    ]
    assert played(lab, "host01", "curl", URL) == [
        ("uplink", "host01:port#1", "host:81", "SYN")
    ]
    assert lab.nodes["c1"].run("ping", "172.16.211.128").returncode == 0


def test_no_masquerade(lab: FakeLab) -> None:
    """Without the rule a container leaves with its own address and is answered."""
    lab.wire.nat.masquerade = False

    assert played(lab, "c1", "ping", "172.16.211.1")[1:3] == [
        ("uplink", "c1", "host01", "echo request"),
        ("uplink", "host01", "c1", "echo reply"),
    ]


def test_failed_command_without_check(lab: FakeLab) -> None:
    """Without check a failure is a return code, and nothing is printed."""
    done = lab.nodes["c1"].run("ping", "192.0.2.1", check=False)

    assert (done.returncode, done.stdout) == (1, "")


def test_unknown_command(lab: FakeLab) -> None:
    """A command the lab does not know is lacking, not a failure on the wire."""
    with pytest.raises(LabUnavailableError, match="plays ping and curl, not wget"):
        lab.nodes["c1"].run("wget", URL, check=False)


def test_not_a_container(lab: FakeLab) -> None:
    """Only containers have one."""
    with pytest.raises(LabError, match="host01 is no container"):
        _ = lab.nodes["host01"].container


def test_no_engine(lab: FakeLab) -> None:
    """There is no engine to talk to."""
    with pytest.raises(LabUnavailableError, match="no engine"):
        _ = lab.docker


@pytest.mark.parametrize("points", [(DOCKER0,), (UPLINK,), EVERY, EVERY[::-1]])
def test_tap(lab: FakeLab, points: tuple[Point, ...]) -> None:
    """A tap sees what crosses its points while it runs, between two canaries."""
    lab.nodes["c1"].run("ping", "172.16.211.1")
    tap = lab.tap(points)
    lab.nodes["c1"].run("ping", "172.16.211.1")
    capture = tap.stop()
    tap.close()

    assert [(i.name, i.dropped) for i in capture.interfaces] == [
        (point.name, 0) for point in points
    ]
    for point in points:
        frames = [packet.bytes for packet in capture.at(point.name)]
        kinds = [canary and canary.kind for canary in map(parse, frames)]
        assert kinds == ["open", None, None, "close"]
    assert capture.names == lab.symbols


def test_blind(lab: FakeLab) -> None:
    """A blinded point spoils only the captures that use it."""
    lab.blind = {"uplink"}

    assert len(lab.tap((DOCKER0,)).stop()) == 2
    with pytest.raises(BlindCaptureError, match=r"^uplink: the canary was not seen"):
        lab.tap(EVERY).stop()


def test_reset(lab: FakeLab) -> None:
    """A lab that was reset knows no flow of before."""
    lab.nodes["c1"].run("ping", "172.16.211.1")
    assert lab.wire.nat != FakeLab(LabOptions()).wire.nat

    lab.reset()
    lab.close()

    assert lab.wire.nat == FakeLab(LabOptions()).wire.nat


def test_state(lab: FakeLab) -> None:
    """The evidence of a lab in memory is its model."""
    assert "172.17.0.5" in lab.snapshot().files["nat.txt"]


def test_breaks_no_invariant(lab: FakeLab) -> None:
    """What the lab shows is what a router may do."""
    tap = lab.tap(EVERY)
    lab.nodes["c1"].run("ping", "-c", "3", "172.16.211.1")
    lab.nodes["host01"].run("curl", URL)
    capture = tap.stop()

    found = learn(capture.at("docker0"), capture.at("uplink"))

    assert [flow.kind for flow in found.flows] == ["snat", "dnat"]
    assert found.violations == ()
    assert found.unpaired == {}


def test_connection(lab: FakeLab) -> None:
    """A page is fetched as kernels do it: flags, sequence, ECN on data, closed."""
    tap = lab.tap((UPLINK,))
    lab.nodes["host01"].run("curl", URL)
    seen = tap.stop()
    rows = (seen.proto == TCP).nonzero()[0]
    first = {int(seen.sport[r]): int(seen.tcp_seq[r]) for r in rows[1::-1]}
    relative = [
        (
            flag_text(int(seen.tcp_flags[r])),
            int(seen.tcp_seq[r]) - first[int(seen.sport[r])],
            max(int(seen.tcp_ack[r]) - first[int(seen.dport[r])], 0),
            int(seen.payload_len[r]),
            int(seen.tos[r]),
        )
        for r in rows
    ]
    asked, page = 43, 46

    assert relative == [
        ("SEW", 0, 0, 0, 0),
        ("S.E", 0, 1, 0, 0),
        (".", 1, 1, 0, 0),
        ("P.", 1, 1, asked, 2),
        ("P.", 1, 1 + asked, page, 2),
        ("F.", 1 + page, 1 + asked, 0, 0),
        ("F.", 1 + asked, 2 + page, 0, 0),
        (".", 2 + page, 2 + asked, 0, 0),
    ]
    assert [bool(raw_options(seen[r].bytes, 34)) for r in rows] == [True] * 2 + [
        False
    ] * 6
    ended = Conversations()
    ended.feed(seen.frames())
    assert ended.unfinished == 0


def test_packets_are_told_apart(lab: FakeLab) -> None:
    """Time goes on, IP ids count, and every command has a port of its own."""
    tap = lab.tap((DOCKER0,))
    for _ in range(2):
        lab.nodes["c1"].run("ping", "-c", "2", "172.16.211.1")
    capture = tap.stop()
    rows = (capture.proto == ICMP).nonzero()[0]

    assert all(b > a for a, b in pairwise(capture.ts.tolist()))
    assert [int(b) - int(a) for a, b in pairwise(capture.ip_id[rows])] == [1] * 7
    assert len({int(n) for n in capture.icmp_id[rows]}) == 2


def test_reset_is_of_the_connection(lab: FakeLab) -> None:
    """A refusal acknowledges what it refuses."""
    lab.wire.nat.published = {}
    tap = lab.tap((UPLINK,))
    lab.nodes["host01"].run("curl", URL, check=False)
    seen = tap.stop()
    syn, reset = (seen.proto == TCP).nonzero()[0]

    assert flag_text(int(seen.tcp_flags[reset])) == "R."
    assert (int(seen.tcp_seq[reset]), int(seen.tcp_ack[reset])) == (
        0,
        int(seen.tcp_seq[syn]) + 1,
    )


def test_default_port(lab: FakeLab) -> None:
    """A URL without a port is asked on 80."""
    assert played(lab, "host01", "curl", "http://172.16.211.128/") == [
        ("uplink", "host01:port#1", "host:80", "SYN"),
        ("uplink", "host:80", "host01:port#1", "RST"),
    ]


def test_many_packets(lab: FakeLab) -> None:
    """IP ids wrap, as the 16 bits they are."""
    lab.wire._ip_id = 65534

    assert lab.nodes["c1"].run("ping", "-c", "2", "172.16.211.1").returncode == 0
