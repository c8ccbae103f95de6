"""The canonical story: the same for any two runs in which the host did the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.flowfacts import reset
from tests.traffic import (
    BRIDGE,
    C1,
    C2,
    FIN_ACK,
    HOST,
    HOST01,
    IN,
    INSIDE,
    NAMES,
    OUT,
    OUTSIDE,
    START_NS,
    SYN,
    SYN_ACK,
    SYN_OPTIONS,
    WEB,
    Packet,
    routed,
    two_points,
)

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.diff import compare
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.trace import (
    CanonicalTrace,
    canonicalize,
    value_text,
    what_text,
)
from pytest_netlab.wire import (
    Checksum,
    checksum,
    icmp,
    octets,
    tcp,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.trace import Packet as Told

Seen = tuple[str, Packet]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What differs between two runs: addresses, port, ISNs, IP ids, clocks."""

    client: str = HOST01
    host: str = HOST
    web: str = WEB
    port: int = 40000
    isn: int = 1_000_000
    ip_id: int = 100
    options: bytes = SYN_OPTIONS
    start: int = START_NS

    @property
    def names(self) -> dict[str, str]:
        """Return the names of the addresses."""
        return {self.client: "host01", self.host: "host", self.web: "web"}


@dataclass(frozen=True, slots=True)
class Step:
    """One segment: who sends it, its flags, and which bytes of the direction."""

    who: str
    flags: int = tcp.ACK
    at: int = 0
    data: bytes = b""
    crosses: bool = True
    tos: int = 0


GET = b"GET / HTTP/1.1\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\n\r\nlisting"
SHAKE = [Step("client", SYN), Step("server", SYN_ACK), Step("client", at=1)]
ASK = Step("client", at=1, data=GET, tos=2)
ANSWER = Step("server", at=1, data=PAGE, tos=2)
CLIENT_FIN = Step("client", FIN_ACK, 1 + len(GET))
SERVER_FIN = Step("server", FIN_ACK, 1 + len(PAGE))
LAST_ACK = Step("server", at=2 + len(PAGE))
VISIT = [*SHAKE, ASK, ANSWER, SERVER_FIN, CLIENT_FIN, LAST_ACK]


def noted(packet: Told) -> str:
    """Return what was rewritten, in words; "" for nothing."""
    return value_text(packet.rewrite) if packet.rewrite else ""


def visit(steps: Sequence[Step], run: Run | None = None) -> Capture:
    """Return both points' capture of a published port's conversation."""
    run = run or Run()
    asked = Tuple5(TCP, run.client, run.port, run.host, 81)
    translated = Tuple5(TCP, run.client, run.port, run.web, 80)
    seen: list[Seen] = []
    acks = {"client": run.isn, "server": run.isn}
    for number, step in enumerate(steps):
        reply = step.who == "server"
        original, beyond = (
            (translated.reply, asked.reply) if reply else (asked, translated)
        )
        packet = Packet(
            key=original,
            seq=(run.isn + reply * 5_000_000 + step.at) % 2**32,
            ack=acks[step.who] % 2**32 if step.flags & tcp.ACK else 0,
            flags=step.flags,
            options=run.options if step.flags & tcp.SYN else b"",
            data=step.data,
            tos=step.tos,
            ip_id=(run.ip_id + number) % 2**16,
            direction=IN,
        )
        size = len(step.data) + bool(step.flags & (tcp.SYN | tcp.FIN))
        other = "client" if reply else "server"
        reached = run.isn + reply * 5_000_000 + step.at + size
        acks[other] = max(acks[other], reached)
        points = (INSIDE, OUTSIDE) if reply else (OUTSIDE, INSIDE)
        seen.append((points[0], packet))
        if step.crosses:
            seen.append((points[1], routed(packet, beyond)))
    return two_points(seen, run.names, run.start)


