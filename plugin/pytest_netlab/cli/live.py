"""`pytest-netlab mutate --live`: inject faults into a lab instead of goldens."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from pytest_netlab.cli.output import say
from pytest_netlab.errors import LabError, Remedy
from pytest_netlab.lab.backends import KERNEL, PRIVATE, kernel, private
from pytest_netlab.lab.rootfs import suites
from pytest_netlab.mutate.live import FAULTS, Body, LiveJudge, named
from pytest_netlab.mutate.live.fault import ALL
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from pytest_netlab.cli.progress import Watch
    from pytest_netlab.mutate import Mutant
    from pytest_netlab.mutate.live import Fault
    from pytest_netlab.store import Store

LABS = 2  # side by side
OWN = {PRIVATE: private.start, KERNEL: kernel.start}
ADVICE = {Remedy.ENGINE_ROOT: ", or name a folder by --engine-root=DIR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which labs are broken.

    Attributes:
        backend: a name of `OWN`.
        firewall: what writes the host's rules, as in `LabOptions`.
        suite: the Debian suite that the engine is taken from; None for no suite.
        root: the folder that it is taken from; None for none.

    """

    backend: str = PRIVATE
    firewall: str = ""
    suite: str | None = None
    root: str | None = None


def mutants(
    store: Store,
    scenarios: Sequence[str],
    faults: Sequence[str],
    where: Where,
    watch: Watch,
    *,
    replayed: bool = False,
) -> Iterator[Mutant]:
    """Yield the outcome of each scenario under each fault, run in labs of their own.

    Args:
        store: the goldens.
        scenarios: names of bundled scenarios.
        faults: names of faults; empty for all.
        where: the labs.
        watch: shows progress.
        replayed: replay the goldens instead of running the scenarios' bodies.

    Raises:
        LabError: an unknown name, or a lab that does not start or cannot be repaired.

    """
    chosen = named(faults)
    bodies = [Body(scenario, store, replayed=replayed) for scenario in scenarios]
    try:
        root = suites.chosen(where.suite, where.root, partial(say, err=True))
    except LabError as error:
        error.advise(ADVICE)
        raise
    judges = [
        partial(
            _judged,
            where.backend,
            LabOptions(root=root, worker=n, firewall=where.firewall),
            bodies,
            chosen[n::LABS],
        )
        for n in range(LABS)
    ]
    found = _together(judges)
    count = len(bodies) * len(chosen)
    yield from watch.items(found, "breaking labs", count)


def _judged(
    backend: str, options: LabOptions, bodies: Sequence[Body], faults: Sequence[Fault]
) -> Generator[Mutant]:
    with closing(OWN[backend](options)) as lab:
        yield from LiveJudge(lab, bodies, faults)


def _together(sources: Sequence[Callable[[], Generator[Mutant]]]) -> Iterator[Mutant]:
    """Run each iterator in a thread of its own; yield items as they arrive.

    A failing scenario mostly waits for client timeouts: two labs halve the time.
    """
    found: queue.Queue[Mutant | None] = queue.Queue()
    over = Event()

    def drain(source: Callable[[], Generator[Mutant]]) -> None:
        try:
            with closing(source()) as mutants:
                for mutant in mutants:
                    found.put(mutant)
                    if over.is_set():
                        return
        finally:
            found.put(None)

    with ThreadPoolExecutor(len(sources)) as pool:
        jobs = [pool.submit(drain, source) for source in sources]
        try:
            for _ in jobs:
                yield from iter(found.get, None)
        finally:
            over.set()  # if the caller stops, wait for at most one scenario a lab
    for job in jobs:
        job.result()


def listed() -> Iterator[str]:
    """Yield the lines of --list on faults."""
    yield ""
    yield "faults of a live lab, the causes that scenarios must name, what these cite"
    for fault in FAULTS:
        yield f"  {fault.name:<26} {fault.about}"
        for golden, causes in fault.red.items():
            yield f"  {'':<26}   {golden}: {' or '.join(causes)}"
        for golden, words in fault.cites.items():
            which = "each text" if golden == ALL else f"{golden}, its text"
            cited = ", ".join(word.replace(" | ", " or ") for word in words)
            yield f"  {'':<26}   {which}: {cited}"
