"""Time the core beside its peers, round by round, and check what is promised of it.

`make bench`, or `python benchmarks/bench_core.py --packets 20000 --rounds 1` for a
quick look. Ratios are medians of the rounds' ratios. JSON is the last line printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import growth
from captures import make_pair, prefix
from peers import COMMANDS
from peers import TASKS as PEERS
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rivals import TASKS as RIVALS
from targets import judge
from timing import Sample, SkippedError, run_command, run_task, warm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from captures import Made
    from targets import Outcome

# The slow ones read so many packets only: their rate is taken for that of all.
FIRST = {
    "scapy": 10_000,
    "pypacker": 50_000,
    "tshark -T fields": 50_000,
    "dpkt": 100_000,
    "dpkt pcapng": 100_000,
    "decode interpreted": 50_000,
    "dpkt dict diff": 100_000,
    "masked-bytes diff": 100_000,
}
NAT = str(Path(sys.executable).with_name("pytest-netlab"))
BROKEN_INVARIANTS = 1  # its exit code where it did its work and found something


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One thing to be timed; `first` packets, or 0 for all; `once` is not a timing."""

    name: str
    run: Callable[[], Sample]
    first: int = 0
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What was measured: samples by name, per round; and why others were not."""

    rounds: list[dict[str, Sample]]
    missing: dict[str, str]

    def of(self, name: str) -> list[Sample]:
        """Return all samples of a job."""
        return [one[name] for one in self.rounds if name in one]


def plan(folder: Path, packets: int, tell: Callable[[str], None]) -> list[Job]:
    """Make the captures and return what is to be timed on them."""
    tell("making captures")
    pair = make_pair(folder, packets)
    ng = make_pair(folder, packets, "pcapng").inside
    hard = make_pair(
        folder, min(packets, 200_000), "pcap", "--lost-outside=0.001", "--seed=2"
    )
    tell("cutting prefixes")
    first = {name: min(limit, packets) for name, limit in FIRST.items()}
    jobs = [
        *_decoding(pair.inside, ng, first),
        *_peers(pair.inside, ng, packets, first),
        *_two_files(pair, packets, first),
        *_qualities(pair, hard),
    ]
    warm([*pair.both, ng])
    return jobs


def _decoding(path: Path, ng: Path, first: dict[str, int]) -> Iterator[Job]:
    """Our own decoding."""
    ours = partial(run_task, "ours.py")
    yield Job(name="decode", run=partial(ours, "decode", [path]))
    yield Job(name="decode all", run=partial(ours, "decode all", [path]))
    yield Job(name="decode pcapng", run=partial(ours, "decode", [ng]))
    name = "decode interpreted"
    short = prefix(path, first[name])
    slow = partial(ours, "decode", [short], PYTEST_NETLAB_INTERPRETED="1")
    yield Job(name=name, run=slow, first=first[name])


def _peers(path: Path, ng: Path, packets: int, first: dict[str, int]) -> Iterator[Job]:
    """What reads one file, as a task or as a command."""
    for name in PEERS:
        limit = first.get(name, 0)
        file = prefix(path, limit) if limit else path
        run = partial(run_task, "peers.py", name, [file])
        yield Job(name=name, run=run, first=limit)
    name = "dpkt pcapng"
    short = prefix(ng, first[name])
    run = partial(run_task, "peers.py", "dpkt", [short])
    yield Job(name=name, run=run, first=first[name])
    for name, command in COMMANDS.items():
        limit = first.get(name, 0)
        file = prefix(path, limit) if limit else path
        run = partial(run_command, command.on(file), [file], limit or packets)
        yield Job(name=name, run=run, first=limit)


def _two_files(pair: Made, packets: int, first: dict[str, int]) -> Iterator[Job]:
    """What compares two files: ours in-process and as a process, and theirs."""
    yield Job(name="learn", run=partial(run_task, "ours.py", "learn", pair.both))
    command = [NAT, "nat", *map(str, pair.both), "--json"]
    whole = partial(run_command, command, pair.both, packets, good=BROKEN_INVARIANTS)
    yield Job(name="nat --json", run=whole)
    for name in RIVALS:
        files = [prefix(path, first[name]) for path in pair.both]
        run = partial(run_task, "rivals.py", name, files)
        yield Job(name=name, run=run, first=first[name])


def _qualities(pair: Made, hard: Made) -> Iterator[Job]:
    """How right the pairs are; `hard` lost packets on one side."""
    for name, task, made in (
        ("quality", "quality", pair),
        ("quality of headers", "quality of headers", pair),
        ("quality, 0.1 % lost", "quality", hard),
        ("quality of headers, 0.1 % lost", "quality of headers", hard),
    ):
        run = partial(run_task, "ours.py", task, [*made.both, made.twins])
        yield Job(name=name, run=run, once=True)


def run_all(jobs: Sequence[Job], rounds: int, tell: Callable[[str], None]) -> Results:
    """Run every job in each round; who fails is left out from then on.

    Every other round goes backwards, so that nobody profits from who runs before him.
    """
    results = Results(rounds=[{} for _ in range(rounds)], missing={})
    for number, found in enumerate(results.rounds):
        for job in jobs[:: 1 - 2 * (number % 2)]:
            if job.name in results.missing or (job.once and number):
                continue
            tell(f"round {number + 1}/{rounds}: {job.name}")
            try:
                found[job.name] = job.run()
            except SkippedError as error:
                results.missing[job.name] = str(error)
    return results


def timings(jobs: Sequence[Job], results: Results) -> Table:
    """Return the medians of all jobs as a table; `first` is a process's first run."""
    table = Table("what", "seconds", "first", "packets/s", "GB/s", "MiB", "remark")
    for job in jobs:
        samples = results.of(job.name)
        if not samples:
            table.add_row(job.name, *["-"] * 5, results.missing.get(job.name, ""))
            continue
        median = _medians(samples)
        remark = f"first {job.first:,} packets" if job.first else ""
        for name, value in (samples[0].facts or {}).items():
            remark += f"{', ' * bool(remark)}{name} {value:.7g}"
        table.add_row(
            job.name,
            f"{median['seconds']:.3f}",
            f"{median['first']:.3f}",
            f"{median['rate']:,.0f}" if median["rate"] else "-",
            f"{median['size'] / median['seconds'] / 1e9:.3f}",
            f"{median['peak']:.0f}" if median["peak"] else "-",
            remark,
        )
    return table


