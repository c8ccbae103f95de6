"""A fault of a live lab, and what the verdicts on it must be. Declarations only."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.mutate.model import Mutant, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from pytest_netlab.lab.backends.docker_lab import DockerLab

    Inject = Callable[[DockerLab], AbstractContextManager[object]]

PING_HOST, PING_BEYOND, WEB = "ping-host", "ping-beyond", "published-web"
DIRECT, CLOSED = "direct-published/open", "direct-published/closed"


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

    """

    name: str
    about: str
    inject: Inject
    red: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blind: bool = False
    own_stack: bool = False

    def mutant(
        self, golden: str, outcome: str, cause: str, *, replayed: bool = False
    ) -> Mutant:
        """Return what the fault did to a scenario: `outcome` is pass, fail or error.

        `replayed` says that a replay took the place of the scenario's body.
        """
        concerns = not (replayed and self.own_stack)
        wanted = self.red.get(golden, ()) if concerns else ()
        if self.blind:
            found = _BLIND.get(outcome, Outcome.CRASHED)
        else:
            found = (_RED if wanted else _GREEN).get(outcome, Outcome.CRASHED)
        why = cause or outcome
        if found is Outcome.EQUIVALENT:
            why = "the fault does not concern the scenario"
        return Mutant(
            scenario=golden,
            kind=self.name,
            name=self.about,
            outcome=found,
            why=why,
            wanted=wanted,
            cause=cause,
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


def commands(*there: tuple[str, str]) -> Inject:
    """Return a fault's `inject`: commands on the host; see `on`."""
    return on(*(("host", command, back) for command, back in there))


def on(*there: tuple[str, str, str]) -> Inject:
    """Return a fault's `inject`: commands on nodes, each with one that undoes it.

    A node is named in braces where its address is meant: {host02}; {mac-c2} is the
    Ethernet address of c2, and {bridge} the address of docker0.
    """

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        places = addresses(lab)
        with ExitStack() as undo:
            for name, command, back in there:
                node = lab.nodes[name]
                node.run(*command.format(**places).split())
                if back:
                    undo.callback(node.run, *back.format(**places).split())
            yield

    return inject


def addresses(lab: DockerLab) -> dict[str, str]:
    """Return node -> address, mac-node -> Ethernet address, bridge -> its address.

    `uplink` is the name of the host's interface.
    """
    found = {name: node.address for name, node in lab.nodes.items()}
    found |= {f"mac-{name}": text for text, name in lab.stations.items()}
    bridge = next(text for text, name in lab.symbols.items() if name == "bridge")
    return found | {"bridge": bridge, "uplink": lab.uplink}
