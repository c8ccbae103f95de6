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


DROP, FORWARD = "filter -A DOCKER-USER -j DROP", "filter :FORWARD ACCEPT"


def test_groups() -> None:
    """What changed since the lab started comes first, then what counted packets."""
    host = changed(
        missing=("route c1 dev docker0", "nat -A A -j B"),
        extra=("nft inet site forward drop", DROP, "nat -A C -j D"),
        moved=("nat -A E -j F",),
        counts={DROP: 3, "nft inet site forward drop": 1, "nat -A E -j F": 0},
        since=frozenset({"route c1 dev docker0", DROP}),
    )

    assert list(changes({}, host))[1:] == [
        "  changed since the lab started",
        "  - route c1 dev docker0",
        f"  + {DROP} (3 packets)",
        "  counted packets during the capture",
        "  + nft inet site forward drop (1 packet)",
        "  otherwise",
        "  - nat -A A -j B",
        "  + nat -A C -j D",
        "  ~ nat -A E -j F (moved among the rules)",
    ]


def test_one_group_says_which() -> None:
    """A title stands above a single group too, if it says anything."""
    host = changed(extra=(DROP,), since=frozenset({DROP}))

    assert list(changes({}, host))[1:] == [
        "  changed since the lab started",
        f"  + {DROP}",
    ]


def test_many_rules() -> None:
    """Rules that say little are counted; where they all are is said once."""
    host = changed(missing=[f"rule {one}" for one in range(15)], usual=41)
    told = list(changes({}, host))

    assert told[1] == "  - rule 0"
    assert told[13:] == [
        "  ... and 3 more lines",
        "  41 more rules, as each engine writes its own",
        "  all rules are in golden.toml, and here in host/ of the evidence",
    ]


def test_many_rules_that_changed() -> None:
    """What changed since the lab started is never cut short."""
    rules = [f"rule {one}" for one in range(30)]
    told = list(changes({}, changed(extra=rules, since=frozenset(rules))))

    assert len(told) == len(rules) + 2


def test_details_share_a_line() -> None:
    """Versions beside engine and kernel are one line; sysctls have one each."""
    settings = {
        "engine": ENGINE,
        "api": ("1.41", "1.52"),
        "tcp_loose": ("1", "0"),
        "runc": ("1.1", "1.3"),
    }

    assert list(changes({}, changed(settings=settings)))[1:] == [
        "  recorded on engine 20.10; here engine 29.0",
        "  api 1.41 -> 1.52, runc 1.1 -> 1.3",
        "  tcp_loose: 1 then, 0 here",
    ]


def test_chains_that_accept() -> None:
    """A built-in chain that accepts is told only where it did otherwise before."""
    accepts = "mangle :INPUT ACCEPT"
    assert list(changes({}, changed(extra=(accepts,)))) == []
    recent = changed(extra=(accepts,), since=frozenset({accepts}))
    assert list(changes({}, recent)) == []
    assert list(
        changes({}, changed(missing=("filter :FORWARD DROP",), extra=(FORWARD,)))
    )[1:] == ["  - filter :FORWARD DROP", f"  + {FORWARD}"]


@pytest.mark.parametrize(
    "host", [changed(full="9 of 9"), changed(conntrack_entries=("entry",))]
)
def test_no_title_alone(host: HostChange) -> None:
    """What is known of connections is for causes: no title stands above nothing."""
    assert list(changes({}, host)) == []
