"""The kill matrix, as text and as JSON."""

from __future__ import annotations

import io
import json

from rich.console import Console

from pytest_netlab.mutate import Mutant, Outcome
from pytest_netlab.report import mutants as report


def mutant(outcome: Outcome, **fields: object) -> Mutant:
    """Return what became of a mutation."""
    told = {"scenario": "ping", "kind": "ttl", "name": "ttl 40 -> 41", **fields}
    return Mutant(outcome=outcome, **told)  # type: ignore[arg-type]


FOUND = [
    mutant(
        Outcome.CAUGHT,
        wanted=("leaked",),
        cause="leaked",
        cites=(("-j DROP",), ("host02", "10.0.0.3")),
        text="look at -j DROP",
    ),
    mutant(Outcome.CAUGHT, wanted=("leaked",), cause="proxied", scenario="web"),
    mutant(Outcome.SURVIVED),
    mutant(Outcome.EQUIVALENT, kind="source MAC", why="MAC addresses are not told"),
    mutant(
        Outcome.FALSE_POSITIVE,
        kind="drop",
        name="drop (ack)",
        why="timing; yet crossing",
    ),
]


def text() -> str:
    """Return the table as a pipe gets it."""
    out = io.StringIO()
    for part in report.to_table(FOUND):
        Console(file=out, width=120, highlight=False).print(part)
    return out.getvalue()


def test_matrix() -> None:
    """A row a kind, a column a scenario; what is wrong is marked."""
    rows = [line.split() for line in text().splitlines()]

    assert ["mutation", "ping", "web"] in rows
    assert ["ttl", "1/2", "!1", "?1", "1/1", "~1"] in rows
    assert ["source", "MAC", "=1", "-"] in rows


def test_defects_are_named() -> None:
    """What must not be is told one by one, with what differed or the right cause."""
    told = text()

    assert "SURVIVED  ping: ttl 40 -> 41\n" in told
    assert "ALARM  ping: drop (ack)\n          timing; yet crossing\n" in told
    assert "CAUSE     web: ttl 40 -> 41: proxied, not leaked\n" in told
    lines = told.splitlines()
    at = lines.index("TEXT      ping: ttl 40 -> 41: no host02 or 10.0.0.3 in")
    assert lines[at + 1].strip() == "look at -j DROP"
    assert told.splitlines()[-1] == (
        "5 mutations: 2 caught, 1 equivalent, 1 survived, 1 alarm, "
        "cause right in 1 of 2, text right in 0 of 1"
    )


def test_json() -> None:
    """Machines get every mutation, and the counts first."""
    found = json.loads("".join(report.to_json(FOUND)))

    assert found["summary"] == {
        "caught": 2,
        "equivalent": 1,
        "survived": 1,
        "alarm": 1,
        "crashed": 0,
        "causes": 2,
        "causes_right": 1,
        "texts": 1,
        "texts_right": 0,
    }
    assert [one["cause_right"] for one in found["mutations"]][:3] == [True, False, None]
    assert [one["text_right"] for one in found["mutations"]][:2] == [False, None]
