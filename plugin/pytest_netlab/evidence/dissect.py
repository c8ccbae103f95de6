"""The packets a difference names, in Wireshark's words. Needs the extra `dissect`.

pyshark runs an event loop and leaves warnings behind, so it has a process of its own:
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

MOST = 20  # packets; tshark takes its time, and nobody reads more
SECONDS = 20


def available() -> bool:
    """Tell whether pyshark is installed, and tshark on PATH."""
    return find_spec("pyshark") is not None and shutil.which("tshark") is not None


def dissect(capture: Path, packets: Iterable[int]) -> str:
    """Return what tshark makes of some packets of a capture, by number from 1.

    One that fails says so in place of its words: evidence is not worth an error.
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
        return f"tshark could not tell: {error}\n"
    return done.stdout


def _main(capture: str, *numbers: str) -> None:
    """Print the packets of these numbers."""
    import pyshark  # noqa: PLC0415 - optional, and slow to load

    wanted = " or ".join(f"frame.number == {number}" for number in numbers)
    with closing(pyshark.FileCapture(capture, display_filter=wanted)) as found:
        texts: Sequence[str] = [str(packet).strip() for packet in found]
    for number, text in zip(numbers, texts, strict=False):
        sys.stdout.write(f"packet {number}\n{text}\n\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
