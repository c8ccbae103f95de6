"""One run of a scenario: how it ended, as verdict.json, and read from there again."""

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
    """A run: which test, how it ended, on which host, and its verdict if it has one.

    `error` is what it ended by beside its packets, "" for nothing.
    """

    scenario: str
    test: str
    outcome: str
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None


def dumps(record: Record, hide: Callable[[str], str] = str) -> tuple[str, bool]:
    """Return the text of verdict.json, and whether something in it was masked.

    Args:
        record: the run.
        hide: returns a free text without secrets.

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
    """Read what of a verdict.json counts where the packets beside it are judged again.

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
