"""Run every scenario under every fault of a lab, and judge the outcome."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pytest_netlab.errors import CommandError, LabError, LabUnavailableError
from pytest_netlab.mutate.live import (
    altered,
    foreign,
    hosts,
    inbound,
    native,
    neighbours,
    networks,
    routing,
    rules,
    unseen,
)
from pytest_netlab.mutate.live.fault import PROXIED
from pytest_netlab.mutate.live.inject import places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.bodies import Body
    from pytest_netlab.mutate.live.fault import Fault
    from pytest_netlab.mutate.model import Mutant

FAULTS: tuple[Fault, ...] = (
    *rules.FAULTS,
    *hosts.FAULTS,
    *altered.FAULTS,
    *neighbours.FAULTS,
    *networks.FAULTS,
    *routing.FAULTS,
    *unseen.FAULTS,
    *inbound.FAULTS,
    *native.FAULTS,
    *foreign.FAULTS,
)


def named(names: Sequence[str]) -> list[Fault]:
    """Return the faults of these names; all, if none is named.

    Raises:
        LabError: there is no such fault; names those there are.

    """
    known = {fault.name: fault for fault in FAULTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LabError(f"no fault {unknown[0]!r}: there are {', '.join(known)}")
    return [known[name] for name in names] or list(FAULTS)


class LiveJudge:
    """A lab, scenarios and faults; `len` says how many verdicts there will be."""

    def __init__(
        self, lab: DockerLab, bodies: Sequence[Body], faults: Sequence[Fault]
    ) -> None:
        """Run nothing yet. A scenario that cannot run on this lab is left out."""
        self._lab, self._faults = lab, faults
        self._bodies = [body for body in bodies if body.suits(lab)]

    def __len__(self) -> int:
        """Return the number of verdicts."""
        return len(self._bodies) * len(self._faults)

    def __iter__(self) -> Iterator[Mutant]:
        """Yield the outcome of each scenario under each fault.

        Raises:
            LabError: a scenario is not green without any fault, or after one was
                repaired; then nothing can be said of the others.

        """
        self._demand_green("without any fault")
        for fault in self._faults:
            yield from self._under(fault)
            self._demand_green(f"after {fault.name} was mended")

    def _under(self, fault: Fault) -> Iterator[Mutant]:
        where = places(self._lab) if fault.cites else ()
        proxied = any(PROXIED in names for names in fault.red.values()) and (
            self._lab.facts["docker_proxy"] == "on"
        )
        with ExitStack() as undo:
            try:
                undo.enter_context(fault.inject(self._lab))
            except (CommandError, LabUnavailableError) as error:
                for body in self._bodies:
                    yield fault.untested(body.golden(self._lab), error)
                return
            for body in self._bodies:
                seen = body.run(self._lab)
                golden = body.golden(self._lab)
                yield fault.mutant(
                    golden,
                    seen,
                    places=where,
                    replayed=body.replayed,
                    proxied=proxied,
                )

    def _demand_green(self, when: str) -> None:
        for body in self._bodies:
            seen = body.run(self._lab)
            if seen.outcome != "pass":
                name = body.golden(self._lab)
                raise LabError(
                    f"{name} is not green {when} ({seen.cause}): {seen.error}"
                ) from seen.error
