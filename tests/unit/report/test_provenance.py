"""In what a host differs from the golden's, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.hosts import changed

from pytest_netlab.report.provenance import changes, environment

if TYPE_CHECKING:
    from pytest_netlab.host import HostChange

KERNEL, ENGINE = ("6.1", "6.18"), ("20.10", "29.0")
FULL_TITLE = "this host differs from the one the golden was recorded on"


@pytest.mark.parametrize(
    ("recorded_on", "settings", "told"),
    [
        ({}, {}, ""),
        ({"kernel": "6.1"}, {}, ""),
        ({"kernel": "6.1"}, {"ip_forward": ("1", "0")}, ""),
        ({}, {"kernel": KERNEL}, "recorded on kernel 6.1; here kernel 6.18"),
        (
            {"engine": "20.10", "os": "debian"},
            {"kernel": KERNEL},
            "recorded on engine 20.10, kernel 6.1; here kernel 6.18",
        ),
        (
            {},
            {"kernel": KERNEL, "engine": ENGINE},
            "recorded on engine 20.10, kernel 6.1; here engine 29.0, kernel 6.18",
        ),
        (
            {"kernel": "6.1.0-13"},
            {"kernel": KERNEL},
            "recorded on kernel 6.1.0-13; here kernel 6.18",
        ),
    ],
    ids=["same", "as recorded", "setting", "kernel", "engine too", "both", "recorded"],
)
def test_environment(
    recorded_on: dict[str, str], settings: dict[str, tuple[str, str]], told: str
) -> None:
    """Versions are told if one differs: all that are known of then, those of here."""
    assert environment(recorded_on, changed(settings=settings)) == told


def test_same_host() -> None:
    """Of a host that is as it was nothing is told, whatever it was recorded on."""
    assert list(changes({"kernel": "6.1"}, changed())) == []


def test_changes() -> None:
    """Versions come first, then settings, then rules as a diff."""
    host = changed(
        missing=("rule a", "rule b"),
        extra=("rule c",),
        settings={"ip_forward": ("1", "0"), "kernel": KERNEL, "engine": ENGINE},
    )

    assert list(changes({}, host)) == [
        FULL_TITLE,
        "  recorded on engine 20.10, kernel 6.1; here engine 29.0, kernel 6.18",
        "  ip_forward: 1 then, 0 here",
        "  - rule a",
        "  - rule b",
        "  + rule c",
    ]


@pytest.mark.parametrize(
    ("host", "lines"),
    [
        (changed(settings={"os": ("a", "b")}), ["  os: a then, b here"]),
        (changed(missing=("rule",)), ["  - rule"]),
        (changed(extra=("rule",)), ["  + rule"]),
        (changed(moved=("rule",)), ["  ~ rule (moved among the rules)"]),
    ],
    ids=["setting", "gone", "new", "moved"],
)
def test_one_change(host: HostChange, lines: list[str]) -> None:
    """What differs is told under one title, the order of rules too."""
    assert list(changes({}, host)) == [FULL_TITLE, *lines]


@pytest.mark.parametrize(
    "host", [changed(full="9 of 9"), changed(conntrack_entries=("entry",))]
)
def test_no_title_alone(host: HostChange) -> None:
    """What is known of connections is for causes: no title stands above nothing."""
    assert list(changes({}, host)) == []
