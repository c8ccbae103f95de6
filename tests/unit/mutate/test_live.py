"""What a verdict under a fault must be; no lab is needed to say."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

import pytest

from pytest_netlab.causes import Name
from pytest_netlab.checks.forbidden import FORBIDDEN
from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.mutate import Outcome
from pytest_netlab.mutate.live import FAULTS, Body, Ending, Fault, LiveJudge, named

if TYPE_CHECKING:
    from collections.abc import Iterator

LAB: Any = object()


@contextmanager
def broken(_lab: object) -> Iterator[None]:
    """Break nothing."""
    yield


@contextmanager
def missing(_lab: object) -> Iterator[None]:
    """Find nothing to break."""
    raise LabUnavailableError("this engine has no such rule")
    yield


FAULT = Fault(name="f", about="broken", inject=broken, red={"web": ("proxied",)})
BLIND = Fault(name="b", about="blind", inject=broken, blind=True)


@pytest.mark.parametrize(
    ("fault", "golden", "outcome", "cause", "expected", "right"),
    [
        (FAULT, "web", "fail", "proxied", Outcome.CAUGHT, True),
        (FAULT, "web", "fail", "leaked", Outcome.CAUGHT, False),
        (FAULT, "web", "pass", "", Outcome.SURVIVED, None),
        (FAULT, "web", "error", "LabError", Outcome.CRASHED, None),
        (FAULT, "ping", "pass", "", Outcome.EQUIVALENT, None),
        (FAULT, "ping", "fail", "leaked", Outcome.FALSE_POSITIVE, None),
        (FAULT, "ping", "error", "LabError", Outcome.CRASHED, None),
        (BLIND, "ping", "error", "BlindCaptureError", Outcome.CAUGHT, None),
        (BLIND, "ping", "pass", "", Outcome.SURVIVED, None),
        (BLIND, "ping", "fail", "not forwarded", Outcome.FALSE_POSITIVE, None),
    ],
)
def test_kill(
    fault: Fault,
    golden: str,
    outcome: str,
    cause: str,
    expected: Outcome,
    *,
    right: bool | None,
) -> None:
    """Red must be red by the right cause, all else green, and the blind an error."""
    kill = fault.mutant(golden, outcome, cause)

    assert (kill.outcome, kill.right) == (expected, right)


def test_causes_of_faults() -> None:
    """What a fault must be named for is a name that a verdict can have."""
    wanted = {name for one in FAULTS for names in one.red.values() for name in names}

    assert wanted <= {*get_args(Name), *FORBIDDEN}


class Scripted(Body):
    """A scenario whose runs end as they are told to."""

    def __init__(self, *ends: str) -> None:
        """Take how each run ends."""
        self._ends = iter(ends)
        self.replayed = False

    def suits(self, _lab: object) -> bool:
        """Return that it does."""
        return True

    def golden(self, _lab: object) -> str:
        """Return its name."""
        return "web"

    def run(self, _lab: object) -> Ending:
        """End as told."""
        nothing: Any = None
        outcome: Any = next(self._ends)
        return Ending(outcome=outcome, cause="proxied", run=nothing)


def test_judge() -> None:
    """Every scenario is run whole, under each fault, and whole again."""
    judge = LiveJudge(LAB, [Scripted("pass", "fail", "pass")], [FAULT])

    assert len(judge) == 1
    assert [kill.outcome for kill in judge] == [Outcome.CAUGHT]


def test_nothing_to_break() -> None:
    """An engine without such a rule has no such fault, and says so."""
    fault = Fault(name="f", about="", inject=missing, red={"web": ("proxied",)})

    (kill,) = LiveJudge(LAB, [Scripted("pass", "pass")], [fault])

    assert (kill.outcome, kill.why) == (
        Outcome.EQUIVALENT,
        "this engine has no such rule",
    )


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (("fail",), "web is not green without any fault"),
        (("pass", "fail", "fail"), "web is not green after f was mended"),
    ],
)
def test_not_green(ends: tuple[str, ...], words: str) -> None:
    """Where a lab is broken anyhow, no fault tells anything."""
    with pytest.raises(LabError, match=words):
        list(LiveJudge(LAB, [Scripted(*ends)], [FAULT]))


def test_names() -> None:
    """Faults have names of their own; an unknown one is an error that lists them."""
    names = [fault.name for fault in FAULTS]

    assert len(set(names)) == len(names)
    assert named([]) == list(FAULTS)
    assert [fault.name for fault in named(names[:2])] == names[:2]
    with pytest.raises(LabError, match=f"no fault 'x': there are {names[0]}, "):
        named(["x"])
