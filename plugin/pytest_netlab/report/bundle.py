"""The evidence of one run, as files: packets, stories, host state, verdict."""

from __future__ import annotations

import difflib
import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

from pytest_netlab import capture as captures
from pytest_netlab.errors import LabError
from pytest_netlab.report import dissect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.diff import Story
    from pytest_netlab.runner import Verdict


MARK = ".pytest-netlab"


def write(
    folder: Path,
    *,
    capture: Capture | None,
    verdict: Verdict | None,
    state: Mapping[str, str],
) -> Path:
    """Write an evidence bundle in place of an older one, and return its folder.

    Raises:
        LabError: the folder holds something that is no evidence; it is left alone.
        OSError: the disk does not take it.

    Args:
        folder: where to write; `folder.name` is the scenario.
        capture: both points, or None when the capture itself failed.
        verdict: what was found, or None when the run did not get so far.
        state: file name -> text, as a lab's `state()` returns.

    """
    _make_room(folder)
    host = folder / "host"
    host.mkdir()
    for name, text in state.items():
        (host / name).write_text(text)
    if verdict is not None:
        for name, text in _verdict_files(verdict).items():
            (folder / name).write_text(text)
    if capture is not None:
        captures.write(folder / "capture.pcapng", capture)
        _dissect(folder, verdict)
    return folder


def _dissect(folder: Path, verdict: Verdict | None) -> None:
    """Add Wireshark's words on the packets that differ, where it is installed."""
    found = [d.packet for d in verdict.differences if d.packet] if verdict else []
    if found and dissect.available():
        words = dissect.dissect(folder / "capture.pcapng", found)
        (folder / "dissection.txt").write_text(words)


def _make_room(folder: Path) -> None:
    """Make the folder, removing an older bundle: only what is marked as one."""
    if folder.exists():
        if not (folder / MARK).is_file():
            text = f"{folder} is no evidence of pytest-netlab and stays as it is: "
            raise LabError(f"{text}name another folder with --netlab-artifacts")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).write_text("evidence of pytest-netlab: replaced by the next run\n")


def _verdict_files(verdict: Verdict) -> dict[str, str]:
    got = verdict.observed.text(verdict.scenario)
    files = {"story.txt": got, "verdict.json": _json(verdict)}
    if verdict.expected is not None:
        files["expected.txt"] = verdict.expected.text(verdict.scenario)
        files["difference.txt"] = "".join(_diff(files["expected.txt"], got))
    return files


def _diff(want: str, got: str) -> Iterator[str]:
    ends = (want.splitlines(keepends=True), got.splitlines(keepends=True))
    return difflib.unified_diff(*ends, fromfile="expected", tofile="observed", n=99)


def _json(verdict: Verdict) -> str:
    table = {
        "scenario": verdict.scenario,
        "outcome": verdict.outcome,
        "cause": verdict.cause,
        "differences": [asdict(found) for found in verdict.differences],
        "flows": _flows(verdict.observed),
        "host": asdict(verdict.host),
    }
    return json.dumps(table, indent=2) + "\n"


def _flows(story: Story) -> list[dict[str, object]]:
    return [asdict(fact) for fact in story.facts]
