"""A reviewer's walk on a real engine, as docs/review.md tells it."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Walk = Callable[..., pytest.RunResult]

REPOSITORY = Path(__file__).resolve().parents[2]
ID, FILE = "ping-beyond", "test_ping_beyond.py"
CHANGED = """
def pytest_netlab_lab_started(lab):
    host = lab.nodes["host"]
    host.run("iptables", "-t", "nat", "-F", "POSTROUTING")
    via = ("via", host.address)
    lab.nodes["host01"].run("ip", "route", "add", "172.17.0.0/16", *via)
"""


@pytest.fixture
def walk(
    engine: None,  # noqa: ARG001 - skips
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> Walk:
    """Return a function that runs a project's scenario, with its golden recorded."""
    monkeypatch.delenv("CI", raising=False)
    shutil.copy(REPOSITORY / "scenarios" / FILE, pytester.path)
    golden = pytester.path / "golden" / ID
    shutil.copytree(REPOSITORY / "golden" / ID, golden)
    return lambda *more: pytester.runpytest_subprocess(
        "-m", "netlab", "--netlab-strict", *more
    )


def command(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run pytest-netlab at a terminal, and type."""
    ours, theirs = pty.openpty()
    program = "from pytest_netlab.cli import main; main()"
    os.write(ours, typed.encode())
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    return done


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file's bytes."""
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_walk(pytester: pytest.Pytester, walk: Walk) -> None:
    """Change a rule, run, read the failure, review, reject, mend, run again."""
    golden = contents(pytester.path / "golden")
    pytester.makeconftest(CHANGED)

    failed = walk()

    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(
        [
            f"{ID} FAILED: leaked",
            "cause      leaked: c1 left on the uplink with its own address*",
            "this host differs from the one the golden was recorded on",
            "  - nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE",
            "next step  if the lab's host is wrong, mend what set it up*",
            f"             *pytest-netlab review {ID}",
        ]
    )
    assert f"{ID}  leaked" in command("pending").stdout

    reviewed = command("review", ID, typed="r\n")

    assert reviewed.returncode == 0, reviewed.stderr
    for line in (
        "cause      leaked: c1 left on the uplink with its own address",
        "  - nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE",
        "-  uplink   host   > host01  echo request",
        "+  uplink   c1     > host01  echo request",
        f"rejected {ID}",
    ):
        assert line in reviewed.stdout
    assert contents(pytester.path / "golden") == golden
    assert command("pending").stdout.startswith("nothing is pending")

    (pytester.path / "conftest.py").unlink()
    walk().assert_outcomes(passed=1)

    assert contents(pytester.path / "golden") == golden


def test_accepted_change(pytester: pytest.Pytester, walk: Walk) -> None:
    """What a reviewer waives can be accepted, and is judged by from then on."""
    scenario = pytester.path / FILE
    head = scenario.read_text().partition("    assert trace.table")[0]
    scenario.write_text(head)
    pytester.makeconftest(CHANGED)
    walk().assert_outcomes(failed=1)

    refused = command("review", typed="a\n").stderr
    assert "not accepted: every run would reject it for container-address" in refused
    toml = pytester.path / "golden" / ID / "golden.toml"
    waived = '\n[policy]\nwaive = ["container-address-on-uplink"]\n'
    toml.write_text(toml.read_text().replace("\n[policy]\n", waived))
    walk().assert_outcomes(failed=1)
    assert command("review", typed="a\n").stdout.rstrip().endswith(f"golden/{ID}")

    walk().assert_outcomes(passed=1)
    assert "MASQUERADE" not in toml.read_text()
