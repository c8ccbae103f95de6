"""Render packets as lines of text, JSON or CSV, a chunk at a time. Knows no file.

Columns are turned into Python values whole: one packet at a time costs five times that.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_netlab.capture import Packet
from pytest_netlab.capture.export import ADDRESSES, MACS, addresses, interfaces, macs
from pytest_netlab.wire import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from enum import Enum

    from pytest_netlab.capture import Capture

NAMES = tuple(column.name for column in COLUMNS)
FIELDS = ("packet", "interface", *NAMES, "comment")
_TEMPLATE = "{" + ", ".join(f'"{name}": %s' for name in FIELDS) + "}"


def texts(chunk: Capture) -> Iterator[str]:
    """Yield `Packet.text` of each packet."""
    columns = [_plain(chunk, name) for name in NAMES]
    for index, values in enumerate(zip(*columns, strict=True)):
        yield _Read(chunk, index, dict(zip(NAMES, values, strict=True))).text


def jsons(chunk: Capture, numbers: Sequence[int]) -> Iterator[str]:
    """Return a JSON object of each packet; null where a column has no meaning."""
    return (_TEMPLATE % values for values in _rows(chunk, numbers, JSON))


def csvs(chunk: Capture, numbers: Sequence[int]) -> str:
    """Return a line of CSV of each packet; empty where a column has no meaning."""
    return _csv(_rows(chunk, numbers, CSV))


def header() -> str:
    """Return the header line of the CSV."""
    return _csv([FIELDS])


@lru_cache(maxsize=1 << 12)
def quoted(text: str) -> str:
    """Return a text as a JSON string."""
    return json.dumps(text)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a format writes a text, a set of flags, and a column without meaning."""

    quote: Callable[[str], str]
    join: Callable[[list[str]], str]
    none: str

    def enum(self, name: str) -> Callable[[int], str]:
        """Return the function that writes values of an enum column."""
        kind = _ENUMS[name]
        if issubclass(kind, IntFlag):
            return lambda value: self.join([_word(flag) for flag in kind(value)])
        return lambda value: self.quote(_word(kind(value)))


_ENUMS = {column.name: column.enum for column in COLUMNS if column.enum}
JSON = Encoding(quote=quoted, join=json.dumps, none="null")
CSV = Encoding(quote=str, join=" ".join, none="")


@dataclass(frozen=True, slots=True)
class _Read(Packet):
    """A packet whose row of values has been read already."""

    row: dict[str, int | str]


def _plain(chunk: Capture, name: str) -> list[int] | list[str]:
    """Return a column's values as in `Packet.row`."""
    if name in ADDRESSES:
        return addresses(chunk, name)
    values: list[int] = chunk.column(name).tolist()
    return values


def _rows(
    chunk: Capture, numbers: Sequence[int], kinds: Encoding
) -> Iterator[tuple[object, ...]]:
    """Return the values of `FIELDS` of each packet."""
    notes = map(chunk.note, range(len(chunk)))
    columns: list[Iterable[object]] = [numbers, map(kinds.quote, interfaces(chunk))]
    columns += [_encoded(chunk, name, kinds) for name in NAMES]
    columns += [[kinds.quote(note) if note else kinds.none for note in notes]]
    return zip(*columns, strict=True)


def _encoded(chunk: Capture, name: str, kinds: Encoding) -> Iterable[object]:
    """Return a column's values as the format writes them."""
    if name in ADDRESSES or name in MACS:
        found = addresses(chunk, name) if name in ADDRESSES else macs(chunk, name)
        return [kinds.quote(text) if text else kinds.none for text in found]
    values: list[int] = chunk.column(name).tolist()
    if name in _ENUMS:
        write = kinds.enum(name)
        texts = {value: write(value) for value in set(values)}
        return [texts[value] for value in values]
    valid = chunk.valid(name)
    if valid.all():
        return values
    pairs = zip(values, valid.tolist(), strict=True)
    return [value if there else kinds.none for value, there in pairs]


def _word(member: Enum) -> str:
    return str(member.name).lower()


def _csv(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
