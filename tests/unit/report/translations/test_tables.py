"""Flows, losses and violations as tables."""

from __future__ import annotations

import pytest
from tests.unit.report.translations.handmade import (
    BROKEN,
    CLOCK,
    INSIDE,
    KEY,
    NO_UDP,
    OUTSIDE,
    flow,
    losing,
    loss,
    rendered,
)

from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.nat import Translations
from pytest_netlab.nat.translations import Account, Delay, Loss, Renewal
from pytest_netlab.report.translations import words
from pytest_netlab.report.translations.tables import SHOWN, summary

TERMINAL = 80
LONGEST = Tuple5(TCP, "2001:db8:1111:2222::abcd", 54321, "2001:db8:3333::1", 443)
LONG = Tuple5(TCP, "192.168.100.100", 54321, "203.0.113.200", 65000)


def cells(text: str) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("extra", [0, 1])
def test_long_tables_are_cut(extra: int) -> None:
    """Nobody reads thousands of rows; what is left out is counted."""
    text = rendered(Translations((flow(),) * (SHOWN + extra)))

    assert text.count("snat") == SHOWN
    assert (f"... and {extra} more: --json has all of them" in text) is bool(extra)
    assert f"{SHOWN + extra} flows, none unpaired, none lost, no violation" in text


def test_addresses_are_no_markup() -> None:
    """What rich would take for markup or an emoji is told as it is."""
    key = Tuple5(TCP, "2001:db8::1", 80, "2001:db8::2", 443)

    assert "[2001:db8::1]:80 -> [2001:db8::2]:443" in rendered(
        Translations((flow(key, key),))
    )


def test_numbers_are_those_of_all_flows() -> None:
    """A flow has one number in all tables, and in comments."""
    found = Translations((flow(outside=None), flow()))
    first = [line[:2] for line in cells(rendered(found)) if line]

    assert ["2", "tcp"] in first
    assert ["1", "tcp"] in first


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        ((), "0"),
        ((loss(3, 4),), "2"),
        ((loss(3, reply=True),), "1"),
        ((loss(3), loss(5, 6, reply=True)), "1 original, 2 reply"),
        ((loss(3)._replace(octets=((1, 5),), part=True),), "1"),
        ((loss(3, status="not captured"), loss(2, status="not looked for")), "0"),
    ],
)
def test_what_a_flow_lost(losses: tuple[Loss, ...], text: str) -> None:
    """The table of flows counts packets, by direction if both lost some."""
    (line,) = [
        line for line in rendered(losing(*losses)).splitlines() if "snat" in line
    ]

    assert line.split("  ")[-1].strip() == text


def test_losses() -> None:
    """Each loss has its packets by number, its octets, and whether a resend crossed."""
    text = rendered(
        losing(
            loss(3, 6, 7, 8)._replace(resent=True),
            loss(9, status="lost or not captured", side="outside", reply=True),
            loss(11)._replace(octets=((2897, 4344),), part=True),
        )
    )
    found = cells(text)

    assert [
        "1",
        "original",
        "inside",
        "lost",
        "4,",
        "7-9",
        "a",
        "resend",
        "crossed",
    ] in found
    assert ["1", "reply", "outside", "lost", "or", "not", "captured", "10"] in found
    assert [
        "1",
        "original",
        "inside",
        "lost",
        "part",
        "of",
        "12",
        "2897-4344",
        "(1,448)",
    ] in found


def test_what_was_not_looked_for_is_a_line() -> None:
    """Packets outside the common time are counted, not listed."""
    found = losing(loss(3, 6, status="not looked for"))

    assert "direction" not in rendered(found)
    assert "none lost" in summary(found)


@pytest.mark.parametrize(
    ("losses", "text"),
    [
        ((), "none lost"),
        ((loss(1),), "1 packet lost"),
        ((loss(*range(1448)),), "1,448 packets lost"),
        ((loss(1, status="lost or not captured"),), "1 packet lost or not captured"),
        (
            (loss(1, 2), loss(3, status="lost or not captured")),
            "2 packets lost, 1 lost or not captured",
        ),
    ],
)
def test_summary(losses: tuple[Loss, ...], text: str) -> None:
    """The last line counts losses."""
    assert summary(losing(*losses)) == f"1 flow, none unpaired, {text}, no violation"


def everything(key: Tuple5 = LONG) -> Translations:
    """Return flows, losses, violations and notes as wide as they become."""
    known = flow(key, key._replace(sport=50000))._replace(
        delay=Delay(-1_230, 62_100, 1_230_000_000),
        renewal=Renewal("inside", 600 * 10**9, closed=False),
        ambiguous=1,
    )
    losses = (
        loss(*range(0, 90, 2), status="lost or not captured")._replace(
            octets=((1, 5_000_000), (6_000_000, 7_000_000), (9, 9)), resent=True
        ),
        loss(5, reply=True),
    )
    account = Account(
        losses=losses, clock=CLOCK, inside=INSIDE, outside=OUTSIDE, absent=(NO_UDP,)
    )
    return Translations((known, flow(key, None)), (BROKEN,), account=account)


@pytest.mark.parametrize("key", [KEY, LONG, LONGEST])
def test_a_terminal_of_80_columns(key: Tuple5) -> None:
    """Nothing is wider than the terminal, and no number or word is broken."""
    text = rendered(everything(key), TERMINAL)

    assert max(map(len, text.splitlines())) <= TERMINAL
    for word in (*words.ends(key).split(), "6000000-7000000", "snat", "dropped"):
        assert word in text.split()


def test_notes_are_below_where_there_is_no_room() -> None:
    """Delays and notes have a table of their own on a narrow terminal."""
    narrow, wide = (
        rendered(everything(KEY), width).splitlines() for width in (TERMINAL, 200)
    )
    note = "1 ambiguous, rebound after 600 s idle"
    (line,) = [line for line in wide if line.endswith(note)]
    (below,) = [line for line in narrow if line.endswith(note)]

    assert f"45 original, 1 reply  -1.23 us / 62.1 us / 1.23 s  {note}" in line
    assert below == f"1     -1.23 us / 62.1 us / 1.23 s  {note}"
    assert narrow[1].endswith("45 original")
    assert narrow[2].endswith("1 reply")


def test_columns_without_a_value_are_left_out() -> None:
    """Without a delay and a note there is no column for them."""
    head = rendered(Translations((flow(),))).splitlines()[0].split()

    assert head == ["flow", "proto", "kind", "inside", "outside", "packets", "lost"]

    lost = rendered(losing(loss(3))).splitlines()[3].split()
    assert lost == ["flow", "direction", "seen", "status", "packets"]
