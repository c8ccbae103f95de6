"""A conversation that one side saw nothing of is local, lost, or was not captured."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, C2, HOST, HOST01, STRANGER, Packet, routed, timed

from pytest_netlab.flows import TCP, UDP, Tuple5
from pytest_netlab.nat import learn
from pytest_netlab.nat.translations import Absent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.nat.translations import Account

KEY = Tuple5(UDP, C1, 5000, HOST01, 6000)
SENT = KEY._replace(src=HOST)
INWARDS = Tuple5(UDP, STRANGER, 4000, HOST, 81)
DNS = Tuple5(UDP, C1, 5353, HOST01, 53)
AT = (0, 10, 20, 30)


def account(
    inside: Sequence[tuple[float, Packet]] = (),
    outside: Sequence[tuple[float, Packet]] = (),
) -> Account:
    """Return the account of these packets among others that crossed, both ways."""
    near, far = list(inside), list(outside)
    for ms in AT:
        for key, sent in ((KEY, SENT), (INWARDS._replace(dst=C2, dport=80), INWARDS)):
            one = Packet(key=key, data=b"%d" % ms, ip_id=ms + 1)
            before, after = (one, routed(one, sent)) if key is KEY else (None, None)
            if before and after:
                near.append((ms, before))
                far.append((ms + 0.1, after))
            else:
                came = Packet(key=sent, data=b"i%d" % ms, ip_id=ms + 1)
                far.append((ms, came))
                near.append((ms + 0.1, routed(came, key)))
    return learn(timed(near), timed(far)).account


def lost(found: Account) -> list[tuple[str, str, int]]:
    """Return side, status and number of packets of each loss."""
    return [(one.side, one.status, len(one.rows)) for one in found.losses]


def asked(key: Tuple5, ttl: int = 64, at: float = 5) -> list[tuple[float, Packet]]:
    """Return a request and its answer, which has this ttl."""
    answer = Packet(key=key.reply, data=b"a", ip_id=8, ttl=ttl)
    return [(at, Packet(key=key, data=b"q", ip_id=7)), (at + 1, answer)]


def test_all_crossed() -> None:
    """Nothing is missing where nothing is."""
    assert account().losses == ()


def test_unanswered() -> None:
    """A request that nobody answers, and that did not leave, was lost."""
    assert lost(account(asked(DNS)[:1])) == [("inside", "lost", 1)]


@pytest.mark.parametrize("ttl", [64, 128, 255])
def test_answered_by_the_host(ttl: int) -> None:
    """What a neighbour answered never was to cross: nobody had lowered its ttl."""
    found = account(asked(DNS, ttl))

    assert (found.losses, found.absent) == ((), ())


def test_answered_from_beyond() -> None:
    """An answer that a router has forwarded crossed, and so did what it answers."""
    found = account(asked(DNS, 63))

    assert lost(found) == [
        ("inside", "not captured", 1),
        ("inside", "not captured", 1),
    ]
    assert found.absent == (Absent("outside", UDP, 53, 2, crossed=True),)


@pytest.mark.parametrize(
    ("key", "port"), [(DNS, 53), (DNS._replace(proto=TCP), None)], ids=["port", "all"]
)
def test_a_port_or_protocol_that_is_absent(key: Tuple5, port: int | None) -> None:
    """Where a side has nothing of it, it may be filtered: that is said."""
    found = account(asked(key)[:1])

    assert lost(found) == [("inside", "lost", 1)]
    assert found.absent == (Absent("outside", key.proto, port, 1, crossed=False),)


def test_a_port_that_others_use() -> None:
    """Nothing is said of a port that the other side has packets of."""
    other = [(6.0, Packet(key=Tuple5(UDP, HOST, 999, HOST01, 53)))]

    assert account(asked(DNS)[:1], other).absent == ()


def test_between_two_of_one_side() -> None:
    """What a station sends to another one inside is not for the host."""
    assert account([(5, Packet(key=Tuple5(UDP, C1, 9, C2, 9)))]).losses == ()


def test_of_the_host_itself() -> None:
    """What the host sends, or is sent, is local: it has the translated address."""
    sent = Packet(key=Tuple5(UDP, HOST, 999, HOST01, 123))
    scan = Packet(key=Tuple5(UDP, STRANGER, 999, HOST, 9999))

    assert account(outside=[(5, sent), (6, scan)]).losses == ()


def test_published_and_not_forwarded() -> None:
    """A port that other flows show to be published loses what does not cross."""
    again = Packet(key=INWARDS._replace(sport=4444), data=b"x", ip_id=3)

    assert lost(account(outside=[(5, again)])) == [("outside", "lost", 1)]


def test_many_conversations() -> None:
    """Four times as many take four times as long, not sixteen."""
    few, many = (_seconds(count) for count in (3_000, 12_000))

    assert many < 9 * few


def _seconds(count: int) -> float:
    """Return the processor time of an account of so many lost conversations."""
    keys = (Tuple5(UDP, C1, 1024 + n, HOST01, 1024 + n) for n in range(count))
    sent = [(1 + n / 1000, Packet(key=key, ip_id=9)) for n, key in enumerate(keys)]
    ends = [(ms, Packet(key=KEY, data=b"%d" % ms, ip_id=3)) for ms in (0, 100)]
    crossed = [(ms + 0.1, routed(one, SENT)) for ms, one in ends]
    found = learn(timed([*sent, *ends]), timed(crossed))
    assert len(found.flows) == count + 1
    before = process_time()
    assert len(found.account.losses) == count
    return process_time() - before
