"""What differs between two captures, as text, JSON and CSV."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from pytest_netlab.causes import Cause
from pytest_netlab.diff import Difference
from pytest_netlab.report.differences import to_csv, to_json, to_text
from pytest_netlab.report.text import SHOWN

CAUSE = Cause("leaked", "icmp echo c1 -> host01", "c1 left with its own address")
TTL = Difference(
    flow="icmp echo c1 -> host01",
    direction="original",
    point="uplink",
    packet=4,
    field="ttl",
    want="63",
    got="60",
    cause=CAUSE,
    expected=63,
    found=60,
)
GONE = replace(TTL, direction="reply", packet=None, field="packet", got="nothing")
WEB = replace(TTL, flow="tcp host01 -> host:81", cause=None, packet=9)


def test_no_text() -> None:
    """That nothing differs is said."""
    assert list(to_text([])) == ["0 differences in 0 flows"]


def test_text() -> None:
    """Each flow is a paragraph, in order, that leads with direction and cause."""
    assert list(to_text([TTL, WEB, GONE])) == [
        "flow       icmp echo c1 -> host01, original and reply direction",
        "cause      leaked: c1 left with its own address",
        "  ttl (original, packet 4 at uplink)",
        "    expected  63",
        "    actual    60",
        "  packet (reply, at uplink)",
        "    expected  63",
        "    actual    nothing",
        "",
        "flow       tcp host01 -> host:81, original direction",
        "  ttl (original, packet 9 at uplink)",
        "    expected  63",
        "    actual    60",
        "",
        "3 differences in 2 flows",
    ]


@pytest.mark.parametrize(
    ("found", "last"),
    [
        ([TTL], "1 difference in 1 flow"),
        ([TTL, GONE], "2 differences in 1 flow"),
        ([TTL, WEB], "2 differences in 2 flows"),
    ],
)
def test_how_many(found: list[Difference], last: str) -> None:
    """The last line counts differences and flows, one as one."""
    assert list(to_text(found))[-1] == last


def test_all_are_told() -> None:
    """However many there are, text that is asked for leaves none out."""
    many = [replace(TTL, packet=number) for number in range(1, 2 * SHOWN)]
    lines = list(to_text(many))

    assert sum("packet" in line for line in lines) == len(many)
    assert not any("more" in line for line in lines)


@pytest.mark.parametrize("found", [[], [TTL], [TTL, WEB, GONE]])
def test_json(found: list[Difference]) -> None:
    """JSON is one list, a line a difference, of all that is told in words."""
    text = "".join(to_json(found))

    assert json.loads(text) == [one.plain() for one in found]
    assert text.count("\n") == (len(found) + 2 if found else 1)
    assert text.endswith("]\n")


def test_json_of_a_cause() -> None:
    """A cause is an object of its own, null where there is none."""
    first, second = json.loads("".join(to_json([TTL, WEB])))

    assert first["cause"] == CAUSE.plain()
    assert second["cause"] is None
    assert "expected" not in first


HEADER = "flow,direction,point,packet,field,want,got,cause"


def test_csv() -> None:
    """CSV is a line a difference under one of names; what is None is empty."""
    assert to_csv([TTL, replace(GONE, cause=None)]).splitlines() == [
        HEADER,
        (
            "icmp echo c1 -> host01,original,uplink,4,ttl,63,60,"
            "leaked: c1 left with its own address"
        ),
        "icmp echo c1 -> host01,reply,uplink,,packet,63,nothing,",
    ]


def test_no_csv() -> None:
    """A table without differences has its names, and no carriage returns."""
    assert to_csv([]) == f"{HEADER}\n"


def test_csv_of_any_text() -> None:
    """Commas, quotes and line breaks in values come back as they were."""
    odd = replace(TTL, want='a, "b"\nc', cause=None)

    (_, row) = csv.reader(to_csv([odd]).splitlines(keepends=True))

    assert row[5] == 'a, "b"\nc'
