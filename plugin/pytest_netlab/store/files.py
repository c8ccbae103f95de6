"""The three files of one golden: read, check that they agree, write, replace."""

from __future__ import annotations

import tempfile
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from pytest_netlab import capture as captures
from pytest_netlab.diff import Policy, Story, canonicalize
from pytest_netlab.errors import CaptureError, GoldenError, PolicyError
from pytest_netlab.store.requires import Requires

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_netlab.capture import Capture

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
    story: Story
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
    table = read_toml(folder / TOML, scenario)
    name = table["scenario"]
    if is_stub(folder):
        raise MissingGoldenError(_STUB.format(scenario=name, folder=folder))
    story = canonicalize(_read_capture(folder / CAPTURE))
    _check_story(folder / STORY, story.text(name))
    return Golden(
        scenario=name,
        story=story,
        policy=_policy(folder / TOML, table),
        provenance=table.get("provenance", {}),
        about={key: table[key] for key in TEXTS if key in table},
        folder=folder,
    )


def is_stub(folder: Path) -> bool:
    """Tell whether a golden was declared, with its requires, and never recorded."""
    return not any((folder / name).exists() for name in (CAPTURE, STORY))


def write(
    folder: Path,
    capture: Capture,
    table: Mapping[str, Any],
    beside: Mapping[str, str] | None = None,
) -> None:
    """Write a golden's three files into a folder, in place of what it holds.

    Whatever interrupts, the folder holds what it did before, or all of the new.

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
    with replaced(folder) as fresh:
        _write_files(fresh, capture, full)
        for name, text in (beside or {}).items():
            (fresh / name).write_text(text, encoding="utf-8")


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Yield an empty folder, and put it in place of another once it is filled.

    Whatever interrupts, the folder holds what it did before, or all of the new.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as new:
        fresh = Path(new, folder.name)
        fresh.mkdir()
        yield fresh
        _swap(fresh, folder, Path(new, ".old"))


_STUB = (
    "{folder} declares a golden of scenario {scenario!r} that was never recorded: "
    "record it with `pytest -m netlab --netlab-update` on a host it is for"
)


def read_toml(path: Path, scenario: str | None = None) -> dict[str, Any]:
    """Read golden.toml, and refuse what it cannot mean."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        text = f"{path}: cannot read it: {error}; restore it from version control"
        raise GoldenError(text) from error
    unknown = sorted(set(table) - KEYS)
    if unknown:
        known = ", ".join(sorted(KEYS))
        text = f"{path}: unknown key {unknown[0]!r}; known keys are {known}"
        raise GoldenError(text)
    _check_head(path, table, scenario)
    for key in TABLES:
        if not isinstance(table.get(key, {}), dict):
            raise GoldenError(f"{path}: {key} must be a table: [{key}]")
    for key in TEXTS:
        if not isinstance(table.get(key, ""), str):
            raise GoldenError(f'{path}: {key} must be a text: {key} = "..."')
    return table


def _check_head(path: Path, table: Mapping[str, Any], scenario: str | None) -> None:
    named = table.get("scenario")
    fits = named == scenario if scenario else isinstance(named, str)
    if table.get("format") != FORMAT or not fits:
        owner = f" for scenario {scenario!r}" if scenario else ""
        raise GoldenError(f"{path}: not a golden of format {FORMAT}{owner}")


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


def _read_capture(path: Path) -> Capture:
    try:
        return captures.read(path)
    except (OSError, CaptureError) as error:
        text = f"golden capture is damaged: {error}; restore it from version control"
        raise GoldenError(text) from error


def _check_story(path: Path, want: str) -> None:
    try:
        told = path.read_bytes()
    except OSError:
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
    (fresh / STORY).write_text(story, encoding="utf-8")
    order = sorted(table, key=_place)
    text = tomli_w.dumps({key: table[key] for key in order}, multiline_strings=True)
    (fresh / TOML).write_text(HEADER + text, encoding="utf-8")


def _place(key: str) -> tuple[bool, int]:
    """Sort the keys of golden.toml: texts before tables, as people read them."""
    known = ("format", "scenario", *TEXTS, "provenance", "policy", "symbols")
    return key not in known, known.index(key) if key in known else 0


def _swap(fresh: Path, folder: Path, aside: Path) -> None:
    """Put a folder in place of another; whatever interrupts, one of them is there."""
    try:
        if folder.exists():
            folder.rename(aside)
        fresh.rename(folder)
    except BaseException:
        if aside.exists() and not folder.exists():
            aside.rename(folder)
        raise
