"""`pytest-netlab mutate --live`: every fault of a real host is red, by its cause."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.mutate.live import native, rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = "from pytest_netlab.cli import main; main()"
RIGHT = 0.95  # of the causes that must be named, and of their texts


def mutate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, "mutate", "--live", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=1800
    )


# What a kernel, or an engine up to 27, has nothing for.
LACKING = {"tc-drops-pings", "direct-drop-deleted", "isolation-first"}
IPTABLES, NFT = ({one.name for one in family.FAULTS} for family in (rules, native))


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("suite", "where", "lacking"),
    [
        ("bookworm", (), NFT),
        ("forky", (), NFT),
        ("", ("--backend=kernel", "--firewall=native"), IPTABLES),
    ],
    ids=["bookworm", "forky", "native"],
)
def test_every_fault(
    suite_root: Callable[[str], Path],
    suite: str,
    where: tuple[str, ...],
    lacking: set[str],
) -> None:
    """All are caught, nothing else is red; causes are right, and cite what did it."""
    if suite:
        where = (f"--engine-root={suite_root(suite)}",)

    done = mutate("--json", *where)

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    told = found["summary"]
    mutations = found["mutations"]
    wrong = [one for one in mutations if one["cause_right"] is False]
    vague = [one for one in mutations if one["text_right"] is False]
    lost = {one["kind"] for one in mutations if not one["tested"]}
    assert lost <= lacking | LACKING
    assert told["caught"] > 150
    assert told["causes_right"] >= told["causes"] * RIGHT, wrong
    assert told["texts_right"] >= told["texts"] * RIGHT, vague
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
