"""`pytest-netlab replay` and `mutate --live`, where they need no lab to say no."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import LabUnavailableError, Remedy
from pytest_netlab.lab.rootfs import suites

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command


def test_suite_of_no_engine(command: Command) -> None:
    """Rules that Docker documents are of no suite; the command's own option is told."""
    suite = ("--engine=kernel", "--engine-suite=trixie")
    result = command("replay", "good.pcapng", *suite)

    assert result.exit_code == 2
    words = "--engine-suite is for --engine=private, and this is kernel"
    assert words in result.stderr
    assert "--netlab" not in result.stderr


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (("replay", "good.pcapng"), ""),
        (("mutate", "--live"), ", or name a folder by --engine-root=DIR"),
    ],
)
def test_what_helps(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...],
    advice: str,
) -> None:
    """Only what a command has an option for is advised, and by that option."""

    def provide(*_: object) -> None:
        raise LabUnavailableError("no mirror", remedy=Remedy.ENGINE_ROOT)

    monkeypatch.setattr(suites, "provide", provide)
    said = command.refused(*given, "--engine-suite=trixie")

    assert said == f"no mirror{advice}"