def _medians(samples: Sequence[Sample]) -> dict[str, float]:
    return {
        name: statistics.median(getattr(one, name) for one in samples)
        for name in ("seconds", "first", "rate", "size", "peak")
    }


def verdicts(outcomes: Sequence[Outcome]) -> Table:
    """Return the targets as a table."""
    table = Table("target", "measured", "limit", "")
    words = {True: "pass", False: "MISS", None: "not measured"}
    for one in outcomes:
        got = "-" if one.got is None else f"{one.got:.6g}"
        sign = "<=" if one.at_most else ">="
        table.add_row(one.name, got, f"{sign} {one.limit:g}", words[one.met])
    return table


def as_json(
    results: Results, outcomes: Sequence[Outcome], sizes: Sequence[growth.Size]
) -> str:
    """Return everything as one line for a machine."""
    names = dict.fromkeys(name for one in results.rounds for name in one)
    medians = {
        name: _medians(samples) | dict(samples[0].facts or {})
        for name in names
        if (samples := results.of(name))
    }
    targets = [asdict(one) | {"met": one.met} for one in outcomes]
    return json.dumps(
        {
            "load": os.getloadavg()[0],
            "processors": os.cpu_count(),
            "medians": medians,
            "missing": results.missing,
            "growth": [asdict(one) for one in sizes],
            "targets": targets,
        }
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--packets", type=int, default=1_000_000, help="per side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="exit 1 on a miss")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="*",
        metavar="PACKETS",
        help="also measure growth over these sizes, up to 5,000,000 by default",
    )
    return parser.parse_args()


def main() -> int:
    """Print both tables and the JSON; return 1 on a miss if asked to check."""
    asked = _arguments()
    errors = Console(stderr=True)
    if os.getloadavg()[0] > (os.cpu_count() or 1) / 2:
        errors.print("Others use this machine: ratios will be off.")
    sizes = []
    with tempfile.TemporaryDirectory() as home, Progress(console=errors) as progress:
        bar = progress.add_task("", total=None)
        tell = partial(_tell, progress, bar)
        jobs = plan(Path(home), asked.packets, tell)
        results = run_all(jobs, asked.rounds, tell)
        outcomes = judge(results.rounds)
        if asked.growth is not None:
            wanted = asked.growth or growth.SIZES
            sizes = growth.measure(Path(home), wanted, asked.rounds, tell)
            outcomes += growth.judge(sizes)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(timings(jobs, results))
    console.print(verdicts(outcomes))
    print(as_json(results, outcomes, sizes))
    return int(asked.check and any(one.met is False for one in outcomes))


def _tell(progress: Progress, bar: int, text: str) -> None:
    """Say on stderr what is going on."""
    progress.update(bar, description=text)


if __name__ == "__main__":
    sys.exit(main())
