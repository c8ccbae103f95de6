"""`pytest-netlab mutate --live`: every fault of a real host is red, by its cause."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = "from pytest_netlab.cli import main; main()"
RIGHT = 0.95  # of the causes that must be named


def mutate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, "mutate", "--live", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=600
    )


@pytest.mark.usefixtures("engine")
def test_every_fault() -> None:
    """All are caught, nothing else is red, and causes are right."""
    done = mutate("--json")

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    told = found["summary"]
    wrong = [one for one in found["mutations"] if one["cause_right"] is False]
    lost = {one["kind"] for one in found["mutations"] if not one["tested"]}
    assert lost <= {"direct-drop-deleted"}  # up to engine 27
    assert told["caught"] > 80
    assert told["causes_right"] >= told["causes"] * RIGHT, wrong
    assert {told[bad] for bad in ("survived", "alarm", "crashed")} == {0}


@pytest.mark.usefixtures("engine")
def test_played() -> None:
    """Goldens that are played in place of the scenarios catch the faults too."""
    faults = (
        *("masquerade-deleted", "dnat-deleted", "established-deleted", "input-drop"),
        *("foreign-reject", "df-cleared", "cloned", "uplink-loss", "uplink-duplicate"),
    )
    named = [word for fault in faults for word in ("--fault", fault)]

    done = mutate("--json", "--stimulus", "replay", *named)

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)["summary"]
    assert told["caught"] == 10


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (("--fault", "direct-drop-deleted"), "this engine and host have"),
        (("--stimulus", "replay", "direct-published"), "no golden of these can be"),
    ],
)
def test_nothing_was_tested(
    suite_root: Callable[[str], Path], chosen: tuple[str, ...], words: str
) -> None:
    """Where no fault was injected into anything there is no success: exit code 2."""
    root = f"--engine-root={suite_root('bookworm')}"

    done = mutate(root, "--json", *chosen)

    assert done.returncode == 2, done.stdout + done.stderr
    assert f"nothing was tested: {words}" in done.stderr.replace("\n", " ")
    assert json.loads(done.stdout)["summary"]["caught"] == 0


@pytest.mark.usefixtures("engine")
def test_unknown_fault() -> None:
    """A name that no fault has is refused, with those there are, before any lab."""
    done = mutate("--fault", "gremlins")

    assert done.returncode == 2
    assert "no fault 'gremlins': there are masquerade-deleted, " in done.stderr
