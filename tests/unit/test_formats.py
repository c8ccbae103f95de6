"""docs/formats.md says of each document what its declaration says."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import msgspec
import pytest

from pytest_netlab.evidence import document, traces
from pytest_netlab.files import schema
from pytest_netlab.store import document as stored

if TYPE_CHECKING:
    from pytest_netlab.files.schema import Table

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
# What the page calls each table: its heading.
TABLES: dict[str, type[Table]] = {
    "golden.toml": stored.Golden,
    "pending.toml": stored.Pending,
    "verdict.json": document.Run,
    "verdict": document.Verdict,
    "difference": document.Difference,
    "cause": document.Cause,
    "host": document.Host,
    "counted": document.Counted,
    "connection": document.Connection,
    "variant": document.Variant,
    "trace": traces.Trace,
    "conversation": traces.Flow,
    "fact": traces.Fact,
    "packet": traces.Packet,
    "port translation": traces.PortTranslation,
    "violation": traces.Violation,
    "forbidden": traces.Forbidden,
}
WORDS = {
    Any: "anything",
    bool: "true or false",
    datetime: "time with a zone",
    int: "integer",
    str: "text",
}


def documented() -> dict[str, dict[str, tuple[str, str]]]:
    """Return heading -> key -> type and meaning, as the page has them."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for part in re.split(r"^##+ ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ?(.*?) ?\|$", text, re.MULTILINE)
        found[heading] = {key: (kind, meaning) for key, kind, meaning in rows}
    return found


def said(kind: Any) -> str:
    """Return a type in the page's words."""
    if schema.is_free(kind):
        return "text, masked"
    null = " or null" if type(None) in get_args(kind) else ""
    kind = schema.bare(kind)
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        told = ", ".join(f"`{x}`" if isinstance(x, str) else f"{x}" for x in parts)
    elif get_origin(kind) is dict:
        told = f"table of {said(parts[1])}"
    elif get_origin(kind) is tuple and parts[-1] is Ellipsis:
        told = f"list of {said(parts[0])}"
    elif get_origin(kind) is tuple:
        told = " and ".join(map(said, parts))
    else:
        told = WORDS.get(kind) or link(kind)
    return told + null


def link(table: type[Table]) -> str:
    """Return what leads to a table on the page."""
    (name,) = (name for name, one in TABLES.items() if one is table)
    return f"[{name}](#{name.replace(' ', '-')})"


def declared(table: type[Table]) -> dict[str, str]:
    """Return key -> type of a table, in the order they are written."""
    fields = msgspec.structs.fields(table)
    kinds = schema.keys(table)
    return {
        one.name: said(kinds[one.name]) + ("" if one.required else ", optional")
        for one in fields
    }


@pytest.mark.parametrize("name", TABLES)
def test_documented(name: str) -> None:
    """The page has every key, its type, and what it means."""
    page = documented()[name]

    assert {key: kind for key, (kind, _) in page.items()} == declared(TABLES[name])
    assert list(page) == list(declared(TABLES[name]))
    assert [key for key, (_, said) in page.items() if not said] in ([], ["format"])


def test_nothing_else_is() -> None:
    """Every table of the page is declared."""
    assert [name for name, keys in documented().items() if keys] == list(TABLES)
