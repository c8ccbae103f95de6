"""`pytest-netlab mutate --live`: what it is asked for, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.live_faults import mutate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
    summary = json.loads(done.stdout)["summary"]
    assert summary["caught"] == 10


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
