"""The pytest-netlab command, run as users run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_netlab.cli.group import COMMANDS
from pytest_netlab.core import core

PROGRAM = "from pytest_netlab.cli import main; main()"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    argv = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_help_lists_every_command() -> None:
    """--help teaches what each command is for."""
    result = command("--help")

    assert result.returncode == 0
    goldens = {"pending", "review", "accept", "reject"}
    assert set(COMMANDS) == {
        *("clean", "diff", "mutate", "nat", "replay", "run", "show"),
        *goldens,
    }
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_has_an_example(name: str) -> None:
    """Whoever asks for help gets a line to type."""
    result = command(name, "--help")

    assert (result.returncode, result.stderr) == (0, "")
    assert f"pytest-netlab {name}" in result.stdout.split("\n", 1)[1]


def test_errors_are_one_sentence() -> None:
    """What cannot be done is told in one line, without a traceback."""
    result = command("show", "no-such-file.pcap")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: no-such-file.pcap: no such file; name a capture file, or a folder with "
        "capture.pcapng, or - for standard input\n"
    )


def test_json_loads_nothing_for_people() -> None:
    """Libraries for tables and labs take longer to load than a capture to be read."""
    golden = Path(__file__).parents[2] / "golden" / "ping-beyond"
    argv = [sys.executable, "-X", "importtime", "-c", PROGRAM, "nat", "--json"]
    argv.append(str(golden))
    result = subprocess.run(argv, capture_output=True, text=True, check=True)
    loaded = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}

    assert "pytest_netlab.nat" in loaded
    assert not loaded & {"rich", "docker", "pyroute2", "jinja2", "importlib.metadata"}


def test_version_names_the_core() -> None:
    """--version tells the release and whether the hot loops are compiled."""
    result = command("--version")

    assert result.stdout.startswith("pytest-netlab")
    assert f"core: {core()}" in result.stdout


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
