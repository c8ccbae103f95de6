"""A document becomes what it is declared to be, or its fault is told with its path."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import numpy as np
import pytest

from pytest_netlab.errors import DocumentError
from pytest_netlab.files import schema
from pytest_netlab.files.schema import FreeText, Table

HUGE = "x" * 100_000
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


class Part(Table, frozen=True, kw_only=True):
    """A table inside another."""

    kind: Literal["a", "b"] = "a"
    number: int | None
    said: FreeText = ""


class Open(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A table to which a later version may add."""

    word: str = ""


class Whole(Table, frozen=True, kw_only=True):
    """A document."""

    format: Literal[1] = 1
    parts: tuple[Part, ...] = ()
    pairs: dict[str, tuple[str, FreeText]] = msgspec.field(default_factory=dict)
    other: Open | None = None
    made: datetime | msgspec.UnsetType = msgspec.UNSET


FAULTS: dict[str, Any] = {
    "expected object, got int": 5,
    "expected object, got array": [],
    "unknown key 'x'; known keys are format, parts, pairs, other, made": {"x": 1},
    "$.parts: expected array, got object": {"parts": {}},
    "$.parts[1]: it lacks number": {"parts": [{"number": 1}, {}]},
    "$.parts[1].number: expected int | null, got str": {
        "parts": [{"number": None}, {"number": "1"}]
    },
    "$.parts[0].number: expected int | null, got bool": {"parts": [{"number": True}]},
    "$.parts[0].number: expected int | null, got float": {"parts": [{"number": 1.0}]},
    "$.parts[0].kind: expected one of a, b, got 'c'": {
        "parts": [{"number": 1, "kind": "c"}]
    },
    "$.parts[0].kind: expected str, got int": {"parts": [{"number": 1, "kind": 1}]},
    "$.parts[0]: unknown key 'x'; known keys are kind, number, said": {
        "parts": [{"number": 1, "x": 1}]
    },
    "$.pairs['a.b']: expected array of length 2, got 3": {
        "pairs": {"a": ["", ""], "a.b": ["", "", ""]}
    },
    "$.pairs['`'][1]: expected str, got null": {"pairs": {"`": ["", None]}},
    "$.other: expected object | null, got array": {"other": []},
    "$.other.word: expected str, got array": {"other": {"word": []}},
    "$.made: expected datetime, got str": {"made": "2024-01-01T12:00:00Z"},
}


@pytest.mark.parametrize("words", FAULTS)
def test_fault(words: str) -> None:
    """What is not as declared is told in a clause that begins with its path."""
    with pytest.raises(DocumentError) as caught:
        schema.read(FAULTS[words], Whole, "here")

    assert caught.value.reason == words
    assert str(caught.value) == f"here: cannot read it: {words}"


@pytest.mark.parametrize(
    "found",
    [
        {HUGE: 1},
        {"parts": [{"number": 1, HUGE: 1}]},
        {"parts": [{"number": 1, "kind": HUGE}]},
        {"pairs": {HUGE: 5}},
        {"parts": [{"number": 1, "a` - at `$.b\n": 1}]},
    ],
)
def test_what_a_fault_quotes(found: Any) -> None:
    """However long or odd the keys and texts of a document are, one line tells it."""
    with pytest.raises(DocumentError) as caught:
        schema.read(found, Whole, "here")

    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_whole() -> None:
    """What is read is what was written; unknown keys only where they are ignored."""
    whole = Whole(
        parts=(Part(number=1), Part(number=None, kind="b", said="s")),
        pairs={"a": ("b", "c")},
        other=Open(word="w"),
        made=NOON,
    )
    table = schema.plain(whole)

    assert list(table) == ["format", "parts", "pairs", "other", "made"]
    assert schema.read(table, Whole, "here") == whole
    table["other"]["later"] = 5
    assert schema.read(table, Whole, "here") == whole
    assert schema.plain(Whole(pairs={"a": ("b", "c")})) == {
        "format": 1,
        "parts": (),
        "pairs": {"a": ("b", "c")},
        "other": None,
    }


def test_integers_of_columns() -> None:
    """A number that numpy made is written as any other."""
    number: Any = np.uint32(7)

    found = schema.plain(Part(number=number))["number"]

    assert (found, type(found)) == (7, int)


def test_masked() -> None:
    """Free texts are masked wherever they are, and nothing else is."""
    whole = Whole(
        parts=(Part(number=1, said="s"),),
        pairs={"s": ("s", "s")},
        other=Open(word="s"),
    )

    found = schema.masked(schema.plain(whole), Whole, lambda _: "***")

    assert schema.read(found, Whole, "here") == Whole(
        parts=(Part(number=1, said="***"),),
        pairs={"s": ("s", "***")},
        other=Open(word="s"),
    )


@pytest.mark.parametrize("found", [None, [], "format", {}])
def test_no_document(found: Any) -> None:
    """What has no format is none of ours."""
    with pytest.raises(DocumentError, match="this is no golden of pytest-netlab"):
        schema.demand_format(found, 1, "golden", "here")


@pytest.mark.parametrize("number", [True, 1.0, "1", 2, 0, None, [1]])
def test_another_format(number: Any) -> None:
    """A format is a number, and one that is known."""
    schema.demand_format({"format": 1}, 1, "golden", "here")

    with pytest.raises(DocumentError, match=r"it is of format .* reads format 1"):
        schema.demand_format({"format": number}, 1, "golden", "here")
