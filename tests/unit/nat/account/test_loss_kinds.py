"""What is said of packets that one side of a host saw and the other did not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.crossings import (
    C1_6,
    DNS_KEY,
    HOST01_6,
    SECOND,
    WEB_KEY,
    Seen,
    again,
    datagram,
    echo,
    handshake,
    losses,
    segment,
    sides,
)
from tests.traffic import BRIDGE, C1, C2, HOST, HOST01

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import Translations, learn
from pytest_netlab.wire import tcp

ACK, FIN, RST, SYN = tcp.ACK, tcp.FIN | tcp.ACK, tcp.RST, tcp.SYN
PING = Tuple5(ICMP, C1, 7, HOST01, 7)
V6 = Tuple5(UDP, C1_6, 5000, HOST01_6, 6000)
WEB6 = Tuple5(TCP, C1_6, 5000, HOST01_6, 80)
SYSLOG = Tuple5(UDP, C1, 514, HOST01, 514)


def request(at: float, where: str = "both") -> Seen:
    """Return a segment of 100 octets of the client."""
    return Seen(at, segment(1, 100), where)  # type: ignore[arg-type]


def found_in(seen: list[Seen], **conditions: object) -> dict[str, list[int]]:
    """Return status -> which of the list are told to have it."""
    captured = sides(seen, **conditions)  # type: ignore[arg-type]
    found = learn(captured.inside, captured.outside)
    assert found.violations == ()
    return losses(found, captured)


def octets(seen: list[Seen]) -> list[tuple[tuple[int, int], ...]]:
    """Return which octets are told to have never crossed, of each loss."""
    captured = sides(seen)
    found = learn(captured.inside, captured.outside)
    return [one.octets for one in found.account.lost if one.octets]


LOST = {
    "an echo request of three equal ones": (
        [
            Seen(0, echo(1, key=PING, ip_id=0)),
            Seen(5, echo(1, key=PING, reply=True, ip_id=0)),
            Seen(1000, echo(1, key=PING, ip_id=0), "inside"),
            Seen(2000, echo(1, key=PING, ip_id=0)),
            Seen(2005, echo(1, key=PING, reply=True, ip_id=0)),
        ],
        [2],
    ),
    "a FIN that was sent again": (
        [
            *handshake(),
            Seen(20, segment(1, flags=FIN, ip_id=7), "inside"),
            Seen(220, segment(1, flags=FIN, ip_id=8)),
            Seen(225, segment(1, reply=True, ack=2)),
        ],
        [3],
    ),
    "the last FIN": (
        [*handshake(), Seen(20, segment(1, flags=FIN, ip_id=7), "inside")],
        [3],
    ),
    "an acknowledgement without data": (
        [
            *handshake(),
            request(20),
            Seen(30, segment(1, 50, reply=True, ack=101)),
            Seen(31, segment(101, ack=51), "inside"),
            Seen(40, segment(51, 50, reply=True, ack=101)),
            Seen(41, segment(101, ack=101)),
        ],
        [5],
    ),
    "a SYN-ACK, twice": (
        [
            Seen(0, segment(0, ack=0, flags=SYN, ip_id=501)),
            Seen(5, segment(0, reply=True, flags=SYN | ACK, ip_id=0), "outside"),
            Seen(1005, segment(0, reply=True, flags=SYN | ACK, ip_id=0), "outside"),
            Seen(3005, segment(0, reply=True, flags=SYN | ACK, ip_id=0)),
            Seen(3006, segment(1, ip_id=502)),
        ],
        [1, 2],
    ),
    "a RST": (
        [*handshake(), Seen(20, segment(1, flags=RST, ack=0, ip_id=0), "inside")],
        [3],
    ),
    "an echo reply": (
        [
            Seen(0, echo(1, key=PING)),
            Seen(5, echo(1, key=PING, reply=True), "outside"),
            Seen(1000, echo(2, key=PING)),
            Seen(1005, echo(2, key=PING, reply=True)),
        ],
        [1],
    ),
    "a datagram of IPv6": (
        [
            Seen(10.0 * i, datagram(i, key=V6), "inside" if i == 2 else "both")
            for i in range(5)
        ],
        [2],
    ),
    "a segment of IPv6, sent again without an id to tell": (
        [
            Seen(10, segment(1, 100, key=WEB6)),
            Seen(15, segment(1, reply=True, ack=101, key=WEB6.reply)),
            Seen(20, segment(101, 100, key=WEB6), "inside"),
            Seen(220, segment(101, 100, key=WEB6)),
            Seen(225, segment(1, reply=True, ack=201, key=WEB6.reply)),
        ],
        [2],
    ),
    "segments sent again as one": (
        [
            *handshake(),
            request(20, "inside"),
            Seen(21, segment(101, 100), "inside"),
            Seen(220, again(segment(1, 200))),
            Seen(225, segment(1, reply=True, ack=201)),
        ],
        [3, 4],
    ),
    "a segment sent again as two": (
        [
            *handshake(),
            Seen(20, segment(1, 200), "inside"),
            Seen(220, again(segment(1, 100))),
            Seen(221, again(segment(101, 100), 60_002)),
            Seen(225, segment(1, reply=True, ack=201)),
        ],
        [3],
    ),
    "a hole that was sent again after SACK": (
        [
            *handshake(),
            request(20),
            Seen(21, segment(101, 100), "inside"),
            Seen(22, segment(201, 100)),
            Seen(25, segment(1, reply=True, ack=101)),
            Seen(
                26,
                segment(
                    1,
                    reply=True,
                    ack=101,
                    ip_id=9,
                    options=b"\1\1\x05\x0a" + bytes([0, 0, 0, 201, 0, 0, 1, 45]),
                ),
            ),
            Seen(50, again(segment(101, 100))),
            Seen(55, segment(1, reply=True, ack=301)),
        ],
        [4],
    ),
    "a keepalive": (
        [
            *handshake(),
            request(20),
            Seen(25, segment(1, reply=True, ack=101)),
            Seen(10_000, segment(100, 0, ip_id=71), "inside"),
            Seen(20_000, segment(100, 0, ip_id=72)),
            Seen(20_005, segment(1, reply=True, ack=101, ip_id=73)),
        ],
        [5],
    ),
    "a whole flow": (
        [Seen(100.0 * i, datagram(i, key=SYSLOG), "inside") for i in range(3)]
        + [Seen(50, datagram(9)), Seen(55, datagram(9, reply=True))],
        [0, 1, 2],
    ),
    "a query, and its copy from another container crossed": (
        [
            Seen(0, datagram(1, ip_id=0), "inside"),
            Seen(100, datagram(1, key=DNS_KEY._replace(src=C2), ip_id=0)),
            Seen(105, datagram(1, key=DNS_KEY._replace(src=C2), reply=True, ip_id=0)),
        ],
        [0],
    ),
}
KEPT: dict[str, list[Seen]] = {
    "copies of a mirror port": [
        *handshake(),
        request(20),
        request(20.001, "outside"),
        Seen(25, segment(1, 50, reply=True, ack=101)),
        Seen(25.001, segment(1, 50, reply=True, ack=101), "outside"),
    ],
    "keepalives with an octet": [
        *handshake(),
        request(20),
        Seen(25, segment(1, reply=True, ack=101)),
        Seen(10_000, segment(100, 1, ip_id=71)),
        Seen(20_000, segment(100, 1, ip_id=72)),
        Seen(20_005, segment(1, reply=True, ack=101, ip_id=73)),
    ],
    "window probes": [
        *handshake(),
        request(20),
        Seen(25, segment(1, reply=True, ack=101)),
        Seen(300, segment(101, 1, ip_id=81)),
        Seen(700, segment(101, 1, ip_id=82)),
        Seen(710, segment(1, reply=True, ack=102)),
        Seen(711, segment(102, 100)),
    ],
    "the host's own resolver": [
        Seen(0, datagram(1, key=DNS_KEY._replace(dst=BRIDGE)), "inside"),
        Seen(
            1,
            datagram(1, key=DNS_KEY._replace(dst=BRIDGE), reply=True),
            "inside",
        ),
    ],
    "the host's own pings": [
        Seen(0, echo(1, key=PING._replace(src=HOST)), "outside"),
        Seen(5, echo(1, key=PING._replace(src=HOST), reply=True), "outside"),
    ],
    "a container that talks to another": [
        Seen(0, datagram(1, key=DNS_KEY._replace(dst=C2)), "inside"),
        Seen(1, datagram(1, key=DNS_KEY._replace(dst=C2), reply=True), "inside"),
    ],
    "the host's own firewall resets": [
        Seen(0, segment(0, ack=0, flags=SYN, ip_id=501), "inside"),
        Seen(0.1, segment(0, reply=True, flags=RST | ACK, ip_id=0), "inside"),
    ],
}
NOT_CAPTURED = {
    "an answer's question": (
        [Seen(0, datagram(1), "inside"), Seen(5, datagram(1, reply=True))],
        [0],
    ),
    "a segment that was acknowledged": (
        [
            *handshake(),
            request(20, "inside"),
            Seen(25, segment(1, reply=True, ack=101)),
        ],
        [3],
    ),
    "an echo that was answered": (
        [
            Seen(0, echo(1, key=PING)),
            Seen(5, echo(1, key=PING, reply=True)),
            Seen(1000, echo(2, key=PING), "inside"),
            Seen(1005, echo(2, key=PING, reply=True)),
        ],
        [2],
    ),
    "a datagram that only came out": (
        [
            Seen(10.0 * i, datagram(i), "outside" if i == 2 else "both")
            for i in range(5)
        ],
        [2],
    ),
    "a SYN-ACK that was acknowledged": (
        [
            Seen(0, segment(0, ack=0, flags=SYN, ip_id=501)),
            Seen(5, segment(0, reply=True, flags=SYN | ACK, ip_id=0), "outside"),
            Seen(6, segment(1, ip_id=502)),
            request(7),
            Seen(9, segment(1, reply=True, ack=101)),
        ],
        [1],
    ),
    "a FIN that was acknowledged": (
        [
            *handshake(),
            Seen(20, segment(1, flags=FIN, ip_id=7), "inside"),
            Seen(25, segment(1, reply=True, ack=2)),
        ],
        [3],
    ),
}


@pytest.mark.parametrize("offset", [0, -3_000_000, 5 * 3600 * SECOND])
@pytest.mark.parametrize("name", LOST)
def test_lost(name: str, offset: int) -> None:
    """Each transmission counts, whatever the clocks; delays may seem negative."""
    seen, lost = LOST[name]

    assert found_in(seen, offset=offset) == {"lost": lost}


@pytest.mark.parametrize("name", KEPT)
def test_not_lost(name: str) -> None:
    """Copies, probes, and what never was for the other side."""
    told = found_in([*KEPT[name], *[_on(40_000, one) for one in handshake()]])

    assert [status for status in told if status.startswith("lost")] == []


def _on(at: float, one: Seen) -> Seen:
    """Return a packet of another connection, later."""
    key = one.packet.key
    forth = key.src == C1
    other = key._replace(sport=41_000) if forth else key._replace(dport=41_000)
    return one._replace(at=at + one.at, packet=replace(one.packet, key=other))


@pytest.mark.parametrize("name", NOT_CAPTURED)
def test_not_captured(name: str) -> None:
    """What later packets prove to have crossed is no loss."""
    seen, missed = NOT_CAPTURED[name]

    assert found_in(seen) == {"not captured": missed}


def test_octets_that_were_not_sent_again() -> None:
    """Of a segment that was lost, a part crossed later."""
    seen = [
        *handshake(),
        Seen(20, segment(1, 200), "inside"),
        Seen(220, again(segment(1, 100))),
        Seen(225, segment(1, reply=True, ack=101)),
    ]

    assert found_in(seen) == {"lost": [3]}
    assert octets(seen) == [((101, 200),)]


def test_resends_that_overlap() -> None:
    """Two resends cross, the hole between them never does."""
    seen = [
        *handshake(),
        Seen(20, segment(1, 300), "inside"),
        Seen(220, again(segment(1, 120))),
        Seen(221, again(segment(100, 60), 60_002)),
        Seen(222, again(segment(200, 101), 60_003)),
    ]

    assert octets(seen) == [((160, 199),)]


@pytest.mark.parametrize(
    ("gone", "want"), [(0, (1, 600)), (1, (601, 1200)), (3, (1801, 2400))]
)
@pytest.mark.parametrize("whole", ["inside", "outside"])
def test_part_of_a_super_frame(gone: int, want: tuple[int, int], whole: str) -> None:
    """Its first, another or its last segment, of the client's and of the server's."""
    reply = whole == "outside"
    pieces = [
        segment(1 + 600 * i, 600, ip_id=900 + i, reply=reply)
        for i in range(4)
        if i != gone
    ]
    frame = segment(1, 2400, ip_id=900, reply=reply)
    beyond = [Seen(20.1, one, _other(whole)) for one in pieces]  # type: ignore[arg-type]
    captured = sides([*handshake(), Seen(20, frame, whole), *beyond])  # type: ignore[arg-type]

    (loss,) = learn(captured.inside, captured.outside).account.losses

    assert (loss.status, loss.reply, loss.part) == ("lost", reply, True)
    assert loss.octets == (want,)


def _other(side: str) -> str:
    return "outside" if side == "inside" else "inside"


def test_drops_of_the_capture() -> None:
    """A capture that says that it dropped packets may have missed these too."""
    seen = [
        Seen(10.0 * i, datagram(i), "inside" if i == 2 else "both") for i in range(5)
    ]

    assert found_in(seen, dropped=3) == {"lost or not captured": [2]}
    assert found_in(seen, dropped=0) == {"lost": [2]}


def test_before_and_after_the_other_capture() -> None:
    """The outside began later, and ended earlier."""
    seen = [
        Seen(1000.0 * i, datagram(i), "both" if 2 <= i <= 5 else "inside")
        for i in range(9)
    ]

    captured = sides(seen, anchored=False)
    account = learn(captured.inside, captured.outside).account

    assert account.lost == ()
    assert losses_of(captured, account) == {"not looked for": [0, 1, 6, 7, 8]}
    assert account.inside is not None
    assert (account.inside.before, account.inside.after) == (2, 3)


def losses_of(captured: object, account: object) -> dict[str, list[int]]:
    """Return the losses of an account as `losses` does."""
    return losses(Translations(account=account), captured)  # type: ignore[arg-type]


def test_lost_before_the_first_that_crossed() -> None:
    """The outside's first packet is the SYN's resend: nobody knows when it began."""
    seen = [
        Seen(0, segment(0, ack=0, flags=SYN, ip_id=500), "inside"),
        *[_on_same(1000, one) for one in handshake()],
    ]

    assert found_in(seen, anchored=False) in ({"lost": [0]}, {"not looked for": [0]})


def _on_same(at: float, one: Seen) -> Seen:
    return one._replace(at=at + one.at)


@pytest.mark.parametrize("answered", [True, False])
def test_filtered_capture(*, answered: bool) -> None:
    """A protocol that one capture has nothing of was filtered there, if answered."""
    query = [Seen(50, datagram(1), "inside")]
    # From beyond, by its ttl; the host itself would send 64.
    answer = [Seen(55, replace(datagram(1, reply=True), ttl=58), "inside")]
    captured = sides([*handshake(), *query, *(answer if answered else [])])

    found = learn(captured.inside, captured.outside)

    (absent,) = found.account.absent
    assert (absent.side, absent.proto, absent.crossed) == ("outside", UDP, answered)
    assert bool(found.account.lost) is not answered


def test_one_port_is_absent() -> None:
    """Other UDP crossed; of syslog there is nothing: lost, or filtered by port."""
    seen = [
        Seen(0, datagram(1)),
        Seen(5, datagram(1, reply=True)),
        *[Seen(10.0 * i, datagram(i, key=SYSLOG), "inside") for i in range(1, 4)],
    ]
    captured = sides(seen)

    account = learn(captured.inside, captured.outside).account

    assert losses_of(captured, account) == {"lost": [2, 3, 4]}
    assert [(one.port, one.crossed) for one in account.absent] == [(514, False)]


def test_unanswered_datagram_to_a_container() -> None:
    """What a container sends to another is not to cross."""
    beside = Tuple5(UDP, C1, 5000, C2, 6000)
    seen = [
        Seen(0, datagram(1, key=DNS_KEY._replace(src=C2))),
        Seen(5, datagram(1, key=DNS_KEY._replace(src=C2), reply=True)),
        Seen(10, datagram(2, key=beside), "inside"),
        Seen(10, segment(1, 10, key=WEB_KEY)),
    ]

    assert found_in(seen) == {}


def test_filtered_with_answers_and_without() -> None:
    """DNS was answered, so the filter hides syslog as well: it is not lost."""
    captured = sides(
        [
            *handshake(),
            Seen(50, datagram(1), "inside"),
            Seen(55, replace(datagram(1, reply=True), ttl=58), "inside"),
            Seen(60, datagram(2, key=SYSLOG), "inside"),
        ]
    )

    account = learn(captured.inside, captured.outside).account

    assert account.lost == ()
    assert [(one.side, one.proto) for one in account.absent] == [("outside", UDP)]
