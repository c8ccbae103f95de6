"""The evidence of one run, as files: packets, stories, host state, verdict."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pytest_netlab import capture as captures
from pytest_netlab import folders, owners
from pytest_netlab.errors import LabError
from pytest_netlab.lab.stored import CAPTURE, HOST, VERDICT
from pytest_netlab.report import annotate, dissect
from pytest_netlab.report.record import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.report.record import Record
    from pytest_netlab.runner import Verdict


MARK = ".pytest-netlab"


def write(
    folder: Path, *, capture: Capture | None, record: Record, state: Mapping[str, str]
) -> Path:
    """Write an evidence bundle in place of an older one, and return its folder.

    It is written beside and renamed: whatever interrupts, what is there is whole.

    Raises:
        LabError: the folder holds something that is no evidence; it is left alone.
        OSError: the disk does not take it.

    Args:
        folder: where to write; `folder.name` is the scenario.
        capture: both points, or None when the capture itself failed.
        record: how the run ended.
        state: file name -> text, as a lab's `state()` returns.

    """
    _demand_ours(folder)
    with folders.replaced(folder) as fresh:
        _fill(fresh, capture, record, state)
    return folder


def _fill(
    folder: Path, capture: Capture | None, record: Record, state: Mapping[str, str]
) -> None:
    host = folder / HOST
    owners.make(host)
    about = "evidence of pytest-netlab: replaced by the next run\n"
    owners.write(folder / MARK, about)
    for name, text in state.items():
        owners.write(host / name, text)
    owners.write(folder / VERDICT, dumps(record))
    verdict = record.verdict
    if verdict is not None:
        for name, text in _stories(verdict).items():
            owners.write(folder / name, text)
    if capture is not None:
        found = verdict.differences if verdict is not None else ()
        captures.write(folder / CAPTURE, annotate.commented(capture, found))
        _dissect(folder, verdict)


def _dissect(folder: Path, verdict: Verdict | None) -> None:
    """Add Wireshark's words on the packets that differ, where it is installed."""
    found = [d.packet for d in verdict.differences if d.packet] if verdict else []
    if found and dissect.available():
        words = dissect.dissect(folder / CAPTURE, found)
        owners.write(folder / "dissection.txt", words)


def _demand_ours(folder: Path) -> None:
    """Refuse to replace a folder that is not marked as evidence."""
    if folder.exists() and not (folder / MARK).is_file():
        text = f"{folder} is no evidence of pytest-netlab and stays as it is: "
        raise LabError(f"{text}name another folder with --netlab-artifacts")


def _stories(verdict: Verdict) -> dict[str, str]:
    got = verdict.observed.text(verdict.scenario)
    files = {"story.txt": got}
    if verdict.expected is not None:
        files["expected.txt"] = verdict.expected.text(verdict.scenario)
        files["difference.txt"] = "".join(_diff(files["expected.txt"], got))
    return files


def _diff(want: str, got: str) -> Iterator[str]:
    ends = (want.splitlines(keepends=True), got.splitlines(keepends=True))
    return difflib.unified_diff(*ends, fromfile="expected", tofile="observed", n=99)