TEXT = """\
web   tcp   host01 -> host:81
  uplink   host01:port#1 > host:81        SYN      flags S  options mss 1460,sackOK,TS,nop,wscale  ttl 64
  docker0  host01:port#1 > web:80         SYN      flags S  options mss 1460,sackOK,TS,nop,wscale  ttl 63   dnat host:81 -> web:80
  docker0  web:80        > host01:port#1  SYN-ACK  flags S.  options mss 1460,sackOK,TS,nop,wscale  ttl 64
  uplink   host:81       > host01:port#1  SYN-ACK  flags S.  options mss 1460,sackOK,TS,nop,wscale  ttl 63  undone web:80 -> host:81
  uplink   host01:port#1 > host:81        data     tos 0x02  ttl 64
  docker0  host01:port#1 > web:80         data     tos 0x02  ttl 63                                         dnat host:81 -> web:80
  docker0  web:80        > host01:port#1  data     tos 0x02  ttl 64
  uplink   host:81       > host01:port#1  data     tos 0x02  ttl 63                                         undone web:80 -> host:81
  uplink   host01:port#1 > host:81        FIN      ttl 64
  docker0  host01:port#1 > web:80         FIN      ttl 63                                                   dnat host:81 -> web:80
  docker0  web:80        > host01:port#1  FIN      ttl 64
  uplink   host:81       > host01:port#1  FIN      ttl 63                                                   undone web:80 -> host:81
"""  # noqa: E501 - as it is


def test_text() -> None:
    """A conversation through a published port reads as a reviewer expects it."""
    assert canonicalize(visit(VISIT)).text("web") == TEXT


@pytest.mark.parametrize(
    "run",
    [
        Run(client="198.51.100.1", host="198.51.100.7", web="10.200.0.5"),
        Run(port=50001),
        Run(isn=2**32 - 5),
        Run(ip_id=65530),
        Run(options=SYN_OPTIONS[:8] + b"\x12\x34\x56\x78" + SYN_OPTIONS[12:]),
        Run(options=SYN_OPTIONS[:-1] + b"\x0a"),
        Run(start=5),
    ],
    ids=["addresses", "port", "ISN wraps", "IP ids", "TSval", "wscale", "clock"],
)
def test_same_story_in_another_run(run: Run) -> None:
    """Addresses, ports, sequence numbers, ids and clocks are of one run."""
    assert canonicalize(visit(VISIT, run)) == canonicalize(visit(VISIT))


def test_same_story_with_other_macs() -> None:
    """Hardware addresses are none of a golden's."""
    capture = visit(VISIT)
    moved = [
        frame._replace(data=bytes(11) + b"\x09" + frame.data[12:])
        for frame in capture.frames()
    ]
    other = Capture.from_frames(moved, capture.interfaces, capture.names)

    assert canonicalize(other) == canonicalize(capture)


def partial(frame: bytes) -> bytes:
    """Return a TCP frame as a tap sees it before the device has summed it up."""
    at, field = 34, 34 + tcp.CHECKSUM
    value = octets.fold(checksum.pseudo(frame, 14, TCP, len(frame) - at))
    return frame[:field] + value.to_bytes(2, "big") + frame[field + 2 :]


def test_same_story_with_offloads() -> None:
    """Checksums that a device would have filled in are as good as any."""
    capture = visit(VISIT)
    frames = [frame._replace(data=partial(frame.data)) for frame in capture.frames()]
    offloaded = Capture.from_frames(frames, capture.interfaces, capture.names)

    assert set(offloaded.l4_checksum) == {Checksum.PARTIAL}
    assert canonicalize(offloaded) == canonicalize(capture)


HALVES = [replace(ASK, data=GET[:5]), replace(ASK, at=6, data=GET[5:])]
ACK = Step("server", at=1)
LONG_ACK = Step("client", at=1 + len(GET))


