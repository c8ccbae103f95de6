"""What is said of flows, captures and clocks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.report.translations.handmade import (
    CLOCK,
    INSIDE,
    NO_UDP,
    OUTSIDE,
    START,
    flow,
)

from pytest_netlab.nat import Flow, Translations
from pytest_netlab.nat.clocks.clock import Clock
from pytest_netlab.nat.translations import Absent, Account, Change, Renewal
from pytest_netlab.report.translations import notes

TOLD = flow()


def lines(account: Account) -> dict[str, str]:
    """Return the lines by their label."""
    return dict(notes.of_captures(Translations((flow(),), account=account)))


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (TOLD, ""),
        (TOLD._replace(ambiguous=2), "ambiguous"),
        (TOLD._replace(ambiguous=1), "1 ambiguous"),
        (
            TOLD._replace(renewal=Renewal("inside", 61 * 10**9, closed=True)),
            "reused after 61 s",
        ),
        (
            TOLD._replace(renewal=Renewal("inside", 600 * 10**9, closed=False)),
            "rebound after 600 s idle",
        ),
        (
            TOLD._replace(
                ambiguous=2, renewal=Renewal("outside", 300 * 10**9, closed=False)
            ),
            "ambiguous, reused after 300 s idle",
        ),
        (TOLD._replace(guessed=True), "who began it is a guess"),
        (
            TOLD._replace(changes=(Change("ip_id", "ip id rewritten", 2),)),
            "ip id rewritten",
        ),
        (
            TOLD._replace(ambiguous=1, changes=(Change("payload", "rewritten", 1),)),
            "1 ambiguous, rewritten (1 packet)",
        ),
    ],
)
def test_flows(told: Flow, text: str) -> None:
    """A note tells doubt, and the mapping that a flow took over."""
    assert notes.of_flow(told) == text


def test_captures() -> None:
    """A capture has its time, and what the other one does not cover."""
    found = lines(Account(inside=INSIDE, outside=OUTSIDE))

    assert found == {
        "inside": (
            "12 packets, 2023-11-14 22:13:20.000000 to 22:13:30.000000 UTC; "
            "not looked for: 5 packets before the outside capture began, 1 packet "
            "after the outside capture had ended"
        ),
        "outside": (
            "1 packet, 2023-11-14 22:13:21.000000 to 22:13:21.000000 UTC; "
            "3 more were dropped while capturing"
        ),
    }


def test_an_empty_capture() -> None:
    """A side without a packet has no time."""
    assert lines(Account(inside=INSIDE))["outside"] == "no packet"
    assert lines(Account()) == {}


@pytest.mark.parametrize(
    ("clock", "text"),
    [
        (
            CLOCK,
            "the outside is 5.000000 s ahead, within 35.0 us, and runs 1.5 ppm faster",
        ),
        (
            replace(CLOCK, offset=-40_000, drift=-9e-5),
            "the outside is 40.0 us behind, within 35.0 us, and runs 90.0 ppm slower",
        ),
        (
            replace(CLOCK, offset=-30_000, drift=1e-9),
            "inside and outside agree within 35.0 us",
        ),
        (replace(CLOCK, offset=0, drift=0.0, error=0), "inside and outside agree"),
        (
            replace(CLOCK, offset=300_000, drift=0.0, error=0),
            "the outside is 300 us ahead",
        ),
        (
            Clock(start=START, offset=0, one_way=True),
            "inside and outside seem to agree; all packets went one way",
        ),
        (
            Clock(start=START, offset=70_000, one_way=True),
            (
                "the outside is 70.0 us ahead, delay included: all packets went one "
                "way, so delays are counted from the shortest"
            ),
        ),
    ],
)
def test_clocks(clock: Clock, text: str) -> None:
    """An offset has its error, and a drift if it can be seen; a bound says so."""
    assert lines(Account(clock=clock)) == {"clock": text}


@pytest.mark.parametrize(
    ("absent", "text"),
    [
        (
            NO_UDP,
            "outside has no udp at all: that capture seems filtered (9 packets inside)",
        ),
        (
            Absent(side="inside", proto=6, port=443, packets=1, crossed=False),
            (
                "inside has no tcp port 443: that capture seems filtered, or all was "
                "dropped (1 packet outside)"
            ),
        ),
    ],
)
def test_what_a_capture_lacks(absent: Absent, text: str) -> None:
    """What was answered crossed; anything else may have been dropped as well."""
    assert lines(Account(absent=(absent,)))["absent"] == text
