"""What pytest-netlab does, as tasks to be timed, and how right its pairs are.

`python benchmarks/ours.py decode FILE` prints one run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from timing import be_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Timed = Callable[[], object]


def decode(path: Path) -> Timed:
    """Decode every column but hashes and checksum validity."""
    return _decode(path, validate=False)


def decode_all(path: Path) -> Timed:
    """Decode every column."""
    return _decode(path, validate=True)


def _decode(path: Path, *, validate: bool) -> Timed:
    from pytest_netlab import open_capture  # noqa: PLC0415

    def run() -> int:
        with open_capture(path, payload_hash=validate, checksums=validate) as chunks:
            return sum(len(chunk) for chunk in chunks)

    return run


def learn_stream(inside: Path, outside: Path) -> Timed:
    """Learn translations and differences of two files, in bounded memory."""
    from pytest_netlab import learn, open_capture  # noqa: PLC0415

    def run() -> tuple[int, dict[str, float]]:
        with open_capture(inside) as near, open_capture(outside) as far:
            found = learn(near, far)
            facts = {
                "flows": len(found.flows),
                "violations": len(found.violations),
                "unpaired": sum(found.unpaired.values()),
            }
            return sum(flow.packets for flow in found.flows), facts

    return run


def quality(inside: Path, outside: Path, twins: Path) -> Timed:
    """Tell how many pairs are right, and how many of all are found."""
    return _quality(inside, outside, twins, hashes=True)


def quality_of_headers(inside: Path, outside: Path, twins: Path) -> Timed:
    """Tell the same without payload hashes."""
    return _quality(inside, outside, twins, hashes=False)


def _quality(inside: Path, outside: Path, twins: Path, *, hashes: bool) -> Timed:
    import numpy as np  # noqa: PLC0415

    from pytest_netlab import learn, read  # noqa: PLC0415

    truth = np.load(twins)

    def run() -> tuple[int, dict[str, float]]:
        near, far = (read(path, payload_hash=hashes) for path in (inside, outside))
        pairs = learn(near, far).pairs
        right = int((truth[pairs[:, 0]] == pairs[:, 1]).sum())
        facts = {
            "precision": right / max(len(pairs), 1),
            "recall": right / int((truth >= 0).sum()),
        }
        return len(pairs), facts

    return run


TASKS = {
    "decode": decode,
    "decode all": decode_all,
    "learn": learn_stream,
    "quality": quality,
    "quality of headers": quality_of_headers,
}


if __name__ == "__main__":
    be_task(TASKS)
