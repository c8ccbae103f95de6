"""What verdict.json is declared to be: its free texts, its words, and its faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import faults

from pytest_netlab.errors import GoldenError
from pytest_netlab.evidence import VERDICT, read
from pytest_netlab.evidence.document import Head, Run
from pytest_netlab.files import documents, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = Path(__file__).parents[2] / "data" / "format1" / "kept" / "shop"
TABLES = ("facts", "settings", "recorded_on", "about")  # of any keys
NULLABLE = ("packet", "cause", "remap", "expected", "twin", "verdict")
DIFFERENCE = ("cause.remedy", "want", "got", "cause.text")
VIOLATION = tuple(
    f"{trace}.{where}.*.{name}"
    for trace in ("observed", "expected")
    for where in ("told.*.broken", "never")
    for name in ("want", "got")
)
# Texts in which others wrote.
FREE = {
    *("test", "error", "verdict.recorded_on.*", "verdict.twin.about.*"),
    *(f"verdict.host.{name}.*" for name in ("missing", "extra", "moved", "since")),
    "verdict.host.counted.*.rule",
    *("verdict.host.settings.*.*", "verdict.host.full"),
    *(f"differences.*.{name}" for name in DIFFERENCE),
    *(f"verdict.differences.*.{name}" for name in DIFFERENCE),
    *(f"verdict.{place}" for place in VIOLATION),
}
# Keys of other texts: words of the format, names and symbols.
WORDS = {
    *("cause", "direction", "facts.*", "field", "flow", "name", "outcome"),
    *("point", "points.*", "scenario"),
    *("initiator", "proto", "refusal", "responder", "sender", "target"),
    *("aside", "dst", "fields.*.*", "inner", "note", "outer", "src", "wanted", "what"),
}


def texts(kind: Any, place: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the place of every text that is declared, and whether it is free."""
    bare = schema.bare(kind)
    if bare is str:
        yield place, schema.is_free(kind)
    elif schema.is_table(bare):
        for key, part in schema.keys(bare).items():
            yield from texts(part, f"{place}.{key}" if place else key)
    elif inner := schema.element_type(bare, "any key") or schema.element_type(bare, 0):
        yield from texts(inner, f"{place}.*")


def test_free_texts() -> None:
    """Every text that others wrote is declared as one, and so is masked."""
    assert {place for place, free in texts(Run) if free} == FREE


def test_words() -> None:
    """Every other text is known to hold nothing of others: a new one must decide."""
    words = {place for place, free in texts(Run) if not free}

    odd = {x for x in words if not any(f".{x}".endswith(f".{one}") for one in WORDS)}
    assert odd == set()


def test_head() -> None:
    """What is read for a run that is judged again is part of what is written."""
    whole = schema.keys(Run)

    assert {name: whole[name] for name in schema.keys(Head)} == schema.keys(Head)


@pytest.mark.parametrize("seed", range(2))
def test_faults(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Whatever has another type, wherever it is, is told with its path."""
    table = json.loads((BUNDLE / VERDICT).read_text())
    del table["format"]
    found = faults(table, free=TABLES, nullable=NULLABLE, seed=seed)
    odd, count = {}, 0

    for count, (path, broken) in enumerate(found, 1):  # noqa: B007 - the last counts
        said = {"format": 1, **broken}
        monkeypatch.setattr(documents, "json_file", lambda _, said=said: said)
        with pytest.raises(GoldenError) as caught:
            read(BUNDLE)
        if f"{VERDICT}: cannot read it: {path}: expected " not in str(caught.value):
            odd[path] = str(caught.value)

    assert odd == {}
    assert count > 1000
