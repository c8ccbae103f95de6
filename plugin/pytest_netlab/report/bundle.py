"""The evidence of one run, as files: packets, stories, host state, verdict."""

from __future__ import annotations

import difflib
import json
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

from pytest_netlab import capture as captures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.diff import Story
    from pytest_netlab.runner import Verdict


def write(
    folder: Path,
    *,
    capture: Capture | None,
    verdict: Verdict | None,
    state: Mapping[str, str],
) -> Path:
    """Write an evidence bundle in place of an older one, and return its folder.

    Args:
        folder: where to write; `folder.name` is the scenario.
        capture: both points, or None when the capture itself failed.
        verdict: what was found, or None when the run did not get so far.
        state: file name -> text, as a lab's `state()` returns.

    """
    shutil.rmtree(folder, ignore_errors=True)
    host = folder / "host"
    host.mkdir(parents=True)
    for name, text in state.items():
        (host / name).write_text(text)
    if capture is not None:
        captures.write(folder / "capture.pcapng", capture)
    if verdict is not None:
        for name, text in _verdict_files(verdict).items():
            (folder / name).write_text(text)
    return folder


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
