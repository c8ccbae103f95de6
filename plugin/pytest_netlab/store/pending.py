"""Goldens that runs propose, kept beside the evidence until they are decided on."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from pytest_netlab.errors import DocumentError, GoldenError
from pytest_netlab.files import documents, folders
from pytest_netlab.spec import PENDING
from pytest_netlab.store import document, files, regular
from pytest_netlab.store.files import CAPTURE, STORY, Golden
from pytest_netlab.store.goldens import kept
from pytest_netlab.store.place import place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.files.documents import Opener

MARK = document.PENDING
PIECE, MOST = 1 << 20, 1 << 30  # bytes: of one read, and of a whole capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A proposed golden, as it was when it was read.

    Attributes:
        name: the scenario's label, which names its folder.
        folder: where its files are.
        golden: folder of the golden it is for.
        base: SHA-256 of that golden at the run, in hex (see `digest`); "" for none.
        test: the test's node id.
        differs: why it was proposed, in one line.
        refused: why it cannot be accepted, in one line; "" where it can.
        made: when it was proposed.
        proposed: the golden.
        capture: its packets.
        inode: of `folder`; a newer proposal at the same path has another.

    """

    name: str
    folder: Path
    golden: Path
    base: str
    test: str
    differs: str
    refused: str
    made: datetime
    proposed: Golden
    capture: Capture
    inode: int

    def recorded(self) -> Golden | None:
        """Read the golden it is for; None if that does not exist."""
        return files.read(self.golden) if digest(self.golden) else None

    @property
    def stale(self) -> bool:
        """Return whether the golden has changed since the run was judged."""
        return digest(self.golden) != self.base

    @property
    def new(self) -> bool:
        """Return whether the run had no golden."""
        return not self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a run states of the golden it proposes.

    Attributes:
        scenario: the scenario's id.
        golden: folder of the golden it is for.
        about: keys of golden.toml.
        test: the test's node id.
        differs: why it is proposed, in one line.
        refused: why it cannot be accepted, in one line; "" where it can.

    """

    scenario: str
    golden: Path
    about: Mapping[str, Any]
    test: str
    differs: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class PendingStore:
    """The folder of the goldens that runs proposed, one folder a test."""

    root: Path

    @classmethod
    def beside(cls, artifacts: Path) -> PendingStore:
        """Return the store in an artifacts folder, beside the evidence of runs."""
        return cls(artifacts / PENDING)

    def names(self) -> list[str]:
        """Return the names of pending goldens; links are ignored.

        Raises:
            GoldenError: the folder of proposals is a link.

        """
        if self.root.is_symlink():
            text = f"{self.root} is a link, and none is followed: move it away"
            raise GoldenError(text)
        found = folders.subfolders(self.root)
        return [one.name for one in found if regular.is_file(one / MARK)]

    def load(self, name: str, goldens: Path) -> Pending:
        """Read a proposal, each file once, and check that its files agree.

        Args:
            name: one of `names`.
            goldens: the folder of goldens; it must be for one in there.

        Raises:
            GoldenError: the name is not pending, the proposal is damaged, or its target
                is no golden of its scenario.

        """
        self.demand(name)
        folder = self.root / name
        try:
            with regular.entered(folder) as handle:
                mark = _read_mark(folder / MARK, handle.opened)
                proposed, capture = files.read_with_capture(
                    folder, opened=handle.opened
                )
                inode = handle.inode
        except OSError as error:
            raise _damaged(folder / MARK, str(error)) from error
        try:
            golden = place(goldens, folder / mark.golden, proposed.scenario)
        except GoldenError as error:
            raise GoldenError(f"{name}: {error}") from error
        return Pending(
            name=name,
            folder=folder,
            golden=golden,
            base=mark.base,
            test=mark.test,
            differs=mark.differs,
            refused=mark.refused or "",
            made=mark.made,
            proposed=proposed,
            capture=capture,
            inode=inode,
        )

    def demand(self, *asked: str) -> None:
        """Raise for names that are not pending: as paths they may lead anywhere.

        Raises:
            GoldenError: a name is not pending; the message lists those that are.

        """
        names = self.names()
        for name in asked:
            if name not in names:
                known = ", ".join(names) or "nothing"
                text = f"no pending golden {name!r} in {self.root}: {known} is pending"
                raise GoldenError(text)

    def write(self, name: str, capture: Capture, proposal: Proposal) -> Path:
        """Propose a capture as a golden, in place of an older proposal of the test.

        Raises:
            GoldenError: the folder exists and is no proposal, or cannot be written.

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
        mark = document.Pending(
            format=document.FORMAT,
            golden=os.path.relpath(*map(os.path.realpath, (golden, folder))),
            base=digest(golden),
            test=proposal.test,
            differs=proposal.differs,
            refused=proposal.refused or UNSET,
            made=datetime.now(UTC).replace(microsecond=0),
        )
        files.write(folder, capture, table, {MARK: document.pending_text(mark)})
        return folder

    def accept(self, pending: Pending) -> bool:
        """Record a proposal as it was read; return whether the golden changed.

        The golden's keys that the user may edit (policy, requires, ...) are kept.

        Raises:
            GoldenError: the golden is damaged or has changed since the run, or every
                run would reject the proposal; both are left untouched.

        """
        recorded = pending.recorded()
        changed = recorded is None or recorded.canonical != pending.proposed.canonical
        if changed:
            if pending.refused:
                raise GoldenError(f"{pending.name} is not accepted: {pending.refused}")
            _refuse_stale(pending)
            _record(pending)
        self.drop(pending)
        return changed

    def drop(self, pending: Pending) -> None:
        """Remove a proposal that was read, unless a run has replaced it since."""
        with suppress(FileNotFoundError):
            if pending.folder.lstat().st_ino == pending.inode:
                self._remove(pending.folder)

    def reject(self, name: str) -> None:
        """Remove a proposal, damaged or not; the golden is left untouched.

        Raises:
            GoldenError: the name is not pending.

        """
        self.demand(name)
        self._remove(self.root / name)

    def discard(self, name: str) -> None:
        """Remove a proposal, if there is one."""
        if name in self.names():
            self.reject(name)

    def _remove(self, folder: Path) -> None:
        folders.remove(folder)
        with suppress(OSError):  # not empty: others are pending
            self.root.rmdir()


