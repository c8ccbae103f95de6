"""`pytest-netlab mutate`, without a lab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from pytest_netlab.cli.group import main
from pytest_netlab.mutate import goldens

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from click.testing import Result


def mutate(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["mutate", *arguments])


def test_goldens_are_sound() -> None:
    """Every mutation of a bundled golden is caught or means nothing: exit code 0."""
    result = mutate("ping-host")

    assert result.exit_code == 0, result.output
    assert "  source MAC" in result.output.replace("\n ", "\n  ")
    assert result.stdout.splitlines()[-1].endswith(" 0 survived")


def test_survivor_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that sees nothing lets all survive, and they are named."""
    monkeypatch.setattr(goldens, "_differences", lambda *_: [])
    result = mutate("ping-host")

    assert result.exit_code == 1
    assert "SURVIVED  ping-host: ttl " in result.stdout


def test_json() -> None:
    """Machines get counts and mutations."""
    found = json.loads(mutate("ping-host", "--json").stdout)

    assert found["summary"]["survived"] == 0
    assert len(found["mutations"]) > 100


def test_list_tells_scenarios_and_rules() -> None:
    """--list says what there is, and judges nothing."""
    result = mutate("--list")

    assert result.exit_code == 0
    assert "  ping-beyond\n" in result.stdout
    assert "whose Ethernet address is whose" in result.stdout


def test_unknown_scenario_names_those_there_are() -> None:
    """A name without a golden is an error that lists the others."""
    result = mutate("ping-mars")

    assert result.exit_code == 2
    assert "no golden of 'ping-mars'" in result.stderr
    assert "ping-beyond, ping-host" in result.stderr


def test_two_engines(tmp_path: Path) -> None:
    """A suite and a root are two engines: none is silently taken."""
    result = mutate("--live", "--engine-suite=trixie", f"--engine-root={tmp_path}")

    assert result.exit_code == 2
    assert "--engine-suite and --engine-root: choose one" in result.stderr


def test_labs_without_an_engine() -> None:
    """A lab without an engine takes none from anywhere."""
    result = mutate("--live", "--backend=kernel", "--engine-suite=trixie")

    assert result.exit_code == 2
    assert "--backend kernel has no engine" in result.stderr


def test_labs_without_live() -> None:
    """What labs are is of no use where goldens are changed, and refused."""
    result = mutate("--firewall=native")

    assert result.exit_code == 2
    assert "--backend, --firewall" in result.stderr
    assert "need --live" in result.stderr


def test_nothing_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goldens without a mutation are no success."""
    monkeypatch.setattr(goldens, "mutations", lambda *_: [])
    result = mutate("ping-host")

    assert result.exit_code == 2
    assert "nothing was tested: there is nothing to change" in result.stderr


def test_folder_without_goldens(tmp_path: Path) -> None:
    """A folder without goldens is an error, not a success over nothing."""
    result = mutate("--golden", str(tmp_path))

    assert result.exit_code == 2
    assert "has no golden" in result.stderr
