"""Whatever is changed of a golden turns red, unless a rule says why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.judge import judge
from pytest_netlab.mutate import RULES, Judge, Outcome, goldens, names
from pytest_netlab.report import mutants
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.judge import Verdict
    from pytest_netlab.mutate import Mutant
    from pytest_netlab.store import Golden
    from pytest_netlab.trace import CanonicalTrace

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
NAMES = names(Store(GOLDEN))


def bad(found: Iterable[Mutant]) -> list[str]:
    """Return what must not be, in words."""
    return [
        f"{mutant.outcome}: {mutant.name}: {mutant.why}"
        for mutant in found
        if mutant.bad
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_mutation_of_a_golden(name: str) -> None:
    """Each is caught, or means nothing and is green: no survivor, no alarm."""
    judge = Judge(Store(GOLDEN), name)
    found = list(judge)

    assert bad(found) == []
    assert len(found) == len(judge) > 100
    caught = [mutant for mutant in found if mutant.outcome is Outcome.CAUGHT]
    assert all(mutant.why for mutant in found)
    assert len(caught) > len(found) * 0.4


def test_every_mutation_of_a_refused_datagram(refused: Store) -> None:
    """What an ICMP error quotes, and a datagram's fields, are caught too."""
    found = list(Judge(refused, "refused"))

    assert bad(found) == []
    kinds = {mutant.kind for mutant in found}
    assert {"quoted source address", "quoted source port", "quoted ttl"} <= kinds


def test_weakened_comparison_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ttl is no longer compared, changes of ttl survive, and no others."""

    def blind(golden: Golden, trace: CanonicalTrace) -> Verdict:
        verdict = judge(golden, trace)
        found = tuple(one for one in verdict.differences if one.field != "ttl")
        return replace(verdict, differences=found)

    monkeypatch.setattr(goldens, "judge", blind)
    found = list(Judge(Store(GOLDEN), "ping-host"))

    survived = [mutant for mutant in found if mutant.outcome is Outcome.SURVIVED]
    assert {mutant.kind for mutant in survived} == {"ttl", "flow ttl"}
    assert mutants.counts(found)["survived"] == len(survived)


def test_a_judge_that_breaks_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception is neither red nor green: it is told as a crash."""

    def broken(*_: object) -> None:
        raise ValueError("no such row")

    monkeypatch.setattr(goldens, "judge", broken)
    found = list(Judge(Store(GOLDEN), "ping-host"))

    assert {mutant.outcome for mutant in found} == {Outcome.CRASHED}
    assert found[0].why == "ValueError: no such row"


def test_a_rule_that_is_wrong_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a rule calls meaningless must stay green: red is told as an alarm."""
    rule = replace(RULES[0], applies=lambda _: True)
    monkeypatch.setattr(goldens, "equivalence", lambda _: rule)
    found = list(Judge(Store(GOLDEN), "ping-host"))

    outcomes = {mutant.outcome for mutant in found}
    assert outcomes == {Outcome.FALSE_POSITIVE, Outcome.EQUIVALENT}
    assert any(mutant.bad for mutant in found)
