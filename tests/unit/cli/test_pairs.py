"""`pytest-netlab nat --pairs` and `--write-pairs`."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.traffic import INSIDE, OUTSIDE

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command

FILES = "in.pcapng", "out.pcapng"
NUMBERS = [("1", "1"), ("2", "2"), ("3", "3")]


def numbers(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the numbers of both packets of each pair."""
    return [(str(one["inside_packet"]), str(one["outside_packet"])) for one in rows]


def test_every_pair_is_listed(command: Command) -> None:
    """In place of flows; in all formats, with the exit code of the verdict."""
    plain, as_csv, as_json = (
        command("nat", *FILES, "--pairs", *form) for form in ((), ["--csv"], ["--json"])
    )

    assert [one.exit_code for one in (plain, as_csv, as_json)] == [1, 1, 1]
    words = [line.split() for line in plain.stdout.splitlines()]
    assert [tuple(line[2:4]) for line in words[1:]] == NUMBERS
    assert [line[1] for line in words[1:]] == ["original", "reply", "original"]
    assert numbers(list(csv.DictReader(as_csv.stdout.splitlines()))) == NUMBERS
    assert numbers(json.loads(as_json.stdout)["pairs"]) == NUMBERS


def test_numbers_are_those_of_the_file(command: Command) -> None:
    """With both points in one capture, packets count over both."""
    result = command("nat", "good.pcapng", "--pairs", "--json")

    assert numbers(json.loads(result.stdout)["pairs"]) == [
        ("1", "2"),
        ("4", "3"),
        ("5", "6"),
    ]


def test_a_file_of_pairs(command: Command) -> None:
    """The suffix says what is written; flows are printed as ever."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for suffix in ("csv", "arrow", "parquet"):
        result = command("nat", *FILES, "--write-pairs", f"pairs.{suffix}")
        assert result.exit_code == 1
        assert "snat" in result.stdout
    with Path("pairs.csv").open(encoding="utf-8", newline="") as file:
        assert numbers(list(csv.DictReader(file))) == NUMBERS
    with arrow.ipc.open_file("pairs.arrow") as file:
        assert numbers(file.read_all().to_pylist()) == NUMBERS
    assert numbers(parquet.read_table("pairs.parquet").to_pylist()) == NUMBERS


@pytest.mark.parametrize("name", ["pairs", "pairs.txt", "pairs.csv.gz"])
def test_other_suffixes_are_refused(command: Command, name: str) -> None:
    """Nobody gets a format that the name does not promise."""
    result = command("nat", *FILES, "--write-pairs", name)

    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert f"{name}: its name must end with .csv, .arrow or .parquet" in said
    assert not Path(name).exists()


@pytest.mark.parametrize("name", ["pairs.arrow", "pairs.parquet"])
def test_pyarrow_is_optional(
    command: Command, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the message names the extra, and CSV can be written."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    assert command.refused("nat", *FILES, "--write-pairs", name) == (
        f"--write-pairs {name} needs pyarrow, which is not installed: "
        "pip install 'pytest-netlab[arrow]'"
    )
    assert command("nat", *FILES, "--write-pairs", "pairs.csv").exit_code == 1


def test_input_is_never_overwritten(command: Command) -> None:
    """Pairs written onto a capture that is read would destroy it."""
    folder = command.folder
    (folder / "odd.csv").write_bytes((folder / "good.pcapng").read_bytes())
    points = "--inside", INSIDE, "--outside", OUTSIDE
    result = command("nat", "odd.csv", *points, "--write-pairs", "./odd.csv")

    assert result.exit_code == 2
    assert "--write-pairs needs a file of its own" in result.stderr