@pytest.mark.parametrize(
    "steps",
    [
        [*SHAKE, ASK, ACK, ANSWER, LONG_ACK, SERVER_FIN, CLIENT_FIN, LAST_ACK],
        [*SHAKE[:2], ASK, ANSWER, SERVER_FIN, CLIENT_FIN],
        [*SHAKE, *HALVES, ANSWER, SERVER_FIN, CLIENT_FIN, LAST_ACK],
        [*SHAKE, HALVES[0], ACK, HALVES[1], ANSWER, SERVER_FIN, CLIENT_FIN],
        [*SHAKE, ASK, ASK, ANSWER, ANSWER, SERVER_FIN, CLIENT_FIN, LAST_ACK],
        [SHAKE[0], *SHAKE, ASK, ANSWER, SERVER_FIN, CLIENT_FIN, LAST_ACK],
        [*SHAKE, ASK, ANSWER, CLIENT_FIN, SERVER_FIN, LAST_ACK],
        [*SHAKE, ASK, ANSWER, SERVER_FIN, SERVER_FIN, CLIENT_FIN, CLIENT_FIN],
        [*SHAKE, ASK, replace(ANSWER, flags=FIN_ACK), CLIENT_FIN, LAST_ACK],
        [*SHAKE, ASK, replace(ANSWER, flags=FIN_ACK), SERVER_FIN, CLIENT_FIN],
        [*SHAKE, replace(ASK, flags=tcp.PSH | tcp.ACK), ANSWER, SERVER_FIN, CLIENT_FIN],
        [*SHAKE, ASK, ASK, ANSWER, replace(ASK, tos=0), SERVER_FIN, CLIENT_FIN],
    ],
    ids=[
        "more ACKs",
        "fewer ACKs",
        "two segments",
        "two segments, ACK between",
        "repeated data",
        "repeated SYN",
        "client closes first",
        "repeated FINs",
        "FIN with data",
        "FIN with data, then alone",
        "PSH",
        "late repeat",
    ],
)
def test_timing_does_not_change_the_story(steps: list[Step]) -> None:
    """ACKs, segmentation, repeats and the order of FINs are no behaviour."""
    assert compare(canonicalize(visit(VISIT)), canonicalize(visit(steps))) == []


@pytest.mark.parametrize(
    "steps",
    [
        VISIT[:-3],
        [*VISIT[:-3], Step("client", tcp.RST, 1 + len(GET))],
        [*SHAKE, ASK, replace(ANSWER, crosses=False), SERVER_FIN, CLIENT_FIN],
        [*SHAKE, ANSWER, ASK, SERVER_FIN, CLIENT_FIN],
        [*SHAKE, ASK, ANSWER, replace(ASK, at=50), SERVER_FIN, CLIENT_FIN],
        [replace(SHAKE[0], crosses=False), *VISIT],
        [*SHAKE, replace(ASK, crosses=False), ASK, ANSWER, SERVER_FIN, CLIENT_FIN],
    ],
    ids=[
        "never closed",
        "reset",
        "answer dropped",
        "server first",
        "asked twice",
        "SYN dropped once",
        "data dropped once",
    ],
)
def test_behaviour_does(steps: list[Step]) -> None:
    """What was said, and what became of it, is behaviour."""
    assert compare(canonicalize(visit(VISIT)), canonicalize(visit(steps)))


PING = Tuple5(ICMP, C1, 7, HOST01, 7)
PINGED = PING._replace(src=HOST)


def ping(translated: Tuple5 = PINGED, original: Tuple5 = PING) -> list[Seen]:
    """Return a ping beyond the host, as both points see it."""
    request = Packet(key=original, data=bytes(56), ip_id=1, direction=IN)
    answer = Packet(
        key=translated.reply, data=bytes(56), ip_id=2, reply=True, direction=IN
    )
    return [
        (INSIDE, request),
        (OUTSIDE, routed(request, translated)),
        (OUTSIDE, answer),
        (INSIDE, routed(answer, original.reply)),
    ]


def test_ping() -> None:
    """A ping that is masqueraded keeps its id at both points."""
    assert canonicalize(two_points(ping())).text("ping-beyond") == (
        """\
ping-beyond   icmp echo   c1 -> host01
  docker0  c1     > host01  echo request  id#1  seq 1  length 64  ttl 64
  uplink   host   > host01  echo request  id#1  seq 1  length 64  ttl 63  snat c1 -> host
  uplink   host01 > host    echo reply    id#1  seq 1  length 64  ttl 64
  docker0  host01 > c1      echo reply    id#1  seq 1  length 64  ttl 63  undone host -> c1
"""  # noqa: E501 - as it is
    )


