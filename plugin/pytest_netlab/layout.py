"""How lines of ours look on a terminal: folded at its width, and coloured.

Knows what lines begin with; refuses to know who prints them. Pipes get all as it is.
"""

from __future__ import annotations

import os
import re
import textwrap
from typing import Any, TextIO

NARROWEST = 20  # columns; a narrower terminal breaks lines itself
_LABEL = re.compile(r" *\S+(?: \S+)? {2,}(?=\S)")  # "cause      ", "    expected  "
_WIDEST_LABEL, _UNDER_LABEL = 16, 8
_COMMAND = re.compile(r" {13}\S+ ")  # below "next step", and what to do
_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\S)+""")  # as shlex.quote writes them
_GOES_ON = " \\"
_STYLES = (
    (re.compile(r"[\w.=\[\]-]+ FAILED: "), ("red", "bold")),
    (re.compile(r"flow  "), ("bold",)),
    (re.compile(r"cause  |WARNING: "), ("yellow",)),
    (re.compile(r"@@ "), ("cyan",)),
    (re.compile(r"( {2})?\+| {4}expected  |same: "), ("green",)),
    (re.compile(r"( {2})?-| {4}actual  |\d+ differences? in "), ("red",)),
)


def width(stream: Any) -> int | None:
    """Return at how many columns to fold: a terminal's; None for a pipe.

    Whoever sets COLUMNS for a pipe has it folded. With LINES beside it, that is no
    wish: readline, which pytest loads, sets both for all programs started from there.
    """
    named = os.environ.get("COLUMNS", "")
    wanted = int(named) if named.isdecimal() else 0
    try:
        return os.get_terminal_size(stream.fileno()).columns or wanted or None
    except (AttributeError, OSError, ValueError):  # it is none, or closed
        return wanted if wanted and "LINES" not in os.environ else None


def is_coloured(stream: TextIO) -> bool:
    """Return whether colours are wanted: on a terminal that has them, by NO_COLOR."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


def styles(line: str) -> tuple[str, ...]:
    """Return a colour and `bold`, as far as a line has them."""
    return next((names for begin, names in _STYLES if begin.match(line)), ())


def folded(line: str, columns: int | None) -> list[str]:
    """Return a line as lines of that width, without breaking words; None leaves it.

    What follows a label stays behind it; a command can still be pasted.
    """
    if columns is None or len(line) <= columns or columns < NARROWEST:
        return [line]
    label = _LABEL.match(line)
    hanging = label.end() if label and label.end() <= _WIDEST_LABEL else 0
    indent = len(line) - len(line.lstrip())
    hanging = hanging or (indent if indent >= _UNDER_LABEL else indent + 2)
    hang = " " * min(hanging, columns // 2)
    if _COMMAND.match(line):
        return _command(line, columns - len(_GOES_ON), hang)
    return textwrap.wrap(
        line,
        columns,
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _command(line: str, columns: int, hang: str) -> list[str]:
    """Return a command as lines that a shell joins: what is in quotes stays whole."""
    pieces, words = [line[: len(line) - len(line.lstrip())]], _WORD.findall(line)
    for number, word in enumerate(words):
        if number and len(pieces[-1]) + 1 + len(word) > columns:
            pieces[-1] += _GOES_ON
            pieces.append(f"{hang}{word}")
        else:
            pieces[-1] += f" {word}" if number else word
    return pieces
