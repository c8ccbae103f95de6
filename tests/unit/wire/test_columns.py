"""The table that packets are decoded into."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_netlab.wire import COLUMNS, UNTAGGED, Columns, Status, columns, decode

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
    """Its pointers are filled in by their place."""
    struct = PXD.read_text().partition("cdef class Columns:")[2]

    assert re.findall(r"cdef [a-z ]+ \*(\w+)", struct) == [c.name for c in COLUMNS]


def test_no_packet_is_tagged_at_first() -> None:
    """VLAN 0 exists (priority tags), so untagged is another number."""
    assert Columns(3).arrays["vlan"].tolist() == [UNTAGGED] * 3


def test_a_missing_header_is_malformed_only_if_nothing_was_cut() -> None:
    """A snapped packet is not blamed for what the capture left out."""
    cells = Columns(2)
    decode(b"\x45", 101, 1, 0, cells)
    decode(b"\x45", 101, 20, 1, cells)

    assert cells.arrays["status"].tolist() == [Status.MALFORMED, Status.TRUNCATED]
