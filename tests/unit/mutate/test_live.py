"""What a verdict under a fault must be; no lab is needed to say."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import pytest

from pytest_netlab.causes import Name
from pytest_netlab.checks.forbidden import FORBIDDEN
from pytest_netlab.errors import CommandError, LabError, LabUnavailableError
from pytest_netlab.mutate import Outcome
from pytest_netlab.mutate.live import (
    FAULTS,
    Body,
    Ending,
    Fault,
    LiveJudge,
    named,
    networks,
)
from pytest_netlab.mutate.live.fault import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bare:
    """A lab with nothing but docker-proxy."""

    facts: ClassVar = {"docker_proxy": "on"}


LAB: Any = Bare()


@contextmanager
def broken(_lab: object) -> Iterator[None]:
    """Break nothing."""
    yield


@contextmanager
def missing(_lab: object) -> Iterator[None]:
    """Find nothing to break."""
    raise LabUnavailableError("this engine has no such rule")
    yield


@contextmanager
def refused(_lab: object) -> Iterator[None]:
    """Be refused by the host."""
    raise CommandError("sysctl:\nno such key")
    yield


@contextmanager
def stuck(_lab: object) -> Iterator[None]:
    """Break something for good."""
    yield
    raise CommandError("cannot be mended")


def seen(outcome: Any, cause: str = "", text: str = "") -> Ending:
    """Return how a run ended."""
    nothing: Any = None
    return Ending(outcome=outcome, cause=cause, text=text, run=nothing)


CITED = (
    ("10.0.0.3", "host02"),
    ("ens160", "uplink"),
    ("-j DROP", "-j REJECT"),
)
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
    kill = fault.mutant(golden, seen(outcome, cause))

    assert (kill.outcome, kill.right) == (expected, right)


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("this rule is new: -d host02 -j DROP, on ens160", []),
        ("this rule is new: -d 10.0.0.3 -j DROP, on uplink", []),
        ("this rule is new: -d host01 -j DROP, on ens160", [("10.0.0.3", "host02")]),
        ("look at the filter table, on eth0", [*CITED]),
    ],
)
def test_text(text: str, lacks: list[tuple[str, ...]]) -> None:
    """A text must cite what did it, whichever way an address or a link is written."""
    cites = {ALL: ("{host02}", "{uplink}", "-j DROP | -j REJECT")}
    fault = replace(FAULT, cites=cites)
    places = [
        {"host02": "10.0.0.3", "uplink": "ens160"},
        {"host02": "host02", "uplink": "uplink"},
    ]

    kill = fault.mutant("web", seen("fail", "leaked", text), places=places)

    assert (kill.right, kill.text_right, kill.lacks) == (False, not lacks, lacks)
    assert fault.mutant("ping", seen("pass"), places=places).text_right is None


def test_words_for_one_golden() -> None:
    """What one golden's text must contain stands before what each must."""
    fault = replace(FAULT, cites={ALL: ("a rule",), "web": ("a route",)})

    kill = fault.mutant("web", seen("fail", "proxied", "a route"), places=[{}])

    assert kill.cites == (("a route",),)
    assert kill.text_right


@pytest.mark.parametrize(("proxied", "right"), [(True, False), (False, True)])
def test_nobody_proxies(*, proxied: bool, right: bool) -> None:
    """Without docker-proxy, what no rule translates is refused or dropped."""
    kill = FAULT.mutant("web", seen("fail", "rejected"), proxied=proxied)

    assert kill.right is right


def test_every_fault_cites() -> None:
    """A fault that must be red also says what its text must cite; the network none."""
    mute = {fault.name for fault in FAULTS if fault.red and not fault.cites}

    assert mute <= {fault.name for fault in networks.FAULTS}
    for fault in FAULTS:
        assert fault.cites.keys() <= {ALL, *fault.red}


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
        return seen(next(self._ends), "proxied")


def test_judge() -> None:
    """Every scenario is run whole, under each fault, and whole again."""
    judge = LiveJudge(LAB, [Scripted("pass", "fail", "pass")], [FAULT])

    assert len(judge) == 1
    assert [kill.outcome for kill in judge] == [Outcome.CAUGHT]


@pytest.mark.parametrize(
    ("inject", "why"),
    [(missing, "this engine has no such rule"), (refused, "sysctl: no such key")],
)
def test_nothing_to_break(inject: Any, why: str) -> None:
    """Where nothing can be broken so, that is said, and the next fault is tried."""
    fault = Fault(name="f", about="", inject=inject, red={"web": ("proxied",)})

    lost, caught = LiveJudge(
        LAB, [Scripted("pass", "pass", "fail", "pass")], [fault, FAULT]
    )

    assert (lost.outcome, lost.tested) == (Outcome.EQUIVALENT, False)
    assert lost.why == f"not tested: {why}"
    assert (caught.outcome, caught.tested) == (Outcome.CAUGHT, True)


def test_lab_that_is_not_mended() -> None:
    """A command that fails while a fault is mended is no fault without a place."""
    fault = Fault(name="f", about="", inject=stuck, red={"web": ("proxied",)})

    with pytest.raises(CommandError, match="cannot be mended"):
        list(LiveJudge(LAB, [Scripted("pass", "fail", "pass")], [fault]))


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
