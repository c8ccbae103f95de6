"""The table that packets are decoded into."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_netlab.wire import COLUMNS, UNTAGGED, Columns, Status, columns, decode

IN_C = {
    "u1": "unsigned char",
    "u2": "unsigned short",
    "u4": "unsigned int",
    "u8": "unsigned long long",
    "i2": "short",
    "i8": "long long",
}
DOCS = Path(__file__).parents[3] / "docs" / "columns.md"
PXD = Path(columns.__file__).with_name("columns.pxd")


def test_columns_do_not_overlap() -> None:
    """A store into one column is in no other."""
    cells = Columns(3)
    for number, array in enumerate(cells.arrays.values()):
        array.fill(number % 100 + 1)

    assert [number % 100 + 1 for number in range(len(COLUMNS))] == [
        int(array.max()) for array in cells.arrays.values()
    ]


def test_the_compiled_struct_has_the_columns_in_order() -> None:
    """Its pointers are filled in by their place, and point to what a column has."""
    struct = PXD.read_text().partition("cdef class Columns:")[2]
    found = re.findall(r"cdef ([a-z ]+) \*(\w+)", struct)

    assert found == [(IN_C[column.dtype], column.name) for column in COLUMNS]


def test_docs() -> None:
    """The table in docs/columns.md is this one."""
    rows = [
        f"| `{c.name}` | {c.dtype}{f' x {c.width}' * (c.width > 1)} | {c.meaning} "
        f"| {c.valid} |"
        for c in COLUMNS
    ]

    assert [line for line in DOCS.read_text().splitlines() if "| `" in line] == rows


def test_no_packet_is_tagged_at_first() -> None:
    """VLAN 0 exists (priority tags), so untagged is another number."""
    assert Columns(3).arrays["vlan"].tolist() == [UNTAGGED] * 3


def test_a_missing_header_is_malformed_only_if_nothing_was_cut() -> None:
    """A snapped packet is not blamed for what the capture left out."""
    cells = Columns(2)
    decode(b"\x45", 101, 1, 0, cells)
    decode(b"\x45", 101, 20, 1, cells)

    assert cells.arrays["status"].tolist() == [Status.MALFORMED, Status.TRUNCATED]
