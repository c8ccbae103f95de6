"""Dissect the packets that differ with tshark. Needs the extra `dissect`.

pyshark starts an event loop and causes warnings, so it runs in a process of its own:
this module, run as a program.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MOST = 20  # packets; tshark is slow
SECONDS = 20  # timeout of tshark


def available() -> bool:
    """Return whether pyshark is installed and tshark is on PATH."""
    return find_spec("pyshark") is not None and shutil.which("tshark") is not None


def dissect(capture: Path, packets: Iterable[int]) -> str:
    """Return tshark's dissection of some packets of a capture, by number from 1.

    If tshark fails, the text says so: a run must not fail for its evidence.
    """
    numbers = [str(number) for number in sorted(set(packets))[:MOST]]
    program = [sys.executable, "-W", "ignore", "-m", __name__]
    try:
        done = subprocess.run(
            [*program, str(capture), *numbers],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        return f"tshark failed: {error}\n"
    return done.stdout


def _main(capture: str, *numbers: str) -> None:
    """Print the dissection of the packets with these numbers."""
    import pyshark  # noqa: PLC0415 - optional, and slow to load

    wanted = " or ".join(f"frame.number == {number}" for number in numbers)
    with closing(pyshark.FileCapture(capture, display_filter=wanted)) as found:
        texts: Sequence[str] = [str(packet).strip() for packet in found]
    for number, text in zip(numbers, texts, strict=False):
        sys.stdout.write(f"packet {number}\n{text}\n\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