def digest(golden: Path) -> str:
    """Return the SHA-256 of a golden's capture and story, in hex; "" for no golden."""
    if not golden.is_dir() or files.is_stub(golden):
        return ""
    found = hashlib.sha256()
    for name in (CAPTURE, STORY):
        _add(found, golden / name)
    return found.hexdigest()


def _add(found: Any, path: Path) -> None:
    """Add a file's size and content to a digest; a missing file counts as empty."""
    if not path.is_file():
        found.update(b"0:")
        return
    with documents.regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST:
            raise GoldenError(f"{path}: it has more than {MOST >> 20} MiB")
        found.update(b"%d:" % size)
        while piece := file.read(PIECE):
            found.update(piece)


def _refuse_stale(pending: Pending) -> None:
    if pending.stale:
        raise GoldenError(
            f"{pending.name}: {pending.golden} has changed since this was proposed: "
            "run the scenario again, and review what it shows then"
        )


def _record(pending: Pending) -> None:
    proposed, name = pending.proposed, pending.proposed.scenario
    about = {**proposed.about, "provenance": proposed.provenance}
    table = {**about, "scenario": name, **kept(pending.golden, name)}
    files.write(pending.golden, pending.capture, table)


def _read_mark(path: Path, opened: Opener) -> document.Pending:
    try:
        return document.read_pending(path, opened)
    except DocumentError as error:
        raise _damaged(path, error.reason) from error


def _damaged(path: Path, reason: str) -> GoldenError:
    return GoldenError(
        f"{path}: cannot read this pending golden: {reason}; run the scenario again, "
        f"or reject {path.parent.name}"
    )
