"""A folder of goldens: pick the variant for a host, load it, record it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_netlab.diff import Policy
from pytest_netlab.errors import GoldenError
from pytest_netlab.files import folders
from pytest_netlab.store import files, regular
from pytest_netlab.store.files import (
    CAPTURE,
    STORY,
    TOML,
    Golden,
    MissingGoldenError,
)
from pytest_netlab.trace import canonicalize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.store.requires import Requires
    from pytest_netlab.trace import CanonicalTrace


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant's folder, and the hosts it is for; its packets are not read."""

    folder: Path
    requires: Requires

    def __str__(self) -> str:
        """Return its name and what it requires."""
        return f"{self.folder.name} requires {str(self.requires) or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of goldens, one folder a scenario.

    Each contains a golden's three files, or a subfolder with them for each variant.
    """

    root: Path

    def folder(self, scenario: str) -> Path:
        """Return where a scenario's golden is, or would be."""
        return self.root / scenario

    def scenarios(self) -> list[str]:
        """Return the scenarios that have a golden."""
        return [
            path.name
            for path in folders.subfolders(self.root)
            if any((one / TOML).is_file() for one in (path, *_variants(path)))
        ]

    def sweep(self, scenario: str) -> None:
        """Remove or put back what a run left that was killed while recording."""
        folders.leftovers(self.root)
        folders.leftovers(self.folder(scenario))

    def remove(self, scenario: str) -> bool:
        """Remove the files of a scenario's golden; return whether nothing is left.

        Other files of the user stay, and links are not followed.
        """
        folder = self.folder(scenario)
        for place in (*_variants(folder), folder):
            if place.is_symlink() or not regular.is_file(place / TOML):
                continue
            for name in (TOML, CAPTURE, STORY):
                (place / name).unlink(missing_ok=True)
        for place in (*_variants(folder), folder):
            with suppress(OSError):  # it is not empty
                place.rmdir()
        return not folder.exists()

    def load(self, scenario: str, facts: Mapping[str, str] | None = None) -> Golden:
        """Read the golden for a host, and check that its three files agree.

        Raises:
            MissingGoldenError: there is none yet.
            GoldenError: it is damaged or edited by hand, or not exactly one variant
                is for this host; says what to do.

        Args:
            scenario: the scenario's id.
            facts: the host's; None if there is only one variant and no host.

        """
        return files.read(self._picked(scenario, facts), scenario)

    def depends_on_host(self, scenario: str) -> bool:
        """Return whether the host's facts decide which golden is loaded."""
        if not self.folder(scenario).is_dir():
            return False
        return any(str(one.requires) for one in self.variants(scenario))

    def place(self, scenario: str, facts: Mapping[str, str]) -> Path:
        """Return the folder where a host's golden is, or would be recorded."""
        folder = self.folder(scenario)
        return self._picked(scenario, facts) if folder.is_dir() else folder

    def has(self, scenario: str, facts: Mapping[str, str]) -> bool:
        """Return whether a golden for this host was recorded."""
        if not self.folder(scenario).is_dir():
            return False
        return not files.is_stub(self._picked(scenario, facts))

    def policy(self, scenario: str, facts: Mapping[str, str]) -> Policy:
        """Return the policy that a host's golden has, or would keep when recorded.

        Raises:
            GoldenError: golden.toml is damaged or invalid.

        """
        path = self.place(scenario, facts) / TOML
        if not path.is_file():
            return Policy()
        return files.policy(path, files.read_toml(path, scenario))

    def others(self, picked: Golden, facts: Mapping[str, str]) -> Iterator[Golden]:
        """Yield the recorded variants that were not picked, and may be for a host.

        They require a fact that is not known of it. What is for another host explains
        nothing here, however alike its packets are.
        """
        for variant in self.variants(picked.scenario):
            other = variant.folder != picked.folder and variant.requires.may_hold(facts)
            if other and not files.is_stub(variant.folder):
                yield files.read(variant.folder, picked.scenario)

    def variants(self, scenario: str) -> list[Variant]:
        """Return the variants of a scenario's golden; usually there is only one."""
        folder = self.folder(scenario)
        found = sorted(
            path
            for path in folder.iterdir()
            if path.is_dir() and not path.name.startswith((".", "_"))
        )
        if (folder / TOML).exists() or not found:
            found = [folder, *found]
        return [_variant(path, scenario) for path in found]

    def save(
        self, scenario: str, capture: Capture, about: Mapping[str, Any]
    ) -> tuple[Path, bool]:
        """Record a capture as the golden; return its folder and whether it changed.

        A golden with the same trace is left untouched; another is replaced, but keeps
        what its user may edit. With variants, the one for the host is recorded.

        Args:
            scenario: the scenario's id.
            capture: both points, with the symbols as its names.
            about: ``description`` and ``provenance`` for golden.toml.

        """
        folder = self.folder(scenario)
        if folder.is_dir():
            folder = self._picked(scenario, about.get("provenance"))
        table = {**about, "scenario": scenario, **kept(folder, scenario)}
        if _has_trace(folder, scenario, canonicalize(capture)):
            return folder, False
        files.write(folder, capture, table)
        return folder, True

    def _picked(self, scenario: str, facts: Mapping[str, str] | None) -> Path:
        """Return the folder of the only variant that is for a host."""
        folder = self.folder(scenario)
        if not folder.is_dir():
            text = _MISSING.format(scenario=scenario, folder=folder)
            raise MissingGoldenError(text)
        try:
            known = self.variants(scenario)
        except OSError as error:
            why = error.strerror or error
            text = f"cannot read the golden {folder} ({why}): make it readable"
            raise GoldenError(text) from error
        fit = [one for one in known if facts is None or one.requires.holds(facts)]
        if len(fit) != 1:
            raise GoldenError(_not_one(scenario, known, fit, facts or {}))
        return fit[0].folder


