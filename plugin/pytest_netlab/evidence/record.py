"""The record of one run, written to verdict.json and read from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pytest_netlab.errors import DocumentError, GoldenError
from pytest_netlab.evidence import document, reading, writing
from pytest_netlab.files import documents, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_netlab.judge import Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run of a scenario.

    Attributes:
        scenario: the scenario's id; "" if there was no lab.
        test: the test's node id, or the command line.
        outcome: pass, fail, recorded or error.
        error: the error that ended it, apart from its packets; "" for none.
        facts: name -> version or setting of the host.
        verdict: None if the run was not judged.

    """

    scenario: str
    test: str
    outcome: str
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None


def dumps(record: Record, hide: Callable[[str], str] = str) -> tuple[str, bool]:
    """Return the text of verdict.json, and whether anything in it was masked.

    Args:
        record: the run.
        hide: returns a free text with its secrets masked.

    """
    table = schema.plain(_run(record))
    shown = schema.masked(table, document.Run, hide)
    return json.dumps(shown, indent=2) + "\n", shown != table


def read(folder: Path) -> Record:
    """Read the verdict.json of a bundle.

    Raises:
        GoldenError: it is damaged, foreign, or of another format.

    """
    run = _read(folder / document.VERDICT, document.Run)
    return Record(
        scenario=run.scenario,
        test=run.test,
        outcome=run.outcome,
        error=run.error,
        facts=run.facts,
        verdict=reading.verdict(run.verdict) if run.verdict else None,
    )


def read_head(path: Path) -> document.Head:
    """Read the part of a verdict.json that is used when its packets are judged again.

    Raises:
        GoldenError: it is damaged, foreign, or of another format.

    """
    return _read(path, document.Head)


def _read(path: Path, kind: type[T]) -> T:
    try:
        table = documents.json_file(path)
        schema.demand_format(table, document.FORMAT, "verdict", path)
        return schema.read(table, kind, path)
    except DocumentError as error:
        raise GoldenError(str(error)) from error


def _run(record: Record) -> document.Run:
    verdict = record.verdict
    return document.Run(
        format=document.FORMAT,
        scenario=record.scenario,
        test=record.test,
        outcome=record.outcome,
        cause=verdict.cause if verdict else "",
        error=documents.storable(record.error),
        differences=writing.differences(verdict) if verdict else (),
        flows=tuple(map(writing.fact, verdict.observed.facts)) if verdict else (),
        facts=dict(record.facts),
        verdict=writing.verdict(verdict) if verdict else None,
    )
