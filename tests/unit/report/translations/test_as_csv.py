"""Flows as CSV; what the command does with it is tested there."""

from __future__ import annotations

import csv

from tests.unit.report.translations.handmade import flow, losing, loss

from pytest_netlab.nat import Translations
from pytest_netlab.nat.translations import Change, Delay, Renewal
from pytest_netlab.report.translations import to_csv


def rows(found: Translations) -> list[dict[str, str]]:
    """Return the lines as a spreadsheet reads them."""
    return list(csv.DictReader(to_csv(found).splitlines()))


def test_numbers_are_those_of_all_flows() -> None:
    """A flow has one number in all tables, and in comments."""
    found = Translations((flow(outside=None), flow()))

    assert to_csv(found).splitlines()[1].startswith("1,tcp,none,dropped,")


def test_losses_are_counted_by_direction() -> None:
    """A flow without a loss has zeros."""
    found = losing(loss(1, 2), loss(3, reply=True), flows=(flow(), flow()))
    counts = [(one["lost_original"], one["lost_reply"]) for one in rows(found)]

    assert counts == [("2", "1"), ("0", "0")]


def test_delay_renewal_and_doubt() -> None:
    """Cells are empty where nothing is known."""
    known = flow()._replace(
        ambiguous=2, delay=Delay(1, 2, 3), renewal=Renewal("inside", 7, closed=True)
    )
    one, other = rows(Translations((known, flow())))
    names = (
        *("ambiguous", "delay_min_ns", "delay_median_ns", "delay_max_ns"),
        *("renewed_after_ns", "renewed_key", "renewed_closed"),
    )

    assert [one[name] for name in names] == ["2", "1", "2", "3", "7", "inside", "true"]
    assert [other[name] for name in names] == ["0", *[""] * 6]


def test_changes() -> None:
    """What was rewritten is one cell, with a count where not all packets were."""
    known = flow()._replace(
        changes=(Change("ip_id", "ip id rewritten", 2), Change("payload", "told", 1))
    )
    one, other = rows(Translations((known, flow())))

    assert one["changes"] == "ip id rewritten; told (1 packet)"
    assert other["changes"] == ""


def test_who_began_may_be_a_guess() -> None:
    """Then the cell is true."""
    cells = rows(Translations((flow()._replace(guessed=True), flow())))

    assert [one["guessed"] for one in cells] == ["true", "false"]
