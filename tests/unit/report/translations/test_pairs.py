"""Pairs of packets as text, CSV, JSON and an Arrow table."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from pytest_netlab.nat.paired_packets import PairedPackets
from pytest_netlab.report.translations import pairs

NUMBERS = {
    "flow": np.array([0, 1]),
    "inside": np.array([4, 6]),
    "outside": np.array([3, 9_999_999]),
}
KNOWN = PairedPackets(
    **NUMBERS,
    reply=np.array([False, True]),
    delay=np.array([62_130, -1_500_000_000]),
    ambiguous=np.array([False, True]),
)
UNKNOWN = PairedPackets(
    **NUMBERS,
    reply=np.array([False, True]),
    delay=None,
    ambiguous=np.array([False, False]),
)
NOTHING = PairedPackets(
    **{name: column[:0] for name, column in NUMBERS.items()},
    reply=np.array([], dtype=np.bool_),
    delay=None,
    ambiguous=np.array([], dtype=np.bool_),
)
FIRST = {
    "flow": 1,
    "direction": "original",
    "inside_packet": 5,
    "outside_packet": 4,
    "delay_ns": 62_130,
    "ambiguous": False,
}
SECOND = {
    "flow": 2,
    "direction": "reply",
    "inside_packet": 7,
    "outside_packet": 10_000_000,
    "delay_ns": -1_500_000_000,
    "ambiguous": True,
}


def test_text() -> None:
    """Columns stay below their names, and 80 columns are enough."""
    lines = list(pairs.to_lines(KNOWN))

    assert lines == [
        "   flow  direction     inside    outside       delay (s)",
        "      1  original           5          4     0.000062130",
        "      2  reply              7   10000000    -1.500000000  ambiguous",
    ]
    assert max(map(len, lines)) <= 80


def test_text_without_a_clock() -> None:
    """No delay is shown where none is known."""
    _, first, _ = pairs.to_lines(UNKNOWN)

    assert first.split() == ["1", "original", "5", "4"]


def test_csv() -> None:
    """A line a pair, with the names that JSON has; empty without a clock."""
    one, other = csv.DictReader(pairs.to_csv(KNOWN))
    unknown, _ = csv.DictReader(pairs.to_csv(UNKNOWN))

    assert one == {**{k: str(v) for k, v in FIRST.items()}, "ambiguous": "false"}
    assert other == {**{k: str(v) for k, v in SECOND.items()}, "ambiguous": "true"}
    assert unknown["delay_ns"] == ""


def test_json() -> None:
    """An object with a list; null without a clock; empty without a pair."""
    found, unknown, nothing = (
        json.loads("".join(pairs.to_json(one)))["pairs"]
        for one in (KNOWN, UNKNOWN, NOTHING)
    )

    assert found == [FIRST, SECOND]
    assert [one["delay_ns"] for one in unknown] == [None, None]
    assert nothing == []


def test_arrow() -> None:
    """The table has the same columns, null where no clock is known."""
    pytest.importorskip("pyarrow")

    assert pairs.to_arrow(KNOWN).to_pylist() == [FIRST, SECOND]
    assert pairs.to_arrow(UNKNOWN).column("delay_ns").to_pylist() == [None, None]
    assert pairs.to_arrow(NOTHING).to_pylist() == []
