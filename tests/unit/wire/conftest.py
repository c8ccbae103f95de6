"""One packet, decoded: what every wire test looks at."""

from __future__ import annotations

from typing import Protocol

import pytest

from pytest_netlab.wire import COLUMNS, Columns, address_text, decode, hashing

Row = dict[str, int | str]


class Decoder(Protocol):
    """Bytes to a row."""

    def __call__(self, frame: bytes, linktype: int = 101, wirelen: int = -1) -> Row:
        """Decode one packet, of raw IP and whole unless told otherwise."""


def digest(data: bytes) -> int:
    """Return what a row says of a payload of these bytes."""
    return hashing.digest(data, 0, len(data))


def _value(columns: Columns, name: str, width: int) -> int | str:
    """Return one cell; addresses as text."""
    cell = columns.arrays[name][0]
    return int(cell) if width == 1 else address_text(cell.tobytes())


@pytest.fixture
def decoded() -> Decoder:
    """Return the decoder of one packet."""

    def decode_one(frame: bytes, linktype: int = 101, wirelen: int = -1) -> Row:
        columns = Columns(1)
        wirelen = len(frame) if wirelen < 0 else wirelen
        decode(frame, linktype, wirelen, 0, columns)
        return {
            column.name: _value(columns, column.name, column.width)
            for column in COLUMNS
        }

    return decode_one
