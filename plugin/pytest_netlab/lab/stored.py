"""A lab that was: the packets and the host's state of a run that is over.

Reads evidence bundles, goldens and bare captures. Needs neither root nor Linux.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_netlab import capture as captures
from pytest_netlab import documents
from pytest_netlab.errors import DocumentError, GoldenError, LabUnavailableError
from pytest_netlab.host import snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.documents import Opener
    from pytest_netlab.host.snapshot import Snapshot
    from pytest_netlab.lab.protocol import Node, Tap
    from pytest_netlab.spec import Point, Scenario

FORMAT = 1  # of verdict.json
FILES = 100  # of a host's state, at most
CAPTURE, VERDICT, HOST, GOLDEN = "capture.pcapng", "verdict.json", "host", "golden.toml"
MARK = ".pytest-netlab"  # says that a folder is evidence, to be replaced
OVER = "what is judged is stored packets: there is no lab"


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
        if is_bundle(folder):
            if name == scenario.label:
                return _bundle(folder, scenario.id)
        elif (folder / CAPTURE).is_file():
            packets = _packets(folder / CAPTURE)
            return Stored(capture=packets, facts=_recorded(folder))
        elif (root / f"{name}.pcapng").is_file():
            return Stored(capture=_packets(root / f"{name}.pcapng"))
    raise LabUnavailableError(
        f"no packets of {scenario.label} in {root}: there is neither "
        f"{scenario.label}/{CAPTURE} nor {scenario.label}.pcapng"
    )


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder is the evidence of a run, be it damaged.

    What a run failed by may be in its verdict.json only. Without it, its packets must
    not pass for a golden's, or for a bare capture.
    """
    return any(os.path.lexists(folder / name) for name in (VERDICT, MARK, HOST))


def table(path: Path) -> dict[str, Any]:
    """Read a verdict.json and check that it is one.

    Raises:
        GoldenError: it is damaged, foreign, or of another format.

    """
    try:
        found = documents.json_file(path)
    except DocumentError as error:
        raise GoldenError(str(error)) from error
    if not isinstance(found, dict) or "format" not in found:
        raise GoldenError(f"{path}: this is no verdict of pytest-netlab")
    if not documents.is_format(found["format"], FORMAT):
        name = documents.brief(found["format"])
        text = f"format {name}, and this version reads format {FORMAT}"
        raise GoldenError(f"{path} is of {text}")
    return found


def _bundle(folder: Path, scenario: str) -> Stored:
    path = folder / VERDICT
    if not os.path.lexists(path):
        text = f"{folder} is damaged evidence, its {VERDICT} is gone: run it again"
        raise GoldenError(text)
    verdict = table(path)
    if (name := verdict.get("scenario")) != scenario:
        name = documents.brief(name)
        raise GoldenError(f"{path} is of {name}, and not of {scenario!r}")
    error = verdict.get("error", "")
    if not isinstance(error, str):
        raise GoldenError(f"{path}: error must be a text")
    facts = _texts(verdict.get("facts", {}), "facts", path)
    if not os.path.lexists(folder / CAPTURE):
        raise GoldenError(f"{folder} holds no packets; its run ended by: {error}")
    return Stored(
        capture=_packets(folder / CAPTURE, documents.unlinked),
        facts=facts,
        state=_state(folder / HOST),
        bundle=folder,
        failure=error if verdict.get("outcome") == "fail" else "",
    )


def _packets(path: Path, opened: Opener = documents.regular) -> Capture:
    try:
        with opened(path) as file:
            found = captures.read(file)
    except OSError as error:
        text = f"{path}: cannot read it: {error.strerror or error}"
        raise GoldenError(text) from error
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
        found = documents.toml(path)
    except DocumentError as error:
        raise GoldenError(str(error)) from error
    return _texts(found.get("provenance", {}), "provenance", path)


def _texts(value: object, name: str, path: Path) -> dict[str, str]:
    try:
        return documents.texts(value, name, path)
    except DocumentError as error:
        raise GoldenError(str(error)) from error


def _state(folder: Path) -> dict[str, str]:
    """Return the host's state: what the files of a folder hold, none of them linked."""
    try:
        held = documents.folder(folder, most=FILES)
    except DocumentError as error:
        raise GoldenError(str(error)) from error
    return {name: text.decode(errors="replace") for name, text in held.items()}


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

    def snapshot(self) -> Snapshot:
        """Return what the evidence of then tells."""
        return snapshot.read(self._stored.state)

    def close(self) -> None:
        """Do nothing: nothing is held."""
