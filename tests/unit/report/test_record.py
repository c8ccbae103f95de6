"""What of a verdict is not as its value is: violations, by packet instead of by row."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_netlab.checks import Violation
from pytest_netlab.judge import Verdict
from pytest_netlab.report.record import Record, dumps, read
from pytest_netlab.trace import CanonicalTrace

if TYPE_CHECKING:
    from pathlib import Path

LEAK = Violation("loopback-on-uplink", "never", "c1", (4,), "uplink", flow="arp")
VERDICT = Verdict(
    scenario="ping", outcome="fail", observed=CanonicalTrace(("uplink",), (), (LEAK,))
)
RECORD = Record(scenario="ping", test="t", outcome="failed", verdict=VERDICT)
TABLE = {
    "field": "loopback-on-uplink",
    "want": "never",
    "got": "c1",
    "point": "uplink",
    "reply": False,
    "packet": 5,
    "flow": "arp",
}


def never(record: Record) -> dict[str, Any]:
    """Return verdict.json, and in it the one violation."""
    table = json.loads(dumps(record))
    assert table["verdict"]["observed"]["never"] == [TABLE]
    return dict(table)


def test_read_back(tmp_path: Path) -> None:
    """A violation is stored by the number of its packet; traces are not read back."""
    never(RECORD)
    (tmp_path / "verdict.json").write_text(dumps(RECORD))

    bare = replace(VERDICT, observed=CanonicalTrace((), ()))
    assert read(tmp_path) == replace(RECORD, verdict=bare)
