"""A fault of a live lab, and what the verdicts on it must be. Declarations only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pytest_netlab.mutate.model import Mutant, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pytest_netlab.lab.backends.docker_lab import DockerLab

    Inject = Callable[[DockerLab], AbstractContextManager[object]]
    Places = Sequence[Mapping[str, str]]


class Seen(Protocol):
    """How one run of a scenario ended, as `Ending` says it."""

    @property
    def outcome(self) -> str:
        """Return pass, fail or error."""

    @property
    def cause(self) -> str:
        """Return the verdict's cause, or the class of the error."""

    @property
    def text(self) -> str:
        """Return the cause in a sentence; "" where there was no verdict."""


PING_HOST, PING_BEYOND, WEB = "ping-host", "ping-beyond", "published-web"
DIRECT, CLOSED = "direct-published/open", "direct-published/closed"
PROXIED, UNPROXIED = "proxied", ("not forwarded", "rejected")
ALL = "*"  # whichever golden
COUNTED = "it counted"  # a rule is cited with its counter


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is broken for a while.

    Attributes:
        name: stable, hyphenated.
        about: what is broken, in one clause.
        inject: breaks it while its block runs, then repairs it. LabUnavailableError
            and CommandError say that this host has nothing to break so.
        red: golden -> the causes of which one must be named; any other scenario must
            stay green.
        blind: a tap is blind: every scenario must be an error, neither green nor red.
        own_stack: it keeps the host's own stack from answering; a replay does not use
            that stack.
        cites: golden, or ALL -> words that the cause's text must contain: the rule,
            route, address or sysctl that did it. Of words that are parted by " | " one
            is enough; a node in braces stands for its name or its address.

    """

    name: str
    about: str
    inject: Inject
    red: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blind: bool = False
    own_stack: bool = False
    cites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def mutant(
        self,
        golden: str,
        seen: Seen,
        *,
        places: Places = (),
        replayed: bool = False,
        proxied: bool = True,
    ) -> Mutant:
        """Return what the fault did to a scenario.

        Args:
            golden: the scenario's, or scenario/variant.
            seen: how it ended.
            places: what braces in `cites` stand for, each way to write them.
            replayed: whether a replay took the place of the scenario's body.
            proxied: whether docker-proxy takes what no rule translates.

        """
        concerns = not (replayed and self.own_stack)
        wanted = self.red.get(golden, ()) if concerns else ()
        if not proxied and PROXIED in wanted:
            wanted += UNPROXIED
        if self.blind:
            found = _BLIND.get(seen.outcome, Outcome.CRASHED)
        else:
            found = (_RED if wanted else _GREEN).get(seen.outcome, Outcome.CRASHED)
        why = seen.cause or seen.outcome
        if found is Outcome.EQUIVALENT:
            why = "the fault does not concern the scenario"
        return Mutant(
            scenario=golden,
            kind=self.name,
            name=self.about,
            outcome=found,
            why=why,
            wanted=wanted,
            cause=seen.cause,
            cites=self._cited(golden, places) if wanted else (),
            text=seen.text,
        )

    def _cited(self, golden: str, places: Places) -> tuple[tuple[str, ...], ...]:
        """Return what the text must contain; one word of each is enough."""
        words = self.cites.get(golden, self.cites.get(ALL, ()))
        return tuple(
            tuple(
                dict.fromkeys(
                    choice.format(**names)
                    for choice in word.split(" | ")
                    for names in places
                )
            )
            for word in words
        )

    def untested(self, golden: str, why: Exception) -> Mutant:
        """Return that it could not be injected: an equivalent that says why."""
        return Mutant(
            scenario=golden,
            kind=self.name,
            name=self.about,
            outcome=Outcome.EQUIVALENT,
            why=f"not tested: {' '.join(str(why).split())}",
            tested=False,
        )


_RED = {"fail": Outcome.CAUGHT, "pass": Outcome.SURVIVED}
_GREEN = {"fail": Outcome.FALSE_POSITIVE, "pass": Outcome.EQUIVALENT}
_BLIND = {
    "error": Outcome.CAUGHT,
    "pass": Outcome.SURVIVED,
    "fail": Outcome.FALSE_POSITIVE,
}
