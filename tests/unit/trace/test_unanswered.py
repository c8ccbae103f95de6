"""Which requests came to nothing through the network, and which through the host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, OUT, Packet, error
from tests.unit.trace.through import through

from pytest_netlab.flows import ICMP, ICMP6, UDP, Tuple5
from pytest_netlab.nat import Flow
from pytest_netlab.trace import unanswered
from pytest_netlab.trace.retransmissions import DUPLICATE
from pytest_netlab.trace.unanswered import UNANSWERED
from pytest_netlab.wire import icmp

if TYPE_CHECKING:
    from collections.abc import Collection

PING, QUERY = Tuple5(ICMP, C1, 7, HOST01, 7), Tuple5(UDP, C1, 5555, HOST01, 53)
PING6 = Tuple5(ICMP6, "fd00::2", 7, "fd01::2", 7)


def flow(key: Tuple5, **changes: object) -> Flow:
    """Return a conversation that was masqueraded."""
    known = Flow(
        kind="snat",
        disposition="forwarded",
        initiated="inside",
        inside=key,
        outside=key._replace(src=HOST),
        answered=True,
    )
    return known._replace(**changes)  # type: ignore[arg-type]


def echo(seq: int, key: Tuple5 = PING) -> Packet:
    """Return an echo request; like `answer`, with an IP id of its own."""
    return Packet(key=key, seq=seq, data=b"ping", ip_id=seq * 10)


def answer(seq: int, key: Tuple5 = PING) -> Packet:
    """Return the reply to an echo request."""
    return replace(echo(seq, key), key=key.reply, reply=True, ip_id=seq * 10 + 1)


def ask(number: int, data: bytes = b"who?") -> Packet:
    """Return a datagram, by the number of its IP id."""
    return Packet(key=QUERY, data=data, ip_id=number)


def tell(number: int, data: bytes = b"me") -> Packet:
    """Return a datagram that answers."""
    return Packet(key=QUERY.reply, data=data, ip_id=number)


def marked(
    *packets: Packet, of: Flow | None = None, stuck: Collection[int] = ()
) -> list[tuple[int, str]]:
    """Return the number of each packet, as they are told, and why it is ignored."""
    key = (of or flow(packets[0].key if packets else PING)).original
    capture, found = through(packets, key, stuck)
    number = {one.rows: n for n, one in enumerate(found)}
    told = unanswered.marked(capture, of or flow(key), found)
    return [(number[one.rows], one.ignored) for one in told]


def vain(*packets: Packet, of: Flow | None = None, stuck: Collection[int] = ()) -> list:  # type: ignore[type-arg]
    """Return which packets are ignored as unanswered."""
    told = marked(*packets, of=of, stuck=stuck)
    return [number for number, why in told if why == UNANSWERED]


def test_nothing_seen() -> None:
    """Of no packets nothing is told."""
    assert marked() == []


@pytest.mark.parametrize("key", [PING, PING6], ids=["v4", "v6"])
def test_lost_before_one_that_was_answered(key: Tuple5) -> None:
    """A request that left and has no reply is ignored if a later one has."""
    assert vain(echo(1, key), echo(2, key), answer(2, key)) == [0]


@pytest.mark.parametrize(
    ("packets", "stuck"),
    [
        ([echo(1)], ()),
        ([echo(1), echo(2)], ()),
        ([echo(1), answer(1), echo(2)], ()),
        ([echo(1), echo(2), answer(2)], (0,)),
        ([echo(1), answer(1), echo(2), answer(2)], ()),
    ],
    ids=[
        "nobody answers",
        "nobody answers twice",
        "the last one",
        "lost by the host",
        "all answered",
    ],
)
def test_echoes_that_are_compared(
    packets: list[Packet], stuck: tuple[int, ...]
) -> None:
    """A request that nobody tried again, or that never left, is compared."""
    assert vain(*packets, stuck=stuck) == []


def test_replies_stand_behind_their_requests() -> None:
    """Exchanges are told in the order of their requests, however late replies are."""
    late = [echo(2), echo(1), answer(1), answer(2)]

    assert marked(*late) == [(0, ""), (3, ""), (1, ""), (2, "")]


def test_reply_that_was_seen_first() -> None:
    """A reply that a tap saw before its request is told behind it."""
    assert marked(answer(1), echo(1), of=flow(PING)) == [(1, ""), (0, "")]


def test_how_many_were_skipped() -> None:
    """Each packet knows how many requests before it are ignored as unanswered."""
    packets = [echo(1), echo(2), answer(2), echo(3), echo(4), answer(4)]
    capture, found = through(packets, PING)

    told = unanswered.marked(capture, flow(PING), found)

    assert [one.skipped for one in told] == [0, 1, 1, 0, 2, 2]
    assert [bool(one.ignored) for one in told] == [True, False, False, True, 0, 0]


@pytest.mark.parametrize(
    "of",
    [flow(PING, initiated="outside"), flow(PING, outside=None)],
    ids=["asked from outside", "never sent on"],
)
def test_whose_requests_count(of: Flow) -> None:
    """The network beyond lost only requests that left the host on its uplink."""
    lost = [echo(1), echo(2), answer(2)]

    assert vain(*lost) == [0]
    key = of.original
    packets = [replace(one, key=key.reply if one.reply else key) for one in lost]
    assert vain(*packets, of=of) == []


def test_refused() -> None:
    """Of a conversation with an ICMP error in it nothing is unanswered."""
    asked = echo(1)

    assert vain(asked, error(HOST01, asked), echo(2), answer(2)) == []


def test_exchanges_with_an_error_keep_their_order() -> None:
    """With an ICMP error in it a conversation is told as it was seen."""
    packets = [echo(1), echo(2), error(HOST01, echo(1)), answer(2), answer(1)]

    assert [number for number, _ in marked(*packets)] == [0, 1, 2, 3, 4]


def test_icmp_without_an_id_is_no_echo() -> None:
    """ICMP messages without an id are told as they came, whatever their numbers are."""
    key = PING._replace(sport=0, dport=0)
    packets = [Packet(key=key, seq=seq, ip_id=n) for n, seq in enumerate((1, 2, 1), 1)]

    assert [n for n, _ in marked(*packets, of=flow(key))] == [0, 1, 2]


@pytest.mark.parametrize(
    ("packets", "ignored"),
    [
        ([ask(1), ask(2), tell(3)], [0]),
        ([ask(1), ask(2), ask(3), tell(4)], [0, 1]),
        ([ask(1), ask(2, b"what?"), ask(3), tell(4)], [0]),
        ([ask(1), tell(2), ask(3), ask(4), tell(5)], [2]),
        ([ask(1), ask(2)], []),
        ([ask(1), tell(2), ask(3), tell(4)], []),
        ([ask(1), ask(2, b"what?"), tell(3)], []),
        ([ask(1), tell(2), ask(3), ask(4)], []),
    ],
    ids=[
        "again",
        "and again",
        "another between",
        "in a second exchange",
        "no answer at all",
        "asked twice, answered twice",
        "two questions",
        "the last one",
    ],
)
def test_datagrams(packets: list[Packet], ignored: list[int]) -> None:
    """A datagram is unanswered if the same was sent again before an answer came."""
    assert vain(*packets) == ignored


def test_datagrams_that_the_host_lost() -> None:
    """One that did not leave the host is compared, and tried nothing again."""
    assert vain(ask(1), ask(2), tell(3), stuck={0}) == []
    assert vain(ask(1), ask(2), tell(3), stuck={1}) == []


@pytest.mark.parametrize(
    ("packets", "doubled"),
    [
        ([ask(1), ask(1)], True),
        ([tell(1), tell(1)], True),
        ([ask(1), ask(2)], False),
        ([ask(0), ask(0)], False),
        ([ask(1), ask(1, b"what")], False),
        ([ask(1), ask(1, b"whose?")], False),
        ([ask(1), replace(ask(1), key=QUERY.reply)], False),
        ([ask(1), replace(ask(1), direction=OUT)], False),
    ],
    ids=[
        "request",
        "answer",
        "another id",
        "no id",
        "another content",
        "another length",
        "other way",
        "left twice",
    ],
)
def test_doubled_datagram(packets: list[Packet], *, doubled: bool) -> None:
    """What reached the host and crossed it twice, the same, is the network's doing."""
    last = marked(*packets, of=flow(QUERY))[1]

    assert last == (1, DUPLICATE if doubled else "")


