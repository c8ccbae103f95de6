"""Print the output of commands, with escape sequences made harmless.

All output except errors passes through here as `Safe` text: captures, goldens and
evidence are untrusted, and may contain escape sequences. A closed pipe is no error.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.cli.group import Trouble
from pytest_netlab.layout import folded, is_coloured, styles, width
from pytest_netlab.terminal import Safe, one_line, safe_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.text import Text

WIDE = 1000  # columns where stdout is no terminal: tables are not folded


def emit(batches: Iterable[Iterable[Safe]]) -> None:
    """Write text and flush after each batch; stop silently if the pipe is closed."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        # Interface names in a capture may have characters the locale cannot encode.
        out.reconfigure(errors="backslashreplace")
    for batch in batches:
        try:
            out.writelines(batch)
            out.flush()
        except OSError as error:
            # The interpreter flushes stdout again at exit, and would report an error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
            if isinstance(error, BrokenPipeError):
                return
            raise Trouble(f"cannot write the output: {error.strerror}") from error


def say(text: str, *, err: bool = False) -> None:
    """Print a line on stdout, or on stderr with `err`."""
    if err:
        for piece in folded(one_line(text), width(sys.stderr)):
            click.echo(piece, err=True)  # noqa: TID251 - here it is escaped
    else:
        emit([shown([text])])


def lines(texts: Iterable[str]) -> Iterator[Safe]:
    """Yield each text as one escaped line."""
    for text in texts:
        yield Safe(f"{one_line(text)}\n")


def shown(texts: Iterable[str]) -> Iterator[Safe]:
    """Yield each text as escaped lines: as wide and as coloured as the terminal has."""
    columns, is_plain = width(sys.stdout), not is_coloured(sys.stdout)
    for text in texts:
        colour, bold = _style(() if is_plain else styles(text))
        for piece in folded(one_line(text), columns):
            painted = click.style(piece, colour, bold=bold) if colour or bold else piece
            yield Safe(f"{painted}\n")


def _style(names: tuple[str, ...]) -> tuple[str | None, bool | None]:
    colour = next((name for name in names if name != "bold"), None)
    return colour, "bold" in names or None


def json_texts(texts: Iterable[str]) -> Iterator[Safe]:
    """Return pieces of JSON with control characters escaped the JSON way."""
    return map(safe_json, texts)


def rendered(parts: Iterable[RenderableType]) -> Safe:
    """Return tables as text, folded to the terminal's width if stdout is one."""
    from rich.console import Console  # noqa: PLC0415 - slow to load, JSON needs none

    class Escaping(Console):
        """Escape every string, including those in table cells."""

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
