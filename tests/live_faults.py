"""`pytest-netlab mutate --live` in a process, and what all faults must show."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = "from pytest_netlab.cli import main; main()"
RIGHT = 0.95  # of the causes that must be named, and of their texts
# What a kernel, or an engine up to 27, has nothing for.
LACKING = {"tc-drops-pings", "direct-drop-deleted", "isolation-first"}


def mutate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, "mutate", "--live", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=1800
    )


def demand_all(lacking: set[str], *where: str) -> None:
    """Demand that all are caught, that nothing else is red, and that causes are right.

    Args:
        lacking: faults that such a lab has nothing for.
        where: options that choose the lab.

    """
    done = mutate("--json", *where)

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    summary, mutations = found["summary"], found["mutations"]
    wrong = [one for one in mutations if one["cause_right"] is False]
    vague = [one for one in mutations if one["text_right"] is False]
    lost = {one["kind"] for one in mutations if not one["tested"]}
    assert lost <= lacking | LACKING
    assert summary["caught"] > 150
    assert summary["causes_right"] >= summary["causes"] * RIGHT, wrong
    assert summary["texts_right"] >= summary["texts"] * RIGHT, vague
    assert {summary[bad] for bad in ("survived", "alarm", "crashed")} == {0}