def test_clone_that_got_as_far_as_any() -> None:
    """A clone is ignored if it got as far as the one before that got furthest."""
    one = ask(1)

    assert dict(marked(one, one, stuck={0})) == {0: "", 1: ""}
    assert dict(marked(one, one, stuck={1})) == {0: "", 1: ""}
    assert dict(marked(one, one, one, stuck={0})) == {0: "", 1: "", 2: DUPLICATE}
    assert dict(marked(one, one, one, stuck={1})) == {0: "", 1: "", 2: DUPLICATE}


def test_doubled_replies_have_ids_of_their_own() -> None:
    """A doubled request has two answers, of two ids; of requests the id counts."""
    again = replace(answer(1), ip_id=99)

    assert marked(echo(1), answer(1), again)[-1] == (2, DUPLICATE)
    assert marked(echo(1), replace(echo(1), ip_id=99), answer(1))[1] == (1, "")
    assert marked(echo(1), echo(1), answer(1))[1] == (1, DUPLICATE)


def test_queries_of_two_types() -> None:
    """Two ICMP queries of one IP id that ask for different things are two packets."""
    key = PING._replace(sport=0, dport=0)
    times = Packet(key=key, body=icmp.build(13), ip_id=1)
    netmask = replace(times, body=icmp.build(17))

    assert marked(times, netmask, of=flow(key)) == [(0, ""), (1, "")]
    assert marked(times, times, of=flow(key)) == [(0, ""), (1, DUPLICATE)]


def test_doubled_is_not_asked_again() -> None:
    """A datagram that the network doubled was not tried again by its sender."""
    assert marked(ask(1), ask(1), tell(2)) == [(0, ""), (1, DUPLICATE), (2, "")]
