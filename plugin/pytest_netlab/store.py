"""Goldens on disk: find, load, check, write. Knows no lab and no pytest."""

from __future__ import annotations

import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from pytest_netlab import capture as captures
from pytest_netlab.diff import Policy, Story, canonicalize
from pytest_netlab.errors import CaptureError, GoldenError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.capture import Capture

FORMAT = 1
CAPTURE, STORY, TOML = "capture.pcapng", "story.txt", "golden.toml"
TABLES = ("policy", "symbols", "provenance")
KEYS = {"format", "scenario", "description", *TABLES}
HEADER = """\
# Recorded by pytest-netlab. [policy] may be edited; the rest is written by
# `pytest -m netlab --netlab-update` and describes capture.pcapng beside it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One recorded scenario: its story, how strictly it holds, where it comes from."""

    scenario: str
    story: Story
    policy: Policy = field(default_factory=Policy)
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of goldens, one folder a scenario."""

    root: Path

    def folder(self, scenario: str) -> Path:
        """Return where a scenario's golden is, or would be."""
        return self.root / scenario

    def load(self, scenario: str) -> Golden:
        """Read a golden and check that its three files agree.

        Raises:
            GoldenError: missing, damaged, or edited by hand; says how to go on.

        """
        folder = self.folder(scenario)
        if not folder.is_dir():
            raise GoldenError(_MISSING.format(scenario=scenario, folder=folder))
        table = _read_toml(folder / TOML, scenario)
        story = canonicalize(_read_capture(folder / CAPTURE))
        _check_story(folder / STORY, story.text(scenario))
        return Golden(
            scenario=scenario,
            story=story,
            policy=_policy(folder / TOML, table),
            provenance=table.get("provenance", {}),
        )

    def save(
        self, scenario: str, capture: Capture, about: Mapping[str, Any]
    ) -> tuple[Path, bool]:
        """Record a capture as the golden; return its folder and whether it changed.

        A golden that tells the same story is left as it is, and its policy is kept.

        Args:
            scenario: the golden's name.
            capture: both points, with the symbols as its names.
            about: ``description`` and ``provenance`` for golden.toml.

        """
        folder = self.folder(scenario)
        policy: Mapping[str, Any] = {}
        if folder.is_dir():
            if self.load(scenario).story == canonicalize(capture):
                return folder, False
            policy = _read_toml(folder / TOML, scenario).get("policy", {})
        table = {"format": FORMAT, "scenario": scenario, **about}
        symbols = {symbol: address for address, symbol in capture.names.items()}
        _replace(folder, capture, {**table, "policy": policy, "symbols": symbols})
        return folder, True


_MISSING = (
    "no golden for scenario {scenario!r} in {folder}: look at what the scenario does, "
    "then record it with `pytest -m netlab --netlab-update` and review story.txt"
)


def _read_toml(path: Path, scenario: str) -> dict[str, Any]:
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
    if (table.get("format"), table.get("scenario")) != (FORMAT, scenario):
        text = f"{path}: not a golden of format {FORMAT} for scenario {scenario!r}"
        raise GoldenError(text)
    for key in TABLES:
        if not isinstance(table.get(key, {}), dict):
            raise GoldenError(f"{path}: {key} must be a table: [{key}]")
    return table


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


def _replace(folder: Path, capture: Capture, table: Mapping[str, Any]) -> None:
    """Write all three files beside the old golden, then swap the folders."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as new:
        fresh = Path(new, folder.name)
        fresh.mkdir()
        captures.write(fresh / CAPTURE, capture)
        story = canonicalize(capture).text(str(table["scenario"]))
        (fresh / STORY).write_text(story, encoding="utf-8")
        text = tomli_w.dumps(dict(table), multiline_strings=True)
        (fresh / TOML).write_text(HEADER + text, encoding="utf-8")
        _swap(fresh, folder, Path(new, "old"))


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