def test_remapped_id() -> None:
    """An id that NAT changed is a second symbol, undone in the reply."""
    story = canonicalize(two_points(ping(Tuple5(ICMP, HOST, 99, HOST01, 99))))

    assert [str(x.fields.id) for x in story.flows[0].packets] == [
        "id#1",
        "id#2",
        "id#2",
        "id#1",
    ]


def test_remapped_port() -> None:
    """A port that NAT changed is a second symbol, and the note tells both."""
    original = Tuple5(UDP, C1, 5555, HOST01, 53)
    request = Packet(key=original, direction=IN)
    translated = original._replace(src=HOST, sport=1024)

    story = canonicalize(
        two_points([(INSIDE, request), (OUTSIDE, routed(request, translated))])
    )

    assert (
        value_text(story.flows[0].packets[1].rewrite) == "snat c1:port#1 -> host:port#2"
    )


def test_icmp_that_is_no_echo() -> None:
    """An ICMP query without an id is told as what it is."""
    query = Packet(key=Tuple5(ICMP, C1, 0, HOST, 0), body=icmp.build(13), direction=IN)

    story = canonicalize(two_points([(INSIDE, query)]))

    assert [fact.name for fact in story.facts] == ["icmp c1 -> host"]


@pytest.mark.parametrize("asked", [True, False])
def test_unasked(asked: bool) -> None:  # noqa: FBT001 - of pytest
    """A flow of which only replies were seen was not asked for, as far as is known."""
    key = Tuple5(ICMP, C1, 7, HOST, 7)
    packets = [Packet(key=key, ip_id=1)] if asked else []
    packets += [Packet(key=key.reply, ip_id=2, reply=True)]
    (flow,) = canonicalize(two_points([(INSIDE, one) for one in packets])).flows

    assert flow.fact.unasked is not asked


def test_source_translated_inbound() -> None:
    """A bridge shows replies with the client's own address: they are of its flow."""
    asked = Tuple5(TCP, HOST01, 40000, HOST, 81)
    seen = Tuple5(TCP, BRIDGE, 40000, WEB, 80)
    back = Tuple5(TCP, WEB, 80, HOST01, 40000)
    syn = Packet(key=asked, flags=SYN, ip_id=1)
    answer = Packet(key=back, flags=SYN_ACK, ack=2, ip_id=2, reply=True)
    capture = two_points(
        [
            (OUTSIDE, syn),
            (INSIDE, routed(syn, seen)),
            (INSIDE, answer),
            (OUTSIDE, routed(answer, asked.reply)),
        ]
    )
    (flow,) = canonicalize(capture).flows

    assert [f"{one.src} > {one.dst}" for one in flow.packets] == [
        "host01:port#1 > host:81",
        "bridge:port#1 > web:80",
        "web:80 > host01:port#1",
        "host:81 > host01:port#1",
    ]
    assert flow.violations == ()


def test_in_order_of_first_packet() -> None:
    """Conversations are told in the order in which they began, at whichever point."""
    first = ping(original=PING._replace(src=C2, sport=8, dport=8))
    late = [
        (OUTSIDE, Packet(key=Tuple5(UDP, HOST01, 1, HOST, 2), ip_id=9, direction=IN))
    ]

    story = canonicalize(two_points([*late, *first[1:], first[0], *ping()]))

    assert [fact.initiator.node for fact in story.facts] == ["host01", "c2", "c1"]


def test_reset_is_a_refusal() -> None:
    """So is a reset from the responder, and none from the initiator."""
    refused = [SHAKE[0], Step("server", tcp.RST)]
    given_up = [*SHAKE, Step("client", tcp.RST, 1)]

    assert canonicalize(visit(refused)).facts[0].refusal == reset("web")
    assert canonicalize(visit(given_up)).facts[0].refusal is None


