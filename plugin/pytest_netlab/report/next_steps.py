"""What to do after a run: mend what is wrong, or accept it as right. Text only."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pytest_netlab.checks.forbidden import forbids, unrecordable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_netlab.judge import Verdict

    Step = tuple[str, Sequence[str]]  # what to do, and the commands that do it

HERE: Final = "this machine"
IN_LAB: Final = "a lab's"
ELSEWHERE: Final = "of stored packets"
Host = Literal["this machine", "a lab's", "of stored packets"]

LABEL = "next step  "
TEXT = " " * len(LABEL)
COMMAND = TEXT + "  "  # `layout` knows commands by this
REMEDIES = 3  # at most
SERVICES = "systemctl "

_SET_UP = "if the lab's host is wrong, mend what set it up"
_BY = "the test, conftest.py, or options of the engine"
_LOOK = "look at what was seen, and accept or reject it as the golden:"
_REJECT = "what was seen can be looked at, and rejected:"
_RECORD = "record it, and review its story.txt:"
_IN_CI = "record it where CI is not set, review its story.txt, and commit:"
_COPY = (
    "the golden is the installed package's; for one of your own copy the scenario "
    "into your project:"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Command lines for a test that ran, as they are typed where it was started.

    Each is "" where there is none, and `copy` is empty.

    Attributes:
        again: runs the test again.
        update: records what is seen as its golden, in place of the one there is.
        new: records its golden where there is none.
        copy: make a scenario of the project of a bundled one, and record its golden.
        review: reviews proposals; their names follow.
        folders: options of `review`, which follow the names.
        host: which host is under test, and so where it is mended.
        in_ci: nothing is recorded in this environment.

    """

    again: str = ""
    update: str = ""
    new: str = ""
    copy: Sequence[str] = ()
    review: str = ""
    folders: str = ""
    host: Host = IN_LAB
    in_ci: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NextSteps:
    """What can be done about a test that failed or has no golden.

    Attributes:
        commands: that do it.
        proposed: the name of the golden that was proposed; "" for none.
        unfit: why no golden can have what was seen; "" where one can.
        stored: the verdict was read from a file, which others may have written: what it
            calls a remedy is not for anybody to type.

    """

    commands: Commands = Commands()
    proposed: str = ""
    unfit: str = ""
    stored: bool = False

    def after(self, verdict: Verdict) -> Iterator[str]:
        """Yield lines: what mends the host, then how what was seen is accepted."""
        cures = [] if self.stored else remedies(verdict, self.commands.host)
        fields = [one.field for one in verdict.differences]
        refused = verdict.expected is None and all(map(forbids, fields))
        steps = list(self._mending(cures)) if cures or not refused else []
        if refused:
            steps.append((f"nothing was recorded: {unrecordable(fields)}", ()))
        else:
            steps += self._accepting(self.commands.update, "if it is right as it is, ")
        yield from _laid(steps)

    def without_golden(self) -> Iterator[str]:
        """Yield lines: how what was seen becomes the golden that is missing."""
        yield from _laid(self._accepting(self.commands.new))

    def _mending(self, cures: Sequence[str]) -> Iterator[Step]:
        again = [self.commands.again] if self.commands.again else []
        if self.commands.host == HERE:
            yield "if this host is wrong, mend it, and run again:", [*cures, *again]
        elif self.commands.host == ELSEWHERE:
            todo = "this mends it:" if cures else "mend it, and run there again"
            yield f"if the host of these packets is wrong, {todo}", cures
        elif cures:
            yield f"{_SET_UP}; on that host, this does:", cures
            if again:
                yield "then run again:", again
        elif again:
            yield f"{_SET_UP} ({_BY}), and run again:", again

    def _accepting(self, record: str, begin: str = "") -> Iterator[Step]:
        """Yield how what was seen becomes the golden, or why it cannot."""
        commands, name = self.commands, shlex.quote(self.proposed)
        if self.unfit:
            yield f"{begin}no golden can have it: {self.unfit}", ()
        if self.proposed and commands.review:
            text = _REJECT if self.unfit else f"{begin}{_LOOK}"
            yield text, [f"{commands.review} {name}{commands.folders}"]
        elif self.unfit:
            return
        elif commands.copy:
            yield f"{begin}{_COPY}", commands.copy
        elif record:
            yield f"{begin}{_IN_CI if commands.in_ci else _RECORD}", [record]


def remedies(verdict: Verdict, host: Host) -> list[str]:
    """Return the commands that mend, on a host, what the causes of a failure name.

    They have words of rules, which others wrote: a shell must not run or expand those.
    A lab's engine starts with the next run, and its host has no services.
    """
    causes = (one.cause for one in verdict.differences if one.cause is not None)
    found = dict.fromkeys(_quoted(cause.remedy) for cause in causes)
    has_services = host != IN_LAB
    return [
        line
        for line in found
        if line and (has_services or not line.startswith(SERVICES))
    ][:REMEDIES]


def _quoted(command: str) -> str:
    """Return a command whose words no shell expands; "" for none."""
    try:
        return shlex.join(shlex.split(command))
    except ValueError:  # a quote is not closed
        return ""


def _laid(steps: Iterable[Step]) -> Iterator[str]:
    """Yield steps as lines: the first has the label, and commands are indented."""
    label = LABEL
    for text, lines in steps:
        yield f"{label}{text}"
        yield from (f"{COMMAND}{line}" for line in lines)
        label = TEXT
