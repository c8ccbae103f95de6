"""Words of a line, as iptables-save and nft write it: some are in quotes."""

from __future__ import annotations

import re

# Up to a quote without a `\` before it. Possessive: each part is tried once.
_CLOSING = re.compile(r'(?:[^"\\]|\\.?)*+"', re.DOTALL)


def split(text: str, *, escapes: bool) -> list[str]:
    r"""Split a text at single spaces, except at those in quotes.

    Nothing is lost: joined by spaces, the words are the text again.

    Args:
        text: a line, or a part of one.
        escapes: whether a `\` keeps a quote from ending: true of iptables, not of nft.

    """
    if '"' not in text:
        return text.split(" ")
    found: list[list[str]] = []
    quoted = False
    for part in text.split(" "):
        inside = part
        if quoted:
            found[-1].append(part)
        else:
            found.append([part])
            quoted = part.startswith('"')
            inside = part[1:]
        if quoted:
            ends = _CLOSING.match(inside) if escapes else '"' in inside
            quoted = not ends
    return [" ".join(parts) for parts in found]
