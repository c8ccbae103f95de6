"""Words of iproute2 that routes, rules and neighbours share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

TABLES = {253: "default", 254: "main", 255: "local"}
_LONGEST = {2: 32, 10: 128}  # AF_INET, AF_INET6
_DIGITS = 10  # of 32 bits


def named(tokens: list[str], names: Container[str]) -> dict[str, str]:
    """Return name -> the word after it, of these names."""
    found, rest = {}, iter(tokens)
    for word in rest:
        if word in names:
            found[word] = next(rest, "")
    return found


def maybe(named: Mapping[str, str], name: str) -> int | None:
    """Return the number after a name; None where the name is missing."""
    return number(named[name]) if name in named else None


def number(text: str) -> int:
    """Return a number; ValueError for any other text."""
    if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS:
        raise ValueError("no number")
    return int(text)


def network(message: Any, name: Literal["src", "dst"]) -> str:
    """Return one of a message's addresses or networks; "" where it has none: any."""
    length, address = message[f"{name}_len"], message.get(name)
    if address is None:
        return ""
    whole = length == _LONGEST[message["family"]]
    return f"{address}" if whole else f"{address}/{length}"
