"""Text from files made safe for a terminal: what it would obey is escaped.

Knows characters; refuses to know where a text comes from and where it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NewType
from unicodedata import category

if TYPE_CHECKING:
    from collections.abc import Iterable

Safe = NewType("Safe", str)  # only line ends, tabs and visible characters
TAB = "\t"
SPACE = "Zs"  # Unicode's category; it includes the ideographic space


def one_line(text: str) -> Safe:
    r"""Return a field, such as a name, a comment or a path, as part of one line.

    Control characters (C0, DEL, C1) and line ends, bidirectional controls and other
    invisible ones, and bytes that are no text (lone surrogates) become Python's
    escapes: ``\x1b``, ``\u202e``. Whatever can be seen stays, in any script.
    """
    if text.isprintable():
        return Safe(text)
    return Safe("".join(map(_spelled, text)))


def joined(lines: Iterable[str]) -> Safe:
    """Join lines into one text; a line end inside a field is escaped."""
    return Safe("\n".join(map(one_line, lines)))


def escaped(text: str) -> Safe:
    """Return a text of several lines, each made safe by `one_line`."""
    return joined(text.split("\n"))


def safe_json(text: str) -> Safe:
    r"""Return equivalent JSON, with what a terminal would obey as ``\uXXXX``.

    `json.dumps` leaves DEL as it is, and a file may have any character in a string.
    """
    if text.replace("\n", "").isprintable():
        return Safe(text)
    return Safe("".join(c if c == "\n" or _is_visible(c) else _units(c) for c in text))


def _is_visible(char: str) -> bool:
    """Return whether a character is printable, a tab or a space."""
    return char.isprintable() or char == TAB or category(char) == SPACE


def _spelled(char: str) -> str:
    return char if _is_visible(char) else char.encode("unicode_escape").decode()


def _units(char: str) -> str:
    """Return a character as JSON spells it: one or two units of UTF-16."""
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
