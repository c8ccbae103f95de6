"""The evidence of one run, as files: packets, traces, host state, verdict."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from pytest_netlab import capture as captures
from pytest_netlab.errors import LabError
from pytest_netlab.evidence import comments, dissect
from pytest_netlab.evidence.document import VERDICT
from pytest_netlab.evidence.record import dumps
from pytest_netlab.files import folders, owners
from pytest_netlab.masking import Mask
from pytest_netlab.store import CAPTURE, STORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.evidence.record import Record
    from pytest_netlab.judge import Verdict


MARK = ".pytest-netlab"  # marks a folder as evidence that may be replaced
HOST = "host"
MASKED = "masked.txt"
ELSEWHERE = "--netlab-artifacts (of `pytest-netlab replay`: --evidence)"
NOTE = """\
Values of environment variables, and credentials, are *** in these texts; their
names are there. Packets are as they were. --netlab-keep-env leaves the values in
(of `pytest-netlab replay`: --keep-env).
"""


def write(
    folder: Path,
    *,
    capture: Capture | None,
    record: Record,
    state: Mapping[str, str],
    mask: Mask | None = None,
) -> Path:
    """Write an evidence bundle in place of an older one, and return its folder.

    Written beside it, then renamed: an interruption leaves the old bundle or the new.

    Raises:
        LabError: the folder exists and is no evidence; it is left untouched.
        OSError: the files cannot be written.

    Args:
        folder: where to write; `folder.name` is the scenario.
        capture: the packets of both points; None when capturing failed.
        record: how the run ended.
        state: file name -> text, as a lab's `state()` returns.
        mask: removes secrets from every text, not from packets; None for a mask of this
            process's environment.

    """
    _demand_ours(folder)
    with folders.replaced(folder) as fresh:
        _fill(fresh, capture, record.verdict)
        texts = _texts(fresh, record.verdict, state)
        for name, text in _masked(texts, record, mask or Mask()).items():
            owners.write(fresh / name, text)
    return folder


def is_bundle(folder: Path) -> bool:
    """Return whether a folder is the evidence of a run, even if damaged.

    The reason of a failure may be in verdict.json only. If that is missing, the packets
    must not be taken for a golden's or for a bare capture.
    """
    return any(os.path.lexists(folder / name) for name in (VERDICT, MARK, HOST))


def _fill(folder: Path, capture: Capture | None, verdict: Verdict | None) -> None:
    owners.make(folder / HOST)
    about = "evidence of pytest-netlab: replaced by the next run\n"
    owners.write(folder / MARK, about)
    if capture is not None:
        found = verdict.differences if verdict is not None else ()
        captures.write(folder / CAPTURE, comments.commented(capture, found))


def _texts(
    folder: Path, verdict: Verdict | None, state: Mapping[str, str]
) -> dict[str, str]:
    """Return file name -> text of all files but packets and verdict.json."""
    texts = {f"{HOST}/{name}": text for name, text in state.items()}
    if verdict is not None:
        texts |= _stories(verdict)
        if (folder / CAPTURE).exists():
            texts |= _dissection(folder, verdict)
    return texts


def _dissection(folder: Path, verdict: Verdict) -> dict[str, str]:
    """Return tshark's dissection of the packets that differ, if it is installed."""
    found = [d.packet for d in verdict.differences if d.packet]
    if not found or not dissect.available():
        return {}
    return {"dissection.txt": dissect.dissect(folder / CAPTURE, found)}


def _masked(texts: Mapping[str, str], record: Record, mask: Mask) -> dict[str, str]:
    """Return the texts without secrets, verdict.json, and a note if any were masked.

    In verdict.json only free texts are masked: keywords stay as they are, and so do
    facts, by which goldens are chosen.
    """
    shown = {name: mask.file(name, text) for name, text in texts.items()}
    verdict, is_masked = dumps(record, mask.text)
    note = {MASKED: NOTE} if is_masked or shown != texts else {}
    return {**shown, VERDICT: verdict, **note}


def _demand_ours(folder: Path) -> None:
    """Refuse to replace a folder that is not marked as evidence."""
    if folder.exists() and not (folder / MARK).is_file():
        text = f"{folder} is no evidence of pytest-netlab and stays as it is: "
        raise LabError(f"{text}name another folder with {ELSEWHERE}")


def _stories(verdict: Verdict) -> dict[str, str]:
    got = verdict.observed.text(verdict.scenario)
    files = {STORY: got}
    if verdict.expected is not None:
        files["expected.txt"] = verdict.expected.text(verdict.scenario)
        files["difference.txt"] = "".join(_diff(files["expected.txt"], got))
    return files


def _diff(want: str, got: str) -> Iterator[str]:
    ends = (want.splitlines(keepends=True), got.splitlines(keepends=True))
    return difflib.unified_diff(*ends, fromfile="expected", tofile="observed", n=99)
