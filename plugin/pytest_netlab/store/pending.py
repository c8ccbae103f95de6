"""Goldens that a run proposes: kept beside its evidence until somebody decides."""

from __future__ import annotations

import hashlib
import os
import shutil
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import tomli_w

from pytest_netlab import capture as captures
from pytest_netlab.errors import CaptureError, GoldenError
from pytest_netlab.store import files
from pytest_netlab.store.files import CAPTURE, STORY, Golden
from pytest_netlab.store.goldens import kept

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture

FORMAT = 1
FOLDER, MARK = "pending", "pending.toml"
KEYS = ("format", "golden", "base", "test", "differs", "made")
HEADER = "# Proposed by a run of pytest-netlab. See `pytest-netlab review --help`.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A golden that was proposed, and what was there when it was.

    `name` is the run's label, `golden` the folder it is for, `base` a digest of what
    that folder held, "" for nothing; `differs` says in a line why it was proposed.
    """

    name: str
    folder: Path
    golden: Path
    base: str
    test: str
    differs: str
    made: datetime

    def read(self) -> Golden:
        """Read what was proposed, and check that its files agree."""
        return files.read(self.folder)

    def recorded(self) -> Golden | None:
        """Read the golden it is for; None while there is none."""
        return files.read(self.golden) if digest(self.golden) else None

    @property
    def stale(self) -> bool:
        """Tell whether the golden is another than the run was judged by."""
        return digest(self.golden) != self.base

    @property
    def new(self) -> bool:
        """Tell whether there was no golden."""
        return not self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a run says of the golden it proposes."""

    scenario: str
    golden: Path
    about: Mapping[str, Any]
    test: str
    differs: str


@dataclass(frozen=True, slots=True)
class PendingStore:
    """The folder of the goldens that runs proposed, one folder a test."""

    root: Path

    @classmethod
    def beside(cls, artifacts: Path) -> PendingStore:
        """Return the proposals that lie beside the evidence of runs."""
        return cls(artifacts / FOLDER)

    def names(self) -> list[str]:
        """Return what is pending."""
        return sorted(path.parent.name for path in self.root.glob(f"[!.]*/{MARK}"))

    def load(self, name: str) -> Pending:
        """Read what a proposal says of itself.

        Raises:
            GoldenError: there is none of this name, or it is damaged.

        """
        folder = self.root / name
        if not (folder / MARK).is_file():
            known = ", ".join(self.names()) or "nothing"
            text = f"no pending golden {name!r} in {self.root}: {known} is pending"
            raise GoldenError(text)
        table = _read_mark(folder / MARK)
        return Pending(
            name=name,
            folder=folder,
            golden=(folder / table["golden"]).resolve(),
            base=table["base"],
            test=table["test"],
            differs=table["differs"],
            made=table["made"],
        )

    def write(self, name: str, capture: Capture, proposal: Proposal) -> Path:
        """Propose a capture as a golden, in place of an older proposal of the test.

        Raises:
            GoldenError: the place is taken by something that is no proposal.
            OSError: the disk does not take it.

        """
        folder = self.root / name
        if folder.exists() and not (folder / MARK).is_file():
            text = f"{folder} is no pending golden and stays as it is: move it away"
            raise GoldenError(text)
        golden = proposal.golden
        table = {
            **proposal.about,
            "scenario": proposal.scenario,
            **kept(golden, proposal.scenario),
        }
        self.root.mkdir(parents=True, exist_ok=True)
        mark = {
            "format": FORMAT,
            "golden": os.path.relpath(golden.resolve(), folder.resolve()),
            "base": digest(golden),
            "test": proposal.test,
            "differs": proposal.differs,
            "made": datetime.now(UTC).replace(microsecond=0),
        }
        extra = {MARK: HEADER + tomli_w.dumps(mark)}
        files.write(folder, capture, table, extra)
        return folder

    def accept(self, name: str) -> tuple[Path, bool]:
        """Record a proposal; return the golden's folder, and whether it changed.

        What the golden's user wrote (policy, requires, ...) stays as it is by now.

        Raises:
            GoldenError: damaged, or made from a golden that has changed since; both
                stay as they are.

        """
        pending = self.load(name)
        proposed, recorded = pending.read(), pending.recorded()
        changed = recorded is None or recorded.story != proposed.story
        if changed:
            _refuse_stale(pending)
            _record(pending, proposed)
        self.reject(name)
        return pending.golden, changed

    def reject(self, name: str) -> None:
        """Remove a proposal, damaged or not; the golden stays as it is.

        Raises:
            GoldenError: there is none of this name.

        """
        folder = self.root / name
        if not (folder / MARK).is_file():
            self.load(name)
        shutil.rmtree(folder)
        if not any(self.root.iterdir()):
            self.root.rmdir()

    def discard(self, name: str) -> None:
        """Remove a proposal, if there is one."""
        if (self.root / name / MARK).is_file():
            self.reject(name)


def digest(golden: Path) -> str:
    """Return what stands for a golden's capture and story; "" while it has none."""
    if not golden.is_dir() or files.is_stub(golden):
        return ""
    found = hashlib.sha256()
    for name in (CAPTURE, STORY):
        path = golden / name
        held = path.read_bytes() if path.is_file() else b""
        found.update(b"%d:" % len(held) + held)
    return found.hexdigest()


def _refuse_stale(pending: Pending) -> None:
    if pending.stale:
        raise GoldenError(
            f"{pending.name}: {pending.golden} has changed since this was proposed: "
            "run the scenario again, and review what it shows then"
        )


def _record(pending: Pending, proposed: Golden) -> None:
    try:
        capture = captures.read(pending.folder / CAPTURE)
    except (OSError, CaptureError) as error:
        raise GoldenError(f"{pending.name}: {error}") from error
    about = {**proposed.about, "provenance": proposed.provenance}
    name = proposed.scenario
    table = {**about, "scenario": name, **kept(pending.golden, name)}
    files.write(pending.golden, capture, table)


def _read_mark(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _damaged(path, str(error)) from error
    if set(table) != set(KEYS) or table["format"] != FORMAT:
        raise _damaged(path, f"it must have {', '.join(KEYS)}, and format {FORMAT}")
    if not isinstance(table["made"], datetime) or table["made"].tzinfo is None:
        raise _damaged(path, "made must be a time with a zone")
    for key in KEYS[1:-1]:
        if not isinstance(table[key], str):
            raise _damaged(path, f"{key} must be a text")
    return table


def _damaged(path: Path, reason: str) -> GoldenError:
    return GoldenError(
        f"{path}: cannot read this pending golden: {reason}; run the scenario again, "
        f"or `pytest-netlab reject {path.parent.name}`"
    )