def test_proxied() -> None:
    """A proxied connection is two, told one after the other, without a rewrite."""
    asked = Tuple5(TCP, HOST01, 40000, HOST, 81)
    leg = Tuple5(TCP, BRIDGE, 50000, WEB, 80)
    seen: list[Seen] = []
    for point, key, seq in ((OUTSIDE, asked, 1), (INSIDE, leg, 900)):
        forth, back = (IN, OUT) if point == OUTSIDE else (OUT, IN)
        seen += [
            (point, Packet(key=key, flags=SYN, seq=seq, direction=forth)),
            (point, Packet(key=key.reply, flags=SYN_ACK, seq=seq + 50, direction=back)),
            (point, Packet(key=key, seq=seq + 1, data=GET, direction=forth)),
        ]

    story = canonicalize(two_points(seen))

    assert [fact.disposition for fact in story.facts] == ["proxied"]
    assert [(x.point, what_text(x.what), noted(x)) for x in story.flows[0].packets] == [
        (OUTSIDE, "SYN", ""),
        (OUTSIDE, "SYN-ACK", ""),
        (OUTSIDE, "data", ""),
        (INSIDE, "SYN", ""),
        (INSIDE, "SYN-ACK", ""),
        (INSIDE, "data", ""),
    ]


def test_broken_is_told_once() -> None:
    """A broken invariant is told once a conversation, with its first packet."""
    seen = ping()
    for index in (1, 3):
        point, packet = seen[index]
        seen[index] = (point, replace(packet, ttl=64))
    story = canonicalize(two_points(seen))

    assert [(b.field, b.want, b.got) for b in story.flows[0].violations] == [
        ("ttl", "63 after 64", "64")
    ]
    assert [(b.point, b.reply, b.packet) for b in story.flows[0].violations] == [
        (INSIDE, False, 1)
    ]
    assert "  ! ttl: 64, not 63 after 64" in story.text("x")


def test_broken_in_another_conversation() -> None:
    """What one conversation broke is not told of another."""
    seen = ping() + ping(
        Tuple5(ICMP, HOST, 8, HOST01, 8), Tuple5(ICMP, C2, 8, HOST01, 8)
    )
    seen = [
        (point, replace(packet, ip_id=packet.ip_id + 10 * (i > 3)))
        for i, (point, packet) in enumerate(seen)
    ]
    seen[1] = (OUTSIDE, replace(seen[1][1], ttl=64))

    story = canonicalize(two_points(seen))

    assert [len(flow.violations) for flow in story.flows] == [1, 0]


def test_points_that_were_captured() -> None:
    """A story names the points at which somebody looked, and no others."""
    request = ping()[0][1]
    one = two_points([(INSIDE, request)], points=(INSIDE,))

    assert canonicalize(one).points == (INSIDE,)
    assert "uplink" not in canonicalize(one).text("x")
    assert canonicalize(two_points([(INSIDE, request)])).points == (INSIDE, OUTSIDE)


def test_other_names_of_points() -> None:
    """Points may have any name."""
    seen = [("a" if point == INSIDE else "b", packet) for point, packet in ping()]
    capture = two_points(seen, points=("a", "b"))

    assert canonicalize(capture, inside="a", outside="b").points == ("a", "b")
    assert canonicalize(capture) == CanonicalTrace((), ())


def test_given_names() -> None:
    """Names that are given replace those of the capture."""
    story = canonicalize(two_points(ping()), names={C1: "left", HOST01: "right"})

    assert [fact.name for fact in story.facts] == ["icmp echo left -> right"]


def test_two_interfaces_of_one_name() -> None:
    """A point that is written as two interfaces is one point."""
    capture = two_points(ping())
    frames = list(capture.frames())
    doubled = Capture.from_frames(
        [Frame(*frame)._replace(interface=frame.interface * 2) for frame in frames],
        [Interface(name=n) for n in (INSIDE, INSIDE, OUTSIDE)],
        NAMES,
    )

    assert canonicalize(doubled) == canonicalize(capture)
    assert np.unique(doubled.point).tolist() == [0, 2]
