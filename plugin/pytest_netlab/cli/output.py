"""Standard output: as bytes go out, as terminals are protected, as readers leave."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from pytest_netlab.cli.group import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

WIDE = 1000  # columns where no terminal sets a limit: nothing is folded or cut


def emit(batches: Iterable[Iterable[str]]) -> None:
    """Write text, each batch at once; whoever stops reading has seen enough."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        # A capture may name its interfaces with what this locale cannot encode.
        out.reconfigure(errors="backslashreplace")
    for batch in batches:
        try:
            out.writelines(batch)
            out.flush()
        except OSError as error:
            # The interpreter flushes once more at its end, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
            if isinstance(error, BrokenPipeError):
                return
            raise Trouble(f"cannot write the output: {error.strerror}") from error


def lines(texts: Iterable[str]) -> Iterator[str]:
    """Return texts as lines that no terminal takes for commands.

    Captures are untrusted: an interface may be named with escape sequences.
    """
    for text in texts:
        yield f"{text if text.isprintable() else _escaped(text)}\n"


def rendered(parts: Iterable[RenderableType]) -> str:
    """Return tables as text: folded to a terminal, whole anywhere else."""
    from rich.console import Console  # noqa: PLC0415 - slow to load, JSON needs none

    is_terminal = sys.stdout.isatty()
    text = io.StringIO()
    console = Console(
        file=text,
        force_terminal=is_terminal,
        width=None if is_terminal else WIDE,
        markup=False,
        emoji=False,
        highlight=False,
    )
    for part in parts:
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _escaped(text: str) -> str:
    """Return a text with what cannot be printed as Python would write it."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )
