"""The forms in which a value appears in text: escaped, quoted, encoded, shortened."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    Span = tuple[int, int]

# Base64 makes four characters of three octets. By the octet at which a value begins or
# ends, so many characters there also depend on its neighbours.
_FIRST = (0, 2, 3)
_LAST = (0, 3, 2)
MARGIN = 3
SHORTEST = 6  # characters of base64, and of a part of a value beside an ellipsis
MOST = 5_000  # ellipses beside part of a value that are compared with each value
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]")
_ELLIPSIS = re.compile(r"\.{3,}|…")


def forms(value: str) -> dict[str, int]:
    """Return text -> how many characters of base64 beside it belong to the value."""
    found: dict[str, int] = {}
    for form in _escaped(value):
        found[form] = 0
    for form in _encoded(value.encode(errors="replace")):
        found.setdefault(form, MARGIN)
    return found


def _escaped(value: str) -> Iterator[str]:
    escaped = json.dumps(value)[1:-1]
    yield from (value, escaped, json.dumps(escaped)[1:-1], repr(value)[1:-1])
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield value.replace("'", "'\"'\"'")  # shlex.quote's; a shell's is the next
    yield value.replace("'", "'\\''")
    yield html.escape(value)
    for safe in ("", "/"):
        percent = quote(value, safe=safe, errors="replace")
        yield percent
        yield re.sub("%..", lambda octet: octet[0].lower(), percent)
    yield quote_plus(value, errors="replace")


def _encoded(octets: bytes) -> Iterator[str]:
    """Yield what the base64 of any text that contains the value contains."""
    for shift in range(3):
        count = shift + len(octets)
        for encode in (b64encode, urlsafe_b64encode):
            text = encode(bytes(shift) + octets).decode()
            text = text[_FIRST[shift] : len(text) - _LAST[count % 3]]
            if len(text) >= SHORTEST:
                yield text


def widened(text: str, span: Span, margin: int) -> Span:
    """Return a span with up to `margin` characters of base64 on either side."""
    first, last = span
    least, most = first - margin, last + margin
    while first > max(least, 0) and _BASE64.match(text, first - 1):
        first -= 1
    while last < most and _BASE64.match(text, last):
        last += 1
    return first, last


def fragments(text: str, values: Collection[str]) -> Iterator[Span]:
    """Yield the spans of values of which an ellipsis replaces a part.

    pytest cuts the middle of long values, other tools cut their end. After MOST of them
    in a text, the spans cover all that may be part of a value.
    """
    every, longest = "\n".join(values), max(map(len, values), default=0)
    looked = 0
    for mark in _ELLIPSIS.finditer(text):
        first, last = mark.span()
        before = text[max(first - SHORTEST, 0) : first]
        after = text[last : last + SHORTEST]
        near = [one for one in (before, after) if len(one) == SHORTEST and one in every]
        looked += bool(near)
        if near and looked > MOST:
            yield max(first - longest, 0), min(last + longest, len(text))
        elif near:
            shortened = [value for value in values if any(one in value for one in near)]
            yield from _beside(text, mark.span(), shortened)


def _beside(text: str, mark: Span, values: Iterable[str]) -> Iterator[Span]:
    first, last = mark
    for value in values:
        length = len(value)
        begun = _common(text[max(first - length, 0) : first], value)
        ended = _common(text[last : last + length][::-1], value[::-1])
        if max(begun, ended) >= SHORTEST:
            yield first - begun, last + ended


def _common(text: str, value: str) -> int:
    """Return how much of a value's beginning a text ends with."""
    end = text[-SHORTEST:]
    at = value.rfind(end) if len(end) == SHORTEST else -1
    while at >= 0:
        if text.endswith(value[: at + SHORTEST]):
            return at + SHORTEST
        at = value.rfind(end, 0, at + SHORTEST - 1)
    few = range(min(len(text), len(value), SHORTEST - 1), 0, -1)
    return next((n for n in few if text.endswith(value[:n])), 0)
