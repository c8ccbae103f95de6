"""The names of causes: each is documented, and given by some rule."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest_netlab
from pytest_netlab.causes import Name

PACKAGE = Path(pytest_netlab.__file__).parent
PAGE = Path(__file__).parents[3] / "docs" / "verdicts.md"
GIVEN_IN = (*sorted(PACKAGE.glob("causes/*.py")), PACKAGE / "trace" / "values.py")
OTHERS = "| a name of the list above |"  # forbidden behaviour, which has a table


def documented() -> list[str]:
    """Return the names that the page on verdicts lists."""
    section = PAGE.read_text().split("\n## Causes")[1].split("\n##")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line[:3] == "| `"]
    return [name for cell in first for name in cell.split("`")[1::2]]


def given() -> set[str]:
    """Return the texts that rules hold, but for the list of names itself."""
    found: set[str] = set()
    for path in GIVEN_IN:
        for statement in ast.parse(path.read_text()).body:
            if isinstance(statement, ast.Assign) and "Name" in ast.dump(
                statement.targets[0]
            ):
                continue
            found |= {
                node.value
                for node in ast.walk(statement)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    return found


def test_documented() -> None:
    """The page lists every name there is, and no other: mypy lets rules give these."""
    assert sorted(documented()) == sorted(get_args(Name))
    assert OTHERS in PAGE.read_text()


def test_given() -> None:
    """No name is left of a rule that is gone."""
    assert set(get_args(Name)) - given() == set()
