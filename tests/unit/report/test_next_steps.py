"""What a run says to do next: mend first, accept second, and only what is possible."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.unit.report.test_text import CAUSE, SOURCE, verdict

from pytest_netlab.report.next_steps import (
    COMMAND,
    ELSEWHERE,
    HERE,
    IN_LAB,
    REMEDIES,
    Commands,
    Host,
    NextSteps,
    remedies,
)
from pytest_netlab.trace import CanonicalTrace

if TYPE_CHECKING:
    from pytest_netlab.judge import Verdict

CURE = "sysctl -w net.ipv4.ip_forward=1"
AGAIN, UPDATE, NEW = "pytest it", "pytest --update it", "pytest --new it"
COMMANDS = Commands(
    again=AGAIN,
    update=UPDATE,
    new=NEW,
    review="pytest-netlab review",
    folders=" --golden x",
)
REVIEW = "pytest-netlab review ping --golden x"
COPY = ("cp there .", "pytest --new here")
UNFIT = "every run would reject it"


def caused(*cures: str) -> Verdict:
    """Return a failure whose causes have these remedies."""
    causes = [replace(CAUSE, remedy=cure) for cure in cures or [""]]
    found = verdict(*(replace(SOURCE, cause=cause) for cause in causes))
    return replace(found, expected=CanonicalTrace((), ()))


def typed(steps: NextSteps, *cures: str) -> list[str]:
    """Return the commands that are printed after a failure, in their order."""
    lines = steps.after(caused(*cures))
    return [line.strip() for line in lines if line.startswith(COMMAND)]


@pytest.mark.parametrize(
    ("steps", "cures", "wanted"),
    [
        (NextSteps(commands=COMMANDS), [], [AGAIN, UPDATE]),
        (NextSteps(commands=COMMANDS), [CURE], [CURE, AGAIN, UPDATE]),
        (NextSteps(commands=COMMANDS), [CURE, "", CURE], [CURE, AGAIN, UPDATE]),
        (NextSteps(commands=COMMANDS, proposed="ping"), [CURE], [CURE, AGAIN, REVIEW]),
        (NextSteps(commands=COMMANDS, unfit=UNFIT), [CURE], [CURE, AGAIN]),
        (
            NextSteps(commands=COMMANDS, proposed="ping", unfit=UNFIT),
            [],
            [AGAIN, REVIEW],
        ),
        (NextSteps(commands=Commands(again=AGAIN, copy=COPY)), [], [AGAIN, *COPY]),
        (
            NextSteps(commands=Commands(again=AGAIN, copy=COPY), unfit=UNFIT),
            [],
            [AGAIN],
        ),
        (NextSteps(), [CURE], [CURE]),
        (NextSteps(commands=COMMANDS, stored=True), [CURE], [AGAIN, UPDATE]),
        (NextSteps(), [], []),
    ],
)
def test_mend_first(steps: NextSteps, cures: list[str], wanted: list[str]) -> None:
    """Commands mend, run again, and accept: those that there are, in this order."""
    assert typed(steps, *cures) == wanted


@pytest.mark.parametrize("host", [HERE, "a lab's", ELSEWHERE])
def test_which_host_is_mended(host: Host) -> None:
    """Nobody is told to set on this machine what is wrong in a lab, or elsewhere."""
    steps = NextSteps(commands=replace(COMMANDS, host=host))

    begin, *_ = steps.after(caused(CURE))

    assert ("this host" in begin) == (host == HERE)
    assert ("the lab's host" in begin) == (host == "a lab's")


def test_unfit() -> None:
    """What no golden can have is not offered as one; the reason is said."""
    text = "\n".join(NextSteps(commands=COMMANDS, unfit=UNFIT).after(caused()))

    assert UNFIT in text
    assert UPDATE not in text


@pytest.mark.parametrize(("cures", "count"), [([], 1), ([CURE], 5)])
def test_refused(cures: list[str], count: int) -> None:
    """Of what was not recorded the reason is said, after what mends it."""
    found = caused(*cures)
    forbidden = [replace(one, field="bad-checksum") for one in found.differences]
    refused = replace(found, expected=None, differences=tuple(forbidden))

    lines = list(NextSteps(commands=COMMANDS).after(refused))

    assert "nothing was recorded: every run would reject" in lines[-1]
    assert UPDATE not in "\n".join(lines)
    assert len(lines) == count


def test_ci() -> None:
    """In CI, where recording is refused, the text says where it is not."""
    steps = NextSteps(commands=replace(COMMANDS, in_ci=True))

    assert "where CI is not set" in "\n".join(steps.after(caused()))
    assert "where CI is not set" in "\n".join(steps.without_golden())


@pytest.mark.parametrize(
    ("proposed", "command"), [("", NEW), ("ping", REVIEW), ("a b", "'a b'")]
)
def test_missing_golden(proposed: str, command: str) -> None:
    """A golden that is missing is recorded alone, and no other is overwritten."""
    text, line = NextSteps(commands=COMMANDS, proposed=proposed).without_golden()

    assert text.startswith("next step  ")
    assert command in line


@pytest.mark.parametrize(
    "rule",
    ["$(reboot)", "a; reboot", "`reboot`", "a\nreboot", "| sh", "'a b'", "> /etc/x"],
)
def test_remedies_are_words(rule: str) -> None:
    """A rule's words are words for a shell too: they neither run nor expand."""
    (line,) = remedies(caused(f"iptables -D FORWARD --comment {rule}"), HERE)

    assert "\n" not in line
    assert shlex.join(shlex.split(line)) == line
    for word in shlex.split(rule):
        assert shlex.quote(word) in line


def test_remedies_are_few() -> None:
    """A cause that is damaged has none, and of many the first are printed."""
    cures = [f"sysctl -w net.x={number}" for number in range(REMEDIES + 2)]

    assert remedies(caused("echo 'a", *cures), HERE) == cures[:REMEDIES]


def test_a_lab_has_no_services() -> None:
    """Nobody restarts this machine's engine for a lab's: each run starts a new one."""
    restart = "systemctl restart docker"

    assert remedies(caused(restart, CURE), HERE) == [restart, CURE]
    assert remedies(caused(restart, CURE), IN_LAB) == [CURE]
