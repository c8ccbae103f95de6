"""Words of a line, as iptables-save and nft write it: some are in quotes."""

from __future__ import annotations

import re

# Up to a quote that no `\` stands before. Each part is looked at once.
_CLOSING = re.compile(r'(?:[^"\\]|\\.?)*+"', re.DOTALL)


def split(text: str, *, escapes: bool) -> list[str]:
    r"""Return what stands between single spaces, but for those in quotes.

    Nothing is lost: with spaces between them the words are the text again.

    Args:
        text: a line, or a part of one.
        escapes: a quote behind a `\` ends nothing: iptables' way, not nft's.

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
