"""How time and memory of a streaming `learn` grow with the captures."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from captures import make_pair
from targets import EXPONENT, FLAT, PEAK, Outcome
from timing import run_task, warm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SIZES = (100_000, 500_000, 1_000_000, 5_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Medians of one size: seconds, and MiB held at most."""

    packets: int
    seconds: float
    peak: float


def measure(
    folder: Path, sizes: Sequence[int], rounds: int, tell: Callable[[str], None]
) -> list[Size]:
    """Return what each size takes; its captures are removed before the next."""
    found = []
    for packets in sizes:
        tell(f"{packets:,} packets: making them")
        files = make_pair(folder, packets).both
        warm(files)
        tell(f"{packets:,} packets: learning")
        runs = [run_task("ours.py", "learn", files) for _ in range(rounds)]
        for path in files:
            path.unlink()
        found.append(
            Size(
                packets=packets,
                seconds=statistics.median(run.seconds for run in runs),
                peak=statistics.median(run.peak for run in runs),
            )
        )
    return found


def judge(sizes: Sequence[Size]) -> list[Outcome]:
    """Return what came of the targets of growth."""
    logs = [[math.log(x) for x in (one.packets, one.seconds)] for one in sizes]
    slope = statistics.linear_regression(*zip(*logs, strict=True)).slope
    last, before = sizes[-1], sizes[-2]
    name = f"{last.packets:,}"
    return [
        Outcome(name="growth: exponent", limit=EXPONENT, at_most=True, got=slope),
        Outcome(name=f"peak MiB at {name}", limit=PEAK, at_most=True, got=last.peak),
        Outcome(
            name=f"peak at {name}, x that at {before.packets:,}",
            limit=FLAT,
            at_most=True,
            got=last.peak / before.peak,
        ),
    ]
