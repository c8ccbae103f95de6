"""What differs, as comments of the packets that show it: captures for Wireshark."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_netlab.capture import Capture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.diff import Difference


def commented(capture: Capture, found: Sequence[Difference]) -> Capture:
    """Return the whole capture; what differs is a comment of the packet that shows it.

    What is missing has no packet: the capture's own comment tells it.
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
    """Return a comment with texts added that it does not have yet."""
    fresh = [text for text in dict.fromkeys(texts) if text not in known]
    return "; ".join([known, *fresh] if known else fresh)


def comment(found: Difference) -> str:
    """Return a difference as a comment; what is missing says where."""
    where = "" if found.packet else f" at {found.point}"
    cause = f" ({found.cause.name}: {found.cause.text})" if found.cause else ""
    return f"{found.field}{where}: want {found.want}, got {found.got}{cause}"
