"""What of a verdict is not as its value is: violations, by packet instead of by row."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.checks import Violation
from pytest_netlab.diff import Story
from pytest_netlab.errors import GoldenError
from pytest_netlab.report.record import Record, dumps, read
from pytest_netlab.runner import Verdict

if TYPE_CHECKING:
    from pathlib import Path

LEAK = Violation("loopback-on-uplink", "never", "c1", (4,), "uplink", flow="arp")
VERDICT = Verdict(
    scenario="ping", outcome="fail", observed=Story(("uplink",), (), (LEAK,))
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
    """A violation is stored by the number of its packet, and read back the same."""
    never(RECORD)
    (tmp_path / "verdict.json").write_text(dumps(RECORD))

    found = read(tmp_path)
    assert found == RECORD
    assert found.verdict is not None
    assert found.verdict.observed.never[0].rows == (4,)


def test_flow_goes_without_saying() -> None:
    """A violation within a conversation does not name it."""
    inner = replace(VERDICT, observed=Story((), (), (replace(LEAK, flow=""),)))
    table = json.loads(dumps(replace(RECORD, verdict=inner)))

    (one,) = table["verdict"]["observed"]["never"]
    assert "flow" not in one


@pytest.mark.parametrize(
    "bad", [{"rows": [4]}, {"packet": "5"}, {"reply": 1}, {"x": 1}]
)
def test_damaged(tmp_path: Path, bad: dict[str, object]) -> None:
    """What is no violation of format 1 is named."""
    table = never(RECORD)
    table["verdict"]["observed"]["never"] = [TABLE | bad]
    (tmp_path / "verdict.json").write_text(json.dumps(table))

    with pytest.raises(GoldenError, match="damaged, or of another version"):
        read(tmp_path)