def _variants(folder: Path) -> list[Path]:
    """Return the subfolders of a golden that may be variants."""
    return [one for one in folders.subfolders(folder) if not one.name.startswith("_")]


def kept(folder: Path, scenario: str) -> dict[str, Any]:
    """Return the keys that re-recording keeps: those that the user may edit."""
    if not folder.is_dir():
        return {}
    return files.said(files.read_toml(folder / TOML, scenario), files.YOURS)


def _has_trace(folder: Path, scenario: str, canonical: CanonicalTrace) -> bool:
    """Return whether a golden is recorded and has this trace."""
    if not folder.is_dir() or files.is_stub(folder):
        return False
    return files.read(folder, scenario).canonical == canonical


def _variant(folder: Path, scenario: str) -> Variant:
    path = folder / TOML
    return Variant(folder, files.requires(path, files.read_toml(path, scenario)))


_MISSING = (
    "no golden for scenario {scenario!r} in {folder}: look at what the scenario does, "
    "then record it, with --netlab-update-new-only, and review story.txt"
)


def _not_one(
    scenario: str,
    known: Sequence[Variant],
    fit: Sequence[Variant],
    facts: Mapping[str, str],
) -> str:
    """Return why no golden could be picked: which there are, what the host is."""
    names = dict.fromkeys(name for one in known for name in one.requires.facts)
    here = ", ".join(f"{name} {facts.get(name, 'unknown')}" for name in names)
    listed = "; ".join(str(one) for one in fit or known)
    where = f"golden of scenario {scenario!r} in {known[0].folder.parent}"
    if not fit:
        return (
            f"no {where} is for this host ({here}): {listed}. Widen a `requires` in "
            "its golden.toml, or add a folder with a golden.toml for this host, and "
            "record that with --netlab-update-new-only"
        )
    host = f" (it has {here})" if facts and here else ""
    return (
        f"more than one {where} is for this host{host}: {listed}. Exactly one may be: "
        "narrow `requires` in golden.toml"
    )
