"""Credentials recognised by the text around them, whatever their value."""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pytest_netlab.masking.names import KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_QUOTED = r"""(?P<quote>\\*["'])(?P<quoted>(?:(?!(?P=quote)).){1,4096})(?P=quote)"""
_BARE = r"""(?P<bare>[^\s"'\\,;&)\]}]+)"""
_EQUALS = r"""(?:\\*["'])?\s{0,3}[=:]\s{0,3}"""
_OPTION = r"(?<![\w-])(?:-e|--env)"
_ASSIGNED = rf"[\w.-]{{0,40}}+(?:{_EQUALS}{_QUOTED}|={_BARE})"
_URL = r"://(?P<bare>[^/?#\s\"'@]{1,256}(?:@[^/?#\s\"'@]{1,256}){0,4})@"
_BY_ENV = (
    # One argument, quoted as a whole; then any other form of NAME=value.
    rf"{_OPTION}[\s=]{{1,3}}(?P<quote>\\*[\"'])[a-z_]\w{{0,80}}=(?P<quoted>[^\"']+)",
    rf"{_OPTION}[,='\"\s\\]{{1,8}}[a-z_]\w{{0,80}}=(?:{_QUOTED}|{_BARE})",
)
_HEADERS = (
    rf"authorization{_EQUALS}\\*[\"']?(?:basic|bearer)\s{{1,3}}{_BARE}",
    rf"x-registry-(?:auth|config){_EQUALS}\\*[\"']?{_BARE}",
)
# A literal is found many times as fast as an expression, so expressions are tried only
# where their literal is, in lower case. A log of any size takes one pass a literal.
_AT = {
    anchor: tuple(re.compile(text, re.IGNORECASE) for text in texts)
    for anchor, texts in {
        "://": (_URL,),
        **{word: (form + _ASSIGNED,) for word, form in KEYWORDS.items()},
        "-e": _BY_ENV,
        "--env": _BY_ENV,
        "authorization": _HEADERS[:1],
        "x-registry-": _HEADERS[1:],
    }.items()
}


def credentials(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a text has a password: in URLs, assignments and headers."""
    for found in _found(text):
        yield found.span(_group(found))


def passwords(text: str) -> Iterator[str]:
    """Yield the passwords in a text; those of URLs without the user, also decoded."""
    for found in _found(text):
        value = found[_group(found)]
        if found[0].startswith("://"):
            user, _, password = value.partition(":")
            value = password or user
            yield unquote(value)
        yield value


def _found(text: str) -> Iterator[re.Match[str]]:
    lower = text.translate(_LOWER)
    for anchor, patterns in _AT.items():
        at = lower.find(anchor)
        while at >= 0:
            tried = (pattern.match(text, at) for pattern in patterns)
            if found := next(filter(None, tried), None):
                yield found
            at = lower.find(anchor, at + 1)


def _group(found: re.Match[str]) -> str:
    return "quoted" if found.groupdict().get("quoted") else "bare"
