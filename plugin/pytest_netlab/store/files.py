"""The three files of one golden: read, check that they agree, write, replace."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from pytest_netlab import capture as captures
from pytest_netlab import documents, folders, owners
from pytest_netlab.diff import Policy
from pytest_netlab.errors import (
    CaptureError,
    DocumentError,
    GoldenError,
    PolicyError,
)
from pytest_netlab.store.requires import Requires
from pytest_netlab.trace import CanonicalTrace, canonicalize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.capture import Capture
    from pytest_netlab.documents import Opener

FORMAT = 1
CAPTURE, STORY, TOML = "capture.pcapng", "story.txt", "golden.toml"
TABLES = ("policy", "symbols", "provenance")
TEXTS = ("description", "reference", "requires")
KEYS = {"format", "scenario", *TEXTS, *TABLES}
YOURS = (*TEXTS, "policy")  # what recording anew keeps
HEADER = """\
# Recorded by pytest-netlab. [policy], description, reference and requires may be
# edited; the rest is written by `pytest -m netlab --netlab-update` or `pytest-netlab
# accept` and describes capture.pcapng beside it.
"""


class MissingGoldenError(GoldenError):
    """There is nothing recorded to compare with yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One recorded scenario: its story, how strictly it holds, where it comes from."""

    scenario: str
    story: CanonicalTrace
    policy: Policy = field(default_factory=Policy)
    provenance: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    folder: Path = field(default=Path(), compare=False)

    @property
    def requires(self) -> Requires:
        """Return for which hosts it is."""
        return Requires.parse(self.about.get("requires", ""))


def read(folder: Path, scenario: str | None = None) -> Golden:
    """Read a golden and check that its three files agree.

    Raises:
        GoldenError: missing, damaged, or edited by hand; says how to go on.

    Args:
        folder: where the files are.
        scenario: which one it must be of; None for any.

    """
    return read_with_capture(folder, scenario)[0]


def read_with_capture(
    folder: Path, scenario: str | None = None, opened: Opener = documents.regular
) -> tuple[Golden, Capture]:
    """Read a golden and the packets it was made of; each file is read once.

    Args:
        folder: where the files are.
        scenario: which one it must be of; None for any.
        opened: opens the file of a path; raises OSError.

    Raises:
        GoldenError: as `read`.

    """
    table = read_toml(folder / TOML, scenario, opened)
    name = table["scenario"]
    if is_stub(folder):
        raise MissingGoldenError(_STUB.format(scenario=name, folder=folder))
    capture = _read_capture(folder / CAPTURE, opened)
    story = canonicalize(capture)
    _check_story(folder / STORY, story.text(name), opened)
    golden = Golden(
        scenario=name,
        story=story,
        policy=_policy(folder / TOML, table),
        provenance=table.get("provenance", {}),
        about={key: table[key] for key in TEXTS if key in table},
        folder=folder,
    )
    return golden, capture


def is_stub(folder: Path) -> bool:
    """Tell whether a golden was declared, with its requires, and never recorded."""
    return not any((folder / name).exists() for name in (CAPTURE, STORY))


def write(
    folder: Path,
    capture: Capture,
    table: Mapping[str, Any],
    beside: Mapping[str, str] | None = None,
) -> None:
    """Write a golden's three files into a folder, in place of those it holds.

    Whatever interrupts, the folder holds what it did before, or all of the new. What
    its user keeps beside them stays: notes, and the variants of a golden.

    Raises:
        GoldenError: the place is taken by a link or a file.
        OSError: the disk does not take it.

    Args:
        folder: where to; its parent is made.
        capture: both points, with the symbols as its names.
        table: ``scenario`` and what else golden.toml shall say of it.
        beside: name -> text of files to write beside the three.

    """
    symbols: dict[str, str] = {}
    for address, symbol in capture.names.items():
        symbols[symbol] = ", ".join(filter(None, (symbols.get(symbol), address)))
    full = {"format": FORMAT, "policy": {}, **table, "symbols": symbols}
    _refuse_taken(folder)
    with folders.replaced(folder, (CAPTURE, STORY, TOML, *(beside or ()))) as fresh:
        _write_files(fresh, capture, full)
        for name, text in (beside or {}).items():
            owners.write(fresh / name, text)


def _refuse_taken(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        kind = "a link" if folder.is_symlink() else "no folder"
        text = f"{folder} is {kind} and stays as it is: move it away"
        raise GoldenError(text)


_STUB = (
    "{folder} declares a golden of scenario {scenario!r} that was never recorded: "
    "record it with `pytest -m netlab --netlab-update` on a host it is for"
)


def read_toml(
    path: Path, scenario: str | None = None, opened: Opener = documents.regular
) -> dict[str, Any]:
    """Read golden.toml, and refuse what it cannot mean."""
    try:
        table = documents.toml(path, opened)
        unknown = sorted(set(table) - KEYS)
        if unknown:
            known = ", ".join(sorted(KEYS))
            name = documents.brief(unknown[0])
            raise GoldenError(f"{path}: unknown key {name}; known keys are {known}")
        _check_head(path, table, scenario)
        _check_values(path, table)
    except DocumentError as error:
        raise GoldenError(f"{error}; restore it from version control") from error
    requires(path, table)
    return table


def _check_head(path: Path, table: Mapping[str, Any], scenario: str | None) -> None:
    named = table.get("scenario")
    fits = named == scenario if scenario else isinstance(named, str)
    is_known = documents.is_format(table.get("format"), FORMAT)
    if not is_known or not fits:
        owner = f" for scenario {scenario!r}" if scenario else ""
        raise GoldenError(f"{path}: not a golden of format {FORMAT}{owner}")


def _check_values(path: Path, table: Mapping[str, Any]) -> None:
    if not isinstance(table.get("policy", {}), dict):
        raise GoldenError(f"{path}: policy must be a table: [policy]")
    for key in ("symbols", "provenance"):
        documents.texts(table.get(key, {}), key, path)
    for key in TEXTS:
        if not isinstance(table.get(key, ""), str):
            raise GoldenError(f'{path}: {key} must be a text: {key} = "..."')


def requires(path: Path, table: Mapping[str, Any]) -> Requires:
    """Return for which hosts a golden.toml says that its golden is."""
    try:
        return Requires.parse(table.get("requires", ""))
    except GoldenError as error:
        raise GoldenError(f"{path}: {error}") from error


def _policy(path: Path, table: Mapping[str, Any]) -> Policy:
    try:
        return Policy.parse(table.get("policy", {}))
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
        told = documents.content(path, most=len(want.encode()), opened=opened)
    except DocumentError:
        told = b""
    if told != want.encode():
        raise GoldenError(
            f"{path} does not tell what capture.pcapng beside it holds; it is "
            "generated, never edited. Restore both from version control, or record "
            "anew with `pytest -m netlab --netlab-update` after removing the folder"
        )


def _write_files(fresh: Path, capture: Capture, table: Mapping[str, Any]) -> None:
    captures.write(fresh / CAPTURE, capture)
    story = canonicalize(capture).text(str(table["scenario"]))
    owners.write(fresh / STORY, story)
    order = sorted(table, key=_place)
    text = tomli_w.dumps({key: table[key] for key in order}, multiline_strings=True)
    owners.write(fresh / TOML, HEADER + text)


def _place(key: str) -> tuple[bool, int]:
    """Sort the keys of golden.toml: texts before tables, as people read them."""
    known = ("format", "scenario", *TEXTS, "provenance", "policy", "symbols")
    return key not in known, known.index(key) if key in known else 0
