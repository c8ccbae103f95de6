"""Write what reading a folder of captures finds, to be compared with another core's.

Run as a script: the folder, the .npz to write. Prints which core it was.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tests.fuzz.contract import outcome

from pytest_netlab.core import core
from pytest_netlab.trace import canonicalize, translations
from pytest_netlab.wire import COLUMNS

if TYPE_CHECKING:
    import numpy.typing as npt

    Found = dict[str, npt.NDArray[np.generic]]


def found(path: Path) -> Found:
    """Return the columns of a file, and in words all else that was found."""
    one = outcome(path.read_bytes())
    capture, words = one.capture, [one.reason, str(one.offset)]
    words += [repr(capture.interfaces), repr(dict(capture.names)), capture.comment]
    if path.name.startswith("golden"):
        words.append(repr(translations(capture, "docker0", "uplink")))
        words.append(canonicalize(capture).text(path.name))
    columns = {c.name: capture.column(c.name) for c in COLUMNS}
    packets = b"".join(packet.bytes for packet in capture)
    return {
        **{f"{path.name} {name}": column for name, column in columns.items()},
        f"{path.name} words": np.array(words),
        f"{path.name} packets": np.frombuffer(packets, dtype=np.uint8),
    }


def main(folder: str, target: str) -> None:
    """Read every file of the folder."""
    everything: Found = {}
    for path in sorted(Path(folder).iterdir()):
        everything |= found(path)
    np.savez(target, allow_pickle=False, **everything)
    sys.stdout.write(core())


if __name__ == "__main__":
    main(*sys.argv[1:])
