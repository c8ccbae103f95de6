"""The three files of one golden: read, check that they agree, write, replace."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from pytest_netlab import capture as captures
from pytest_netlab.diff import Policy
from pytest_netlab.errors import (
    CaptureError,
    DocumentError,
    GoldenError,
    PolicyError,
)
from pytest_netlab.files import documents, folders, owners
from pytest_netlab.store import document
from pytest_netlab.store.requires import Requires
from pytest_netlab.trace import CanonicalTrace, canonicalize
from pytest_netlab.wire import is_mac

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.capture import Capture
    from pytest_netlab.files.documents import Opener

CAPTURE, STORY, TOML = "capture.pcapng", "story.txt", document.GOLDEN
TEXTS = ("description", "reference", "requires")
YOURS = (*TEXTS, "policy")  # keys that re-recording keeps


class MissingGoldenError(GoldenError):
    """No golden has been recorded yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One recorded scenario.

    Attributes:
        scenario: the scenario's id.
        canonical: the trace that its capture has.
        policy: how strictly each field is compared.
        provenance: name -> version, setting or rules of the host at recording.
        about: those of description, reference and requires that it has.
        folder: where its files are.

    """

    scenario: str
    canonical: CanonicalTrace
    policy: Policy = field(default_factory=Policy)
    provenance: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default=Path(), compare=False)

    @property
    def requires(self) -> Requires:
        """Return which hosts it is for."""
        return Requires.parse(self.about.get("requires", ""))


def read(folder: Path, scenario: str | None = None) -> Golden:
    """Read a golden and check that its three files agree.

    Raises:
        GoldenError: missing, damaged, or edited by hand; says what to do.

    Args:
        folder: where the files are.
        scenario: the id it must have; None for any.

    """
    return read_with_capture(folder, scenario)[0]


def read_with_capture(
    folder: Path, scenario: str | None = None, opened: Opener = documents.regular
) -> tuple[Golden, Capture]:
    """Read a golden and its packets; each file is read once.

    Args:
        folder: where the files are.
        scenario: the id it must have; None for any.
        opened: opens the file of a path; raises OSError.

    Raises:
        GoldenError: as `read`.

    """
    table = read_toml(folder / TOML, scenario, opened)
    name = table.scenario
    if is_stub(folder):
        raise MissingGoldenError(_STUB.format(scenario=name, folder=folder))
    capture = _read_capture(folder / CAPTURE, opened)
    canonical = canonicalize(capture)
    _check_story(folder / STORY, canonical.text(name), opened)
    golden = Golden(
        scenario=name,
        canonical=canonical,
        policy=policy(folder / TOML, table),
        provenance=table.provenance or {},
        about=said(table, TEXTS),
        folder=folder,
    )
    return golden, capture


def is_stub(folder: Path) -> bool:
    """Return whether a golden that golden.toml declares was never recorded."""
    return not any((folder / name).exists() for name in (CAPTURE, STORY))


def write(
    folder: Path,
    capture: Capture,
    table: Mapping[str, Any],
    beside: Mapping[str, str] | None = None,
) -> None:
    """Write a golden's three files into a folder, in place of older ones.

    An interruption leaves all the old files or all the new ones. Other files of the
    user stay: notes, and the variants of a golden.

    Raises:
        GoldenError: the path is a link or a file, or cannot be written.

    Args:
        folder: where to write; missing parents are made.
        capture: both points, with the symbols as its names.
        table: ``scenario`` and the other keys of golden.toml.
        beside: name -> text of further files to write.

    """
    symbols: dict[str, str] = {}
    ip = {text: name for text, name in capture.names.items() if not is_mac(text)}
    for address, symbol in ip.items():
        symbols[symbol] = ", ".join(filter(None, (symbols.get(symbol), address)))
    golden = document.Golden(**{"format": document.FORMAT, **table, "symbols": symbols})
    _refuse_occupied(folder)
    canonical = canonicalize(capture).text(golden.scenario)
    own = {STORY: canonical, TOML: document.golden_text(golden), **(beside or {})}
    try:
        with folders.replaced(folder, (CAPTURE, *own)) as fresh:
            captures.write(fresh / CAPTURE, capture)
            for name, text in own.items():
                owners.write(fresh / name, text)
    except OSError as error:
        raise GoldenError(
            f"cannot write the golden {folder} ({error.strerror or error}): make that "
            "folder writable, or room on its disk, and run again"
        ) from error


def _refuse_occupied(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        kind = "a link" if folder.is_symlink() else "no folder"
        text = f"{folder} is {kind} and stays as it is: move it away"
        raise GoldenError(text)


_STUB = (
    "{folder} declares a golden of scenario {scenario!r} that was never recorded: "
    "record it on a host it is for, with --netlab-update-new-only"
)


def read_toml(
    path: Path, scenario: str | None = None, opened: Opener = documents.regular
) -> document.Golden:
    """Read and validate a golden.toml.

    Args:
        path: where it is.
        scenario: the id it must have; None for any.
        opened: opens it; raises OSError.

    Raises:
        GoldenError: it is damaged, invalid, or of another scenario.

    """
    try:
        found = document.read_golden(path, opened)
    except DocumentError as error:
        raise GoldenError(f"{error}; restore it from version control") from error
    if scenario not in (None, found.scenario):
        name = documents.brief(found.scenario)
        raise GoldenError(f"{path} is of scenario {name}, and not of {scenario!r}")
    requires(path, found)
    return found


def said(table: document.Golden, keys: Iterable[str]) -> dict[str, Any]:
    """Return those of some keys that a golden.toml has, with their values."""
    found = {key: getattr(table, key) for key in keys}
    return {key: value for key, value in found.items() if value is not UNSET}


def requires(path: Path, table: document.Golden) -> Requires:
    """Return which hosts a golden.toml declares its golden for."""
    try:
        return Requires.parse(table.requires or "")
    except GoldenError as error:
        raise GoldenError(f"{path}: {error}") from error


def policy(path: Path, table: document.Golden) -> Policy:
    """Return how strictly a golden.toml has each field compared."""
    try:
        return Policy.parse(table.policy)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error


def _read_capture(path: Path, opened: Opener) -> Capture:
    try:
        with opened(path) as file:
            return captures.read(file)
    except (OSError, CaptureError) as error:
        text = f"golden capture is damaged: {error}; restore it from version control"
        raise GoldenError(text) from error


def _check_story(path: Path, want: str, opened: Opener) -> None:
    try:
        stored = documents.content(path, most=len(want.encode()), opened=opened)
    except DocumentError:
        stored = b""
    if stored != want.encode():
        raise GoldenError(
            f"{path} is not what capture.pcapng beside it says; it is "
            "generated, never edited. Restore both from version control, or remove the "
            "folder and record anew, with --netlab-update-new-only"
        )
