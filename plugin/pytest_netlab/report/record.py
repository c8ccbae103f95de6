"""One run of a scenario as verdict.json, and back: all that its text is made of."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from pytest_netlab import nat
from pytest_netlab.checks import Violation
from pytest_netlab.diff import Difference, Story, Told
from pytest_netlab.diff import story as stories
from pytest_netlab.errors import GoldenError
from pytest_netlab.lab import stored
from pytest_netlab.nat import translations
from pytest_netlab.runner import Verdict

if TYPE_CHECKING:
    from pathlib import Path

# What annotations name that their modules import for type checkers only.
NAMES = {
    **{name: getattr(nat, name) for name in nat.__all__},
    "Line": stories.Line,
    "Violation": Violation,
    **{one.__name__: one for one in (Difference, Story, Told)},
    "Kind": translations.Kind,
    "Fate": translations.Fate,
    "Mapping": Mapping,
    "Sequence": Sequence,
}


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


def dumps(record: Record) -> str:
    """Return the text of verdict.json."""
    verdict = record.verdict
    flat = {name: getattr(record, name) for name in ("scenario", "test", "outcome")}
    table = {
        "format": stored.FORMAT,
        **flat,
        "cause": verdict.cause if verdict else "",
        "error": record.error,
        "differences": [asdict(d) for d in verdict.differences] if verdict else [],
        "flows": [asdict(fact) for fact in verdict.observed.facts] if verdict else [],
        "facts": dict(record.facts),
        "verdict": _plain(verdict),
    }
    return json.dumps(table, indent=2, default=int) + "\n"


def read(folder: Path) -> Record:
    """Read the verdict.json of a bundle.

    Raises:
        GoldenError: it is damaged, foreign, or of another format.

    """
    path = folder / stored.VERDICT
    table = stored.table(path)
    try:
        found: Record = _made(
            Record, {one.name: table[one.name] for one in fields(Record)}
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GoldenError(f"{path}: damaged, or of another version: {error}") from error
    return found


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a value: dataclasses as tables, field by field."""
    if isinstance(value, Violation):
        return _plain_violation(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _plain_violation(bad: Violation) -> dict[str, Any]:
    """Return a violation as format 1 has it: by its packet's number, not by rows."""
    names = ("field", "want", "got", "point", "reply", "packet")
    flow = {"flow": bad.flow} if bad.flow else {}
    return {name: getattr(bad, name) for name in names} | flow


def _made_violation(table: Any) -> Violation:
    """Return the violation of such a table."""
    hints = typing.get_type_hints(Violation)
    known = {name: _made(hints[name], table[name]) for name in table.keys() & hints}
    unknown = table.keys() - hints - {"packet"}
    if unknown:
        raise ValueError(f"a violation has no {unknown.pop()!r}")
    return Violation(**known, rows=(_made(int, table["packet"]) - 1,))


def _made(kind: Any, value: Any) -> Any:
    """Return a value of an annotated type from what JSON made of it."""
    if kind is Violation:
        return _made_violation(value)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind, localns={**NAMES, "Verdict": Verdict})
        return kind(**{name: _made(hints[name], value[name]) for name in value})
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        wanted = [one for one in inner if one is not types.NoneType]
        return None if value is None else _made(wanted[0], value)
    if origin is tuple:
        many = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_made(k, v) for k, v in zip(many, value, strict=True))
    if origin in (Mapping, dict):
        return {name: _made(inner[1], one) for name, one in value.items()}
    known = value in inner if origin is Literal else isinstance(value, kind)
    if not known:
        raise ValueError(f"{value!r} is no {getattr(kind, '__name__', kind)}")
    return value
