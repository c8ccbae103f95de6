"""Captures for Wireshark: differences as comments of the packets that show them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_netlab.capture import Capture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.diff import Difference


def commented(capture: Capture, found: Sequence[Difference]) -> Capture:
    """Return the whole capture, with differences as comments of their packets.

    A difference without a packet goes into the capture's own comment.
    """
    texts: dict[int, list[str]] = defaultdict(list)
    for difference in found:
        lost = "" if difference.packet else f"{difference.flow}: "
        texts[difference.packet or 0].append(lost + comment(difference))
    frames = [
        frame._replace(comment=_joined(frame.comment, texts.get(number, [])))
        for number, frame in enumerate(capture.frames(), 1)
    ]
    about = _joined(capture.comment, texts.get(0, []))
    return Capture.from_frames(frames, capture.interfaces, capture.names, about)


def _joined(known: str, texts: Sequence[str]) -> str:
    """Return a comment extended by those texts that it does not contain yet."""
    fresh = [text for text in dict.fromkeys(texts) if text not in known]
    return "; ".join([known, *fresh] if known else fresh)


def comment(found: Difference) -> str:
    """Return a difference as a comment; with the point if it has no packet."""
    where = "" if found.packet else f" at {found.point}"
    cause = f" ({found.cause.name}: {found.cause.text})" if found.cause else ""
    return f"{found.field}{where}: want {found.want}, got {found.got}{cause}"
