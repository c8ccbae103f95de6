"""A lab that was: the packets and the host's state of a run that is over.

Reads evidence bundles, goldens and bare captures. Needs neither root nor Linux.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_netlab import capture as captures
from pytest_netlab.errors import GoldenError, LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.lab.protocol import Node, Tap
    from pytest_netlab.spec import Point, Scenario

FORMAT = 1  # of verdict.json
CAPTURE, VERDICT, HOST, GOLDEN = "capture.pcapng", "verdict.json", "host", "golden.toml"
OVER = "this run judges stored packets (--netlab-offline): there is no lab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is left of a run.

    `bundle` is its evidence folder, None where there are packets only; `failure` is
    what it failed by beside its packets: an assertion of its own, or a command.
    """

    capture: Capture
    facts: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    bundle: Path | None = None
    failure: str = ""


def find(root: Path, scenario: Scenario) -> Stored:
    """Read what a folder of bundles, goldens or captures holds of a scenario.

    Raises:
        LabUnavailableError: it holds nothing of it.
        GoldenError: what it holds is damaged, or has no packets.
        CaptureError: the capture is damaged.

    """
    for name in dict.fromkeys((scenario.label, scenario.id)):
        folder = root / name
        if (folder / VERDICT).is_file():
            if name == scenario.label:
                return _bundle(folder)
        elif (folder / CAPTURE).is_file():
            return Stored(capture=_packets(folder / CAPTURE), facts=_recorded(folder))
        elif (root / f"{name}.pcapng").is_file():
            return Stored(capture=_packets(root / f"{name}.pcapng"))
    raise LabUnavailableError(
        f"no packets of {scenario.label} in {root}: there is neither "
        f"{scenario.label}/{CAPTURE} nor {scenario.label}.pcapng"
    )


def table(path: Path) -> dict[str, Any]:
    """Read a verdict.json and check that it is one.

    Raises:
        GoldenError: it is damaged, foreign, or of another format.

    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GoldenError(f"{path}: cannot read it: {error}") from error
    if not isinstance(found, dict) or "format" not in found:
        raise GoldenError(f"{path}: this is no verdict of pytest-netlab")
    if found["format"] != FORMAT:
        text = f"format {found['format']!r}, and this version reads format {FORMAT}"
        raise GoldenError(f"{path} is of {text}")
    return found


def _bundle(folder: Path) -> Stored:
    verdict = table(folder / VERDICT)
    error, facts = verdict.get("error", ""), verdict.get("facts", {})
    if not isinstance(error, str) or not isinstance(facts, dict):
        raise GoldenError(f"{folder / VERDICT}: error or facts are damaged")
    if not (folder / CAPTURE).is_file():
        raise GoldenError(f"{folder} holds no packets; its run ended by: {error}")
    texts = sorted((folder / HOST).glob("*"))
    return Stored(
        capture=_packets(folder / CAPTURE),
        facts=facts,
        state={path.name: path.read_text(errors="replace") for path in texts},
        bundle=folder,
        failure=error if verdict.get("outcome") == "fail" else "",
    )


def _packets(path: Path) -> Capture:
    found = captures.read(path)
    if not found.names:
        raise GoldenError(
            f"{path} does not say which address is which node: give a capture that "
            "pytest-netlab wrote, or one with a name-resolution block"
        )
    return found


def _recorded(folder: Path) -> dict[str, str]:
    """Return the provenance of a golden, its ruleset among it; none of a capture."""
    path = folder / GOLDEN
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise GoldenError(f"{path}: cannot read it: {error}") from error
    return dict(found.get("provenance", {}))


class StoredLab:
    """Implements `lab.protocol.Lab` for whoever judges: nothing can be run in it."""

    def __init__(self, stored: Stored) -> None:
        """Know what was stored."""
        self._stored = stored
        self.nodes: Mapping[str, Node] = {}

    @property
    def symbols(self) -> Mapping[str, str]:
        """Return address text -> symbol, as the capture names them."""
        return self._stored.capture.names

    @property
    def facts(self) -> Mapping[str, str]:
        """Return versions and settings of then."""
        return self._stored.facts

    @property
    def docker(self) -> Any:
        """Refuse: there is no engine."""
        raise LabUnavailableError(OVER)

    def demand_engine(self) -> None:
        """Do nothing: it is over."""

    def reset(self) -> None:
        """Do nothing: it is over."""

    def tap(self, points: Sequence[Point]) -> Tap:  # noqa: ARG002 - the protocol's
        """Refuse: nothing can be captured."""
        raise LabUnavailableError(OVER)

    def state(self) -> Mapping[str, str]:
        """Return the evidence of then."""
        return self._stored.state

    def close(self) -> None:
        """Do nothing: nothing is held."""
