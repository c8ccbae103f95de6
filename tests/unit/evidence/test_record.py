"""A run as verdict.json: what is masked in it, and what is refused of one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import GoldenError
from pytest_netlab.evidence.document import VERDICT
from pytest_netlab.evidence.record import Record, dumps, read, read_head

if TYPE_CHECKING:
    from pathlib import Path

RECORD = Record(
    scenario="ping",
    test="test_ping.py",
    outcome="error",
    error="no canary",
    facts={"engine": "28"},
)


def test_read_back(tmp_path: Path) -> None:
    """What was written is read, whole or what counts offline."""
    text, is_masked = dumps(RECORD)
    (tmp_path / VERDICT).write_text(text)

    assert not is_masked
    assert read(tmp_path) == RECORD
    head = read_head(tmp_path / VERDICT)
    assert (head.scenario, head.outcome) == ("ping", "error")
    assert (head.error, head.facts) == ("no canary", {"engine": "28"})


@pytest.mark.parametrize(
    ("secret", "is_masked"),
    [("canary", True), ("test_", True), ("28", False), ("ping", True)],
)
def test_masked(tmp_path: Path, secret: str, *, is_masked: bool) -> None:
    """Free texts are masked, and that is told; facts and words of the format stay."""
    text, told = dumps(RECORD, lambda one: one.replace(secret, "***"))
    (tmp_path / VERDICT).write_text(text)

    again = read(tmp_path)
    assert told is is_masked
    assert secret not in again.error + again.test
    assert (again.scenario, again.outcome) == ("ping", "error")
    assert again.facts == RECORD.facts


def test_unstorable_error(tmp_path: Path) -> None:
    """An error with what no document may hold is written so that it can be read."""
    (tmp_path / VERDICT).write_text(dumps(replace(RECORD, error="a\0\ud800"))[0])

    assert read(tmp_path).error == "a\\x00\\ud800"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot read it: Expecting property name"),
        ("[]", "no verdict of pytest-netlab"),
        ('{"format": 2}', "is of format 2, and this version reads format 1"),
        ('{"format": 1}', "cannot read it: it lacks scenario"),
        ('{"format": 1, "scenario": 5}', r"\$\.scenario: expected str, got int"),
    ],
)
def test_damaged_verdict(tmp_path: Path, text: str, words: str) -> None:
    """A verdict.json that is none is told with what is wrong."""
    (tmp_path / VERDICT).write_text(text)

    with pytest.raises(GoldenError, match=words):
        read(tmp_path)
