"""What commands print: what terminals are spared, and how readers leave.

Everything but errors goes out here, as `Safe` text: captures, goldens and evidence are
not trusted, and may hold escape sequences.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.cli.group import Trouble
from pytest_netlab.terminal import Safe, one_line, safe_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.text import Text

WIDE = 1000  # columns where no terminal sets a limit: nothing is folded or cut


def emit(batches: Iterable[Iterable[Safe]]) -> None:
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


def say(text: str, *, err: bool = False) -> None:
    """Print a line; with `err` on standard error."""
    if err:
        click.echo(one_line(text), err=True)  # noqa: TID251 - here it is escaped
    else:
        emit([lines([text])])


def lines(texts: Iterable[str]) -> Iterator[Safe]:
    """Return texts as lines."""
    for text in texts:
        yield Safe(f"{one_line(text)}\n")


def json_texts(texts: Iterable[str]) -> Iterator[Safe]:
    """Return pieces of JSON as such, and still as JSON."""
    return map(safe_json, texts)


def rendered(parts: Iterable[RenderableType]) -> Safe:
    """Return tables as text: folded to a terminal, whole anywhere else."""
    from rich.console import Console  # noqa: PLC0415 - slow to load, JSON needs none

    class Escaping(Console):
        """Sets no string, of a table's cell or by itself, as it is."""

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(one_line(text), **options)

    is_terminal = sys.stdout.isatty()
    text = io.StringIO()
    console = Escaping(
        file=text,
        force_terminal=is_terminal,
        width=None if is_terminal else WIDE,
        markup=False,
        emoji=False,
        highlight=False,
    )
    for part in parts:
        console.print(part)
    return Safe("".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))
