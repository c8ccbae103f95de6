"""Judge every mutation of a golden as a run would be judged. Needs no lab."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab import capture as captures
from pytest_netlab.capture import Capture
from pytest_netlab.judge import judge
from pytest_netlab.mutate import flows, packets, traffic
from pytest_netlab.mutate.context import Context
from pytest_netlab.mutate.equivalent import Change, equivalence
from pytest_netlab.mutate.model import Mutant, Outcome
from pytest_netlab.store import CAPTURE, read
from pytest_netlab.trace import canonicalize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.diff import Difference
    from pytest_netlab.mutate.model import Mutation
    from pytest_netlab.store import Golden, Store

FAMILIES = (packets, traffic, flows)


def mutations(context: Context) -> Iterator[Mutation]:
    """Yield every mutation of a golden's capture."""
    for family in FAMILIES:
        yield from family.mutations(context)


def names(store: Store) -> list[str]:
    """Return the recorded goldens: a scenario, or scenario/variant."""
    found = [one.folder for id_ in store.scenarios() for one in store.variants(id_)]
    recorded = [folder for folder in found if (folder / CAPTURE).exists()]
    return [str(folder.relative_to(store.root)) for folder in recorded]


class Judge:
    """A golden, and every mutation of its capture; `len` says how many there are."""

    def __init__(self, store: Store, name: str) -> None:
        """Read the golden of this name, one that `names` returns.

        Raises:
            GoldenError: it is missing or damaged.

        """
        self._name, self._golden = name, read(store.root / name)
        capture = captures.read(store.root / name / CAPTURE)
        self._context = Context(capture, self._golden.canonical)
        self._mutations = list(mutations(self._context))

    def __len__(self) -> int:
        """Return the number of mutations."""
        return len(self._mutations)

    def __iter__(self) -> Iterator[Mutant]:
        """Judge each mutation, and yield its outcome."""
        for mutation in self._mutations:
            judged = _judged(self._golden, self._context, mutation)
            yield replace(judged, scenario=self._name)


def _judged(golden: Golden, context: Context, mutation: Mutation) -> Mutant:
    rule = equivalence(Change(mutation, context, golden.policy))
    try:
        found = _differences(golden, context, mutation)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect
        why = f"{type(error).__name__}: {error}"
        return _mutant(golden, mutation, Outcome.CRASHED, why)
    if rule is None:
        outcome = Outcome.CAUGHT if found else Outcome.SURVIVED
        return _mutant(golden, mutation, outcome, _described(found))
    outcome = Outcome.FALSE_POSITIVE if found else Outcome.EQUIVALENT
    described = f"{rule.reason}; yet {_described(found)}" if found else rule.reason
    return _mutant(golden, mutation, outcome, described)


def _differences(
    golden: Golden, context: Context, mutation: Mutation
) -> Sequence[Difference]:
    about = context.capture
    changed = Capture.from_frames(mutation.frames(), about.interfaces, about.names)
    return judge(golden, canonicalize(changed)).differences


def _mutant(golden: Golden, mutation: Mutation, outcome: Outcome, why: str) -> Mutant:
    return Mutant(
        scenario=golden.scenario,
        kind=mutation.kind,
        name=mutation.name,
        outcome=outcome,
        why=why,
    )


def _described(found: Sequence[Difference]) -> str:
    if not found:
        return ""
    first = found[0]
    cause = f" ({first.cause.name})" if first.cause else ""
    return f"{first.field}: {first.got}, not {first.want}{cause}"
