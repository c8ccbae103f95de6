"""Find the packets and host state of a finished run, to judge them again.

Reads evidence bundles, goldens and bare captures. Needs neither root nor Linux.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab import capture as captures
from pytest_netlab.errors import DocumentError, GoldenError, LabUnavailableError
from pytest_netlab.evidence.bundle import HOST, is_bundle
from pytest_netlab.evidence.document import VERDICT
from pytest_netlab.evidence.record import read_head
from pytest_netlab.files import documents
from pytest_netlab.store import CAPTURE, TOML, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.files.documents import Opener
    from pytest_netlab.spec import Scenario

FILES = 100  # of a host's state that are read at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The stored packets of a run, and what is known of its host.

    Attributes:
        capture: its packets.
        facts: versions and settings; empty for a bare capture.
        state: file name -> text of the host's state; empty without evidence.
        bundle: its evidence folder; None for a golden or a bare capture.
        failure: the assertion or command that the run failed by; "" for none.

    """

    capture: Capture
    facts: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    bundle: Path | None = None
    failure: str = ""


def find(root: Path, scenario: Scenario) -> Stored:
    """Read a scenario's packets from a folder of bundles, goldens or captures.

    Raises:
        LabUnavailableError: the folder has no packets of the scenario.
        GoldenError: evidence or packets are damaged, or name no nodes.
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


def _bundle(folder: Path, scenario: str) -> Stored:
    path = folder / VERDICT
    if not os.path.lexists(path):
        text = f"{folder} is damaged evidence, its {VERDICT} is gone: run it again"
        raise GoldenError(text)
    head = read_head(path)
    if head.scenario != scenario:
        name = documents.brief(head.scenario)
        raise GoldenError(f"{path} is of {name}, and not of {scenario!r}")
    if not os.path.lexists(folder / CAPTURE):
        raise GoldenError(f"{folder} holds no packets; its run ended by: {head.error}")
    return Stored(
        capture=_packets(folder / CAPTURE, documents.unlinked),
        facts=head.facts,
        state=_state(folder / HOST),
        bundle=folder,
        failure=head.error if head.outcome == "fail" else "",
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


def _recorded(folder: Path) -> Mapping[str, str]:
    """Return a golden's provenance with its ruleset; empty for a bare capture."""
    path = folder / TOML
    return read_toml(path).provenance or {} if path.is_file() else {}


def _state(folder: Path) -> dict[str, str]:
    """Return file name -> text of a folder of host state; links are refused."""
    try:
        found = documents.folder(folder, most=FILES)
    except DocumentError as error:
        raise GoldenError(str(error)) from error
    return {name: text.decode(errors="replace") for name, text in found.items()}
