"""The table of conversations: what belongs together, who began, and who answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.crafted import frames
from tests.traffic import (
    C1,
    C2,
    HOST01,
    IN,
    OUT,
    SYN,
    SYN_ACK,
    UNKNOWN,
    Packet,
    capture,
    error,
)
from tests.unit.flows.conftest import (
    DNS,
    NO_FLOW,
    PING,
    PING6,
    WEB,
    WEB6,
    error6,
    icmp6_frame,
    icmp_packet,
)

from pytest_netlab.flows import (
    ICMP,
    NO_UNIFLOW,
    TCP,
    UDP,
    Conversation,
    FlowTable,
    Tuple5,
    conversations,
    uniflow_of,
)
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY = 1200  # conversations: more than twice what a new table has room for


def ways_of(table: FlowTable, packets: Sequence[Packet | bytes]) -> list[int]:
    """Add a block of packets to a table; return their ways."""
    return [way for block in capture(packets).blocks() for way in table.add(*block)]


def many(count: int = MANY) -> list[Packet]:
    """Return datagrams that are each of a conversation of their own."""
    return [Packet(key=DNS._replace(sport=1000 + i)) for i in range(count)]


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        (
            [Packet(key=WEB, flags=SYN), Packet(key=WEB.reply, flags=SYN_ACK)],
            Conversation(WEB, (0, 1), answered=True),
        ),
        ([Packet(key=WEB, flags=SYN)] * 2, Conversation(WEB, (0, 1), answered=False)),
        (
            [Packet(key=WEB.reply, flags=SYN_ACK), Packet(key=WEB)],
            Conversation(WEB, (0, 1), answered=True),
        ),
        (
            [Packet(key=PING.reply, reply=True)],
            Conversation(PING, (0,), answered=True),
        ),
        (
            [Packet(key=PING6.reply, reply=True)],
            Conversation(PING6, (0,), answered=True),
        ),
        (
            [Packet(key=WEB.reply, data=b"underway"), Packet(key=WEB)],
            Conversation(WEB.reply, (0, 1), answered=True),
        ),
        (
            [Packet(key=DNS), error(HOST01, Packet(key=DNS))],
            Conversation(DNS, (0,), answered=False, errors=(1,)),
        ),
        (
            [error(HOST01, Packet(key=DNS)), Packet(key=DNS)],
            Conversation(DNS, (1,), answered=False, errors=(0,)),
        ),
        (
            [Packet(key=DNS), error(C1, Packet(key=DNS.reply))],
            Conversation(DNS, (0,), answered=False, errors=(1,)),
        ),
        (
            [error(HOST01, Packet(key=DNS))],
            Conversation(DNS, (), answered=False, errors=(0,)),
        ),
    ],
    ids=[
        "answered",
        "unanswered",
        "began before: SYN-ACK",
        "began before: echo reply",
        "began before: echo reply 6",
        "began before: who knows",
        "error",
        "error first",
        "error about the reply",
        "error alone",
    ],
)
def test_one_conversation(packets: list[Packet], expected: Conversation) -> None:
    """Both directions and the errors about them are one conversation."""
    assert [expected] == conversations(capture(packets))


def test_conversations_in_order() -> None:
    """Conversations come in order of first sight, however they interleave."""
    other = replace(Packet(key=DNS), data=b"x")
    seen = capture([Packet(key=WEB), other, Packet(key=WEB.reply), other])

    assert [found.key for found in conversations(seen)] == [WEB, DNS]


@pytest.mark.parametrize("frame", NO_FLOW.values(), ids=NO_FLOW)
def test_no_flow(frame: bytes) -> None:
    """What belongs to a link, to a group, or has no header has no way."""
    table = FlowTable()

    assert ways_of(table, [frame]) == [NO_UNIFLOW]
    assert table.count == 0


@pytest.mark.parametrize(
    "packet",
    [
        *map(icmp6_frame, (127, 138, 142, 144)),
        Packet(key=DNS._replace(dst="223.255.255.255")),
        Packet(key=DNS._replace(src=WEB6.src, dst="fe80::1")),
        Packet(key=DNS._replace(src="224.0.0.251")),
    ],
)
def test_flow(packet: Packet | bytes) -> None:
    """Other ICMPv6 is of a flow, and so is whatever goes to one host."""
    assert ways_of(FlowTable(), [packet]) == [0]


def test_every_kind_of_packet_has_the_way_of_its_key() -> None:
    """The table agrees with the keys of single packets about every crafted frame."""
    seen, table = capture(frames().values()), FlowTable()
    ways = [way for block in seen.blocks() for way in table.add(*block).tolist()]

    found = [None if way == NO_UNIFLOW else table.key(way) for way in ways]

    assert found == [uniflow_of(seen, row) for row in range(len(seen))]
    assert len({way for way in ways if way != NO_UNIFLOW}) > 10


def test_ways() -> None:
    """A way is twice the number of its conversation, and one more for replies."""
    packets = [Packet(key=key) for key in (WEB, DNS, WEB.reply, DNS.reply, WEB)]

    assert ways_of(FlowTable(), packets) == [0, 2, 1, 3, 0]


def test_keys_of_ways() -> None:
    """Either way has the key of the packets that travel it."""
    table = FlowTable()
    ways_of(table, [Packet(key=WEB.reply), Packet(key=DNS)])

    assert [table.key(way) for way in range(4)] == [
        WEB.reply,
        WEB,
        DNS,
        DNS.reply,
    ]


@pytest.mark.parametrize(
    "other",
    [
        WEB._replace(proto=UDP),
        WEB._replace(src=C2),
        WEB._replace(sport=40001),
        WEB._replace(dst=C2),
        WEB._replace(dport=81),
        WEB._replace(sport=80, dport=40000),
        PING,
        WEB6,
    ],
    ids=str,
)
def test_another_conversation(other: Tuple5) -> None:
    """Whatever differs of the key makes another conversation."""
    packets = [Packet(key=WEB), Packet(key=other)]

    assert ways_of(FlowTable(), packets) == [0, 2]


def test_echoes_of_two_ids() -> None:
    """Echoes are told apart by their ids, other queries by nothing."""
    ids = [Packet(key=PING), Packet(key=PING._replace(sport=8, dport=8))]

    assert ways_of(FlowTable(), [*ids, icmp_packet(13), icmp_packet(17)]) == [
        0,
        2,
        4,
        4,
    ]


def test_one_address_at_both_ends() -> None:
    """Ports tell the two ways of a host that speaks with itself."""
    key = Tuple5(UDP, C1, 9, C1, 7)

    assert ways_of(FlowTable(), [Packet(key=one) for one in (key, key.reply, key)]) == [
        0,
        1,
        0,
    ]


def test_both_ends_the_same() -> None:
    """Where both ends are one there is one way."""
    table = FlowTable()
    both = Packet(key=Tuple5(UDP, C1, 9, C1, 9))

    assert ways_of(table, [both, both]) == [0, 0]
    assert table.answered() == [False]


@pytest.mark.parametrize("key", [WEB, WEB.reply])
@pytest.mark.parametrize(
    ("flags", "is_answer"),
    [
        (SYN, False),
        (SYN_ACK, True),
        (SYN_ACK | tcp.ECE, True),
        (tcp.ACK, False),
        (tcp.RST | tcp.ACK, False),
    ],
)
def test_who_began(key: Tuple5, flags: int, is_answer: bool) -> None:  # noqa: FBT001 - a table
    """Who is seen first began, unless the packet can only be an answer."""
    table = FlowTable()
    ways_of(table, [Packet(key=key, flags=flags)])

    assert table.conversations() == [key.reply if is_answer else key]
    assert table.answered() == [is_answer]


def test_who_began_is_not_told_anew() -> None:
    """A later SYN-ACK does not turn a conversation around."""
    table = FlowTable()
    packets = [Packet(key=WEB, flags=flags) for flags in (SYN, SYN_ACK)]

    assert ways_of(table, packets) == [0, 0]
    assert table.conversations() == [WEB]


def test_one_packet_in_two_blocks() -> None:
    """A conversation goes on in the next block."""
    table = FlowTable()

    assert ways_of(table, [Packet(key=WEB)]) == [0]
    assert ways_of(table, [Packet(key=DNS), Packet(key=WEB.reply)]) == [2, 1]


def test_nothing() -> None:
    """A block without packets has no ways."""
    table = FlowTable()

    assert ways_of(table, []) == []
    assert (table.conversations(), table.answered()) == ([], [])
    assert table.senders() == frozenset()


def test_rows_of_a_block_that_are_no_packets() -> None:
    """Only as many rows are looked at as there are packets."""
    table = FlowTable()
    (block,) = capture([Packet(key=WEB), Packet(key=DNS)]).blocks()

    assert table.add(block.columns, 1).tolist() == [0]
    assert table.count == 1


def test_errors_come_second_in_a_block() -> None:
    """An error before the packet it quotes does not begin the conversation."""
    table = FlowTable()
    packets = [
        error(HOST01, Packet(key=DNS)),
        Packet(key=WEB),
        Packet(key=DNS),
    ]

    assert ways_of(table, packets) == [3, 0, 2]
    assert table.conversations() == [WEB, DNS]


@pytest.mark.parametrize("key", [DNS, DNS.reply, PING, PING.reply])
def test_error_of_an_earlier_block(key: Tuple5) -> None:
    """An error begins a conversation if nothing else did: who is quoted asked."""
    table = FlowTable()

    assert ways_of(table, [error("192.0.2.1", Packet(key=key))]) == [1]
    assert table.conversations() == [key]
    assert ways_of(table, [Packet(key=key)]) == [0]
    assert ways_of(table, [Packet(key=key.reply, reply=True)]) == [1]


def test_error6() -> None:
    """ICMPv6 errors travel against what they quote as well."""
    table = FlowTable()
    quotes = [Packet(key=WEB6), Packet(key=PING6)]

    assert ways_of(table, [error6(quotes[0]), *quotes, error6(quotes[1])]) == [
        1,
        0,
        2,
        3,
    ]


def test_error_is_no_answer() -> None:
    """Neither an error nor who sent it tells anything of the conversation."""
    table = FlowTable()
    refused = replace(error(HOST01, Packet(key=DNS)), direction=IN)
    ways_of(table, [Packet(key=DNS), refused])

    assert table.answered() == [False]
    assert table.senders() == frozenset()


@pytest.mark.parametrize("blocks", [1, 7])
def test_growth(blocks: int) -> None:
    """A table that grows keeps numbers, keys and what it knows of conversations."""
    table, packets = FlowTable(), many()
    size = -(-len(packets) // blocks)
    ways: list[int] = []
    for first in range(0, len(packets), size):
        ways += ways_of(table, packets[first : first + size])
    replies = [replace(p, key=p.key.reply) for p in packets[::3]]

    assert ways == list(range(0, 2 * MANY, 2))
    assert ways_of(table, replies) == list(range(1, 2 * MANY, 6))
    assert table.conversations() == [packet.key for packet in packets]
    assert table.answered() == [not number % 3 for number in range(MANY)]


def test_growth_by_errors() -> None:
    """A table may grow while errors are added, which begin conversations too."""
    table = FlowTable()
    refused = [error(HOST01, packet) for packet in many()]

    assert ways_of(table, refused) == list(range(1, 2 * MANY, 2))
    assert table.conversations() == [packet.key for packet in many()]


def test_part_of_the_conversations() -> None:
    """Keys may be asked for from a number on, and only so many."""
    table, packets = FlowTable(), many(5)
    ways_of(table, packets)

    assert table.conversations(2, 2) == [packet.key for packet in packets[2:4]]
    assert table.conversations(3) == [packet.key for packet in packets[3:]]
    assert table.conversations(5) == []


@pytest.mark.parametrize(
    ("directions", "expected"),
    [
        ([(False, OUT)], True),
        ([(False, IN)], False),
        ([(False, UNKNOWN)], False),
        ([(False, UNKNOWN), (False, OUT)], False),
        ([(True, OUT)], False),
        ([(False, IN), (False, OUT)], False),
        ([(False, OUT), (False, IN)], True),
        ([(True, OUT), (False, OUT)], True),
        ([(True, IN), (False, IN)], False),
    ],
)
def test_sent(directions: list[tuple[bool, object]], expected: bool) -> None:  # noqa: FBT001 - a table
    """The initiator's first packet tells whether the host sent it on here."""
    table = FlowTable()
    packets = [
        Packet(
            key=WEB.reply if back else WEB,
            flags=SYN_ACK if back else SYN,
            direction=seen,  # type: ignore[arg-type]
        )
        for back, seen in directions
    ]
    ways_of(table, packets)

    assert table.sent(0) == expected


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        ([Packet(key=WEB, direction=IN)], {C1}),
        ([Packet(key=WEB, direction=OUT)], set()),
        ([Packet(key=WEB)], set()),
        (
            [Packet(key=WEB, direction=OUT), Packet(key=WEB.reply, direction=IN)],
            {HOST01},
        ),
        (
            [Packet(key=WEB, direction=IN), Packet(key=WEB.reply, direction=IN)],
            {C1, HOST01},
        ),
        ([Packet(key=WEB.reply, direction=IN)], {HOST01}),
        ([Packet(key=DNS._replace(dst="224.0.0.251"), direction=IN)], set()),
        ([Packet(key=DNS, direction=OUT), Packet(key=WEB, direction=IN)], {C1}),
    ],
)
def test_senders(packets: list[Packet], expected: set[str]) -> None:
    """Senders are the addresses whose packets came into the host here."""
    table = FlowTable()
    ways_of(table, packets)

    assert table.senders() == expected


def test_conversations_of_nothing() -> None:
    """A capture without packets has no conversations."""
    assert conversations(capture([])) == []


def test_no_answer_is_read_into_other_protocols() -> None:
    """Only of ICMP is type 0 an answer: other protocols have no type."""
    keys = [DNS, Tuple5(47, C1, 0, HOST01, 0), Tuple5(TCP, C1, 1, HOST01, 2)]
    packets = [
        Packet(key=key, body=b"gre" if key.proto == 47 else None) for key in keys
    ]

    assert [found.key for found in conversations(capture(packets))] == keys
    assert not any(found.answered for found in conversations(capture(packets)))
    assert conversations(capture([Packet(key=PING, reply=True)]))[0].key.proto == ICMP
