"""What helps is told by the options of who is asked; a lab knows none of them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_netlab.errors import CommandError, LabError, LabUnavailableError, Remedy
from pytest_netlab.plugin import advice, options


class Parser:
    """Keeps the names of the options that are registered."""

    def __init__(self) -> None:
        """Know none."""
        self.names: list[str] = []

    def getgroup(self, *_: str) -> Parser:
        """Take the options of all groups."""
        return self

    def addoption(self, *names: str, **_: object) -> None:
        """Keep the names of one."""
        self.names += names

    def addini(self, *_: str, **__: object) -> None:
        """Leave keys of ini files alone."""


def told(error: LabError) -> str:
    """Return what an error says once it has left the lab."""
    with pytest.raises(type(error)) as caught, advice.advising():
        raise error
    return str(caught.value)


def test_remedy() -> None:
    """An error that knows what would help ends with how to ask for it."""
    error = LabUnavailableError("this lab has no engine", remedy=Remedy.ENGINE)
    assert str(error) == "this lab has no engine"

    assert told(error) == "this lab has no engine: use --netlab-engine=private"
    assert str(error) == told(error)  # once more changes nothing


def test_no_remedy() -> None:
    """Any other error is left as it is."""
    assert told(LabError("it broke")) == "it broke"
    assert told(CommandError("no answer")) == "no answer"


def test_no_option() -> None:
    """Where no option asks for the remedy, nothing is advised."""
    error = LabError("no space", remedy=Remedy.ENGINE_ROOT)

    error.advise({Remedy.IMAGE: "another"})

    assert str(error) == "no space"


@pytest.mark.parametrize("remedy", Remedy)
def test_every_remedy_has_an_option(remedy: Remedy) -> None:
    """The plugin's user can ask for all of them, by an option that there is."""
    parser: Any = Parser()
    options.register(parser)

    (named,) = re.findall(r"--[a-z-]+", advice.ADVICE[remedy])

    assert named in parser.names
