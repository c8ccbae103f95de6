"""Time the core against named peers, in one process tree, on one generated pair.

`make bench` runs it at full size; `--packets 20000 --rounds 1` takes seconds. Every
round runs every contender once, so that a noisy machine is noisy for all of them.
Slow peers get the first packets only, and are compared by packets per second.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import peers
from rich.console import Console
from rich.progress import track
from rich.table import Table

import traffic
from pytest_netlab import learn, open_capture, read
from pytest_netlab.core import core

if TYPE_CHECKING:
    from collections.abc import Callable

READERS = ("dpkt", "pypacker", "fpcap", "cypcap", "pcapplusplus", "struct_loop")
SLOW = {"scapy": 20_000, "tshark": 100_000, "pypacker": 200_000, "dpkt_pcapng": 200_000}
BARE = {"payload_hash": False, "checksums": False}
GROWTH = (100_000, 500_000, 1_000_000, 5_000_000)


@dataclass(frozen=True)
class Target:
    """A ratio to reach: packets per second of `ours` to those of `peer`."""

    what: str
    ours: str
    peer: str
    least: float


TARGETS = (
    Target("every column but hash and checksums", "decode", "dpkt", 250),
    Target("the same, against the fastest reader", "decode", "fastest reader", 30),
    Target("the same, against tcpdump -w", "decode", "tcpdump_write", 2.5),
    Target("the same, against cat", "decode", "cat", 1 / 1.6),
    Target("the same, pcapng", "decode pcapng", "dpkt_pcapng", 150),
    Target("with hash and checksums", "decode all", "dpkt", 100),
    Target("process: nat A B --json", "nat process", "dict_diff", 100),
    Target("process, against tcpdump to text", "nat process", "tcpdump_text", 10),
    Target("two files to translations", "learn", "masked", 40),
    Target("interpreted, every column but ...", "interpreted", "dpkt", 1),
)
PAIRS_PER_SECOND = 2_500_000


def decode(path: Path, **options: bool) -> tuple[int, float]:
    """Read a file in chunks; return packets and seconds."""
    started = time.perf_counter()
    with open_capture(path, **options) as chunks:
        count = sum(map(len, chunks))
    return count, time.perf_counter() - started


def learned(inside: Path, outside: Path) -> tuple[int, float]:
    """Learn from two files in chunks; return pairs and seconds."""
    started = time.perf_counter()
    with open_capture(inside) as near, open_capture(outside) as far:
        found = learn(near, far)
        count = sum(flow.packets for flow in found.flows)
    return count, time.perf_counter() - started


def process(inside: Path, outside: Path, count: int) -> tuple[int, float]:
    """Run the command, from process start to its exit."""
    tool = Path(sys.executable).with_name("pytest-netlab")
    started = time.perf_counter()
    command = [tool, "nat", inside, outside, "--json"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return count, time.perf_counter() - started


def interpreted(path: Path) -> tuple[int, float]:
    """Decode in a process that has the core interpreted."""
    code = "from bench_core import BARE, decode; import sys;"
    code += "print(*decode(sys.argv[1], **BARE))"
    environment = {**os.environ, "PYTEST_NETLAB_INTERPRETED": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    count, seconds = done.stdout.split()
    return int(count), float(seconds)


def head(path: Path, count: int) -> Path:
    """Return a file with the first packets of another."""
    short = path.with_name(f"first-{count}-{path.name}")
    if not short.exists():
        command = ["editcap", "-F", path.suffix[1:], "-r", path, short, f"1-{count}"]
        subprocess.run(command, check=True, capture_output=True)
    return short


class Bench:
    """A generated pair, and the rates that were seen on it."""

    def __init__(self, folder: Path, packets: int) -> None:
        """Generate the pair, in pcap and pcapng."""
        wanted = traffic.Wanted(packets)
        self.near, self.far = folder / "in.pcap", folder / "out.pcap"
        self.blocks, self.packets = folder / "in.pcapng", packets
        self.truth = traffic.generate(wanted, self.near, self.far)
        traffic.generate(wanted, self.blocks, folder / "out.pcapng", "pcapng")
        self.rates: dict[str, list[float]] = {}

    def contenders(self) -> dict[str, Callable[[], tuple[int, float] | None]]:
        """Return name -> what does the work once."""
        near, far, count = self.near, self.far, len(self.truth.twins)
        found: dict[str, Callable[[], tuple[int, float] | None]] = {
            "decode": lambda: decode(near, **BARE),
            "decode pcapng": lambda: decode(self.blocks, **BARE),
            "decode all": lambda: decode(near),
            "learn": lambda: learned(near, far),
            "nat process": lambda: process(near, far, count),
            "interpreted": lambda: interpreted(self._short("dpkt_pcapng", near)),
        }
        for name in (*READERS, "scapy", "dpkt_pcapng"):
            path = self._short(name, self.blocks if "pcapng" in name else near)
            found[name] = lambda name=name, path=path: peers.timed(name, str(path))
        for name in ("cat", "memcpy", "tcpdump_write", "tcpdump_text", "tshark"):
            path, all_of = self._short(name, near), min(count, SLOW.get(name, count))
            found[name] = lambda name=name, path=path, all_of=all_of: _of_all(
                peers.timed(name, str(path)), all_of
            )
        for name in ("dict_diff", "masked"):
            ends = self._short(name, near), self._short(name, far)
            found[name] = lambda name=name, ends=ends: peers.timed(
                name, *map(str, ends)
            )
        return found

    def _short(self, name: str, path: Path) -> Path:
        """Return the file, or its first packets for a peer that is slow."""
        count = SLOW.get(name, self.packets)
        return head(path, count) if count < self.packets else path

    def run(self, rounds: int) -> None:
        """Let every contender work once a round."""
        contenders = self.contenders()
        console = Console(stderr=True)
        work = [(name, do) for _ in range(rounds) for name, do in contenders.items()]
        for name, do in track(work, "timing", console=console):
            result = do()
            if result is None:
                console.print(f"{name} is not installed, or failed: left out")
            else:
                self.rates.setdefault(name, []).append(result[0] / result[1])

    def rate(self, name: str) -> float:
        """Return the median packets per second, 0 for what did not run."""
        if name == "fastest reader":
            return max(self.rate(reader) for reader in READERS)
        return statistics.median(self.rates.get(name, [0.0]))

    def quality(self, **options: bool) -> tuple[float, float]:
        """Return precision and recall of pairing against the truth."""
        found = learn(read(self.near, **options), read(self.far, **options)).pairs
        if found is None:
            raise RuntimeError("whole captures teach pairs")
        right = np.count_nonzero(self.truth.twins[found[:, 0]] == found[:, 1])
        return right / len(found), right / np.count_nonzero(self.truth.twins >= 0)


def _of_all(result: tuple[int, float] | None, count: int) -> tuple[int, float] | None:
    """Return the seconds of a peer that counts no packets, with their number."""
    return result and (count, result[1])


def report(bench: Bench) -> list[bool]:
    """Print rates and targets; return which were reached."""
    console, table = Console(), Table("what", "packets/s")
    for name in bench.rates:
        table.add_row(name, f"{bench.rate(name):,.0f}")
    console.print(table)
    table, reached = Table("target", "against", "at least", "seen", ""), []
    rows = [
        (t.what, t.peer, t.least, bench.rate(t.ours) / (bench.rate(t.peer) or math.inf))
        for t in TARGETS
    ]
    rows.append(("pairs a second", "", PAIRS_PER_SECOND, bench.rate("learn")))
    for what, options, least in (
        ("pairing, with payload hash", {}, 0.99999),
        ("pairing, headers only", {"payload_hash": False}, 0.9997),
    ):
        precision, recall = bench.quality(**options)
        rows.append((f"{what}: precision", "truth", least, precision))
        rows.append((f"{what}: recall", "truth", least, recall))
    for what, peer, least, seen in rows:
        reached.append(seen >= least)
        verdict = "reached" if reached[-1] else "MISSED"
        table.add_row(what, peer, f"{least:,.6g}", f"{seen:,.6g}", verdict)
    console.print(table)
    return reached


def growth(folder: Path, sizes: tuple[int, ...]) -> dict[int, tuple[float, int]]:
    """Return packets a side -> seconds and peak MiB of learning in a fresh process."""
    found = {}
    code = (
        "import sys, bench_core, resource; from pathlib import Path;"
        "best = min(bench_core.learned(*map(Path, sys.argv[1:]))[1] for _ in range(3));"
        "print(best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    for size in track(sizes, "growing", console=Console(stderr=True)):
        ends = folder / "near.pcap", folder / "far.pcap"
        traffic.generate(traffic.Wanted(size), *ends)
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        done = subprocess.run(
            [sys.executable, "-c", code, *ends],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, peak = done.stdout.split()
        found[size] = float(seconds), int(peak)
    return found


def exponent(found: dict[int, tuple[float, int]]) -> float:
    """Return how time grows: the slope of its logarithm."""
    sizes = np.log(list(found))
    return float(np.polyfit(sizes, np.log([s for s, _ in found.values()]), 1)[0])


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=1_000_000, help="a side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="up to 5e6 a side")
    parser.add_argument("--check", action="store_true", help="exit 1 on a miss")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), wanted.packets)
        bench.run(wanted.rounds)
        print(f"core: {core()}, {wanted.packets:,} packets a side")
        reached = report(bench)
        result: dict[str, object] = {n: bench.rate(n) for n in bench.rates}
        if wanted.growth:
            found = growth(Path(name), GROWTH)
            result["growth"] = found
            reached += [exponent(found) <= 1.10, found[GROWTH[-1]][1] <= 400]
            for size, (seconds, peak) in found.items():
                print(f"{size:>9,} a side: {seconds:.3f} s, peak {peak} MiB")
            print(f"time exponent {exponent(found):.3f} (at most 1.10)")
    print(json.dumps(result))
    sys.exit(int(wanted.check and not all(reached)))


if __name__ == "__main__":
    main()
