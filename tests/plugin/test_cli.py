"""The pytest-netlab command, run as users run it."""

from __future__ import annotations

import subprocess
import sys

from pytest_netlab.cli import main


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    program = "from pytest_netlab.cli import main; main()"
    argv = [sys.executable, "-c", program, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_help_lists_every_command() -> None:
    """--help teaches what each command is for."""
    result = command("--help")

    assert result.returncode == 0
    assert set(main.commands) == {"clean", "run"}
    for name in main.commands:
        assert name in result.stdout


def test_version_names_the_core() -> None:
    """--version tells the release and whether the hot loops are compiled."""
    result = command("--version")

    assert result.stdout.startswith("pytest-netlab")
    assert "core: interpreted" in result.stdout


def test_wrong_use_exits_with_2() -> None:
    """An unknown command is wrong use."""
    result = command("nonsense")

    assert result.returncode == 2


def test_run_passes_arguments_and_exit_code_through() -> None:
    """`run` is pytest on the bundled scenarios, from any directory."""
    fine = command("run", "--netlab-engine=fake", "-k", "ping", "-q")
    nothing = command("run", "--netlab-engine=fake", "-k", "no_such_scenario")

    assert fine.returncode == 0, fine.stdout
    assert "2 passed" in fine.stdout
    assert nothing.returncode == 5  # pytest's: no tests were collected
