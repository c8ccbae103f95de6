"""verdict.json, declared: what a run was, as text, numbers and tables.

Knows format 1 only; refuses to know what makes its texts. Keys keep the words of the
format, whatever a value is called by now.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import field

from pytest_netlab.evidence.traces import Fact, Trace
from pytest_netlab.files.schema import FreeText, Table

FORMAT: Final = 1
VERDICT = "verdict.json"


class Cause(Table, frozen=True, kw_only=True):
    """Why a conversation differs.

    Attributes:
        name: the cause's.
        flow: the conversation's.
        text: the cause in a sentence, with the rules and settings that it cites.

    """

    name: str
    flow: str
    text: FreeText


class Difference(Table, frozen=True, kw_only=True):
    """One thing that is not as the golden has it.

    Attributes:
        flow: name of the conversation.
        direction: which way the packet goes.
        point: name of the capture point.
        packet: number in the run's capture, from 1; null for what is missing there.
        field: what differs.
        want: what the golden has.
        got: what was seen.
        cause: why; null where nothing tells.

    """

    flow: str
    direction: str
    point: str
    packet: int | None
    field: str
    want: FreeText
    got: FreeText
    cause: Cause | None = None


class Connection(Table, frozen=True, kw_only=True):
    """An entry of connection tracking, in symbols.

    Attributes:
        proto: its protocol.
        initiator: who began.
        responder: with whom.
        sender: the initiator after translation.
        target: the responder after translation.

    """

    proto: str
    initiator: str
    responder: str
    sender: str
    target: str


class Host(Table, frozen=True, kw_only=True):
    """How the host differs from the golden's.

    Attributes:
        missing: rules, routes and links that only the golden's host has.
        extra: those that only this host has.
        moved: rules that stand elsewhere among the others.
        settings: name -> then and here.
        tracked: what connection tracking holds here.
        full: how much that is, where it is all that it can; "" else.

    """

    missing: tuple[FreeText, ...] = ()
    extra: tuple[FreeText, ...] = ()
    moved: tuple[FreeText, ...] = ()
    settings: dict[str, tuple[FreeText, FreeText]] = field(default_factory=dict)
    tracked: tuple[Connection, ...] = ()
    full: FreeText = ""


class Variant(Table, frozen=True, kw_only=True):
    """Another variant of the golden that has this trace.

    Attributes:
        name: the variant's.
        about: its description, requires and reference, those that it has.

    """

    name: str
    about: dict[str, FreeText]


class Verdict(Table, frozen=True, kw_only=True):
    """What the run showed against its golden.

    Attributes:
        scenario: the scenario's id.
        outcome: whether the trace is the golden's, or was recorded as one.
        observed: the trace that was seen.
        expected: the golden's; null where there is none.
        differences: where they differ.
        host: how the host differs from the golden's.
        recorded_on: the golden's provenance.
        twin: the variant that has this trace; null for none.

    """

    scenario: str
    outcome: Literal["pass", "fail", "recorded"]
    observed: Trace
    expected: Trace | None = None
    differences: tuple[Difference, ...] = ()
    host: Host = field(default_factory=Host)
    recorded_on: dict[str, FreeText] = field(default_factory=dict)
    twin: Variant | None = None


class Run(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """verdict.json.

    Attributes:
        format: 1.
        scenario: the scenario's id.
        test: the test's node id, or the command line.
        outcome: how the run ended.
        cause: name of the first cause; "" for none.
        error: what it ended by beside its packets; "" for nothing.
        differences: those of the verdict.
        flows: each conversation that was observed.
        facts: version or setting of the host by name; goldens are chosen by them.
        verdict: all that the run's text is made of; null where it was not judged.

    """

    format: Literal[1]
    scenario: str
    test: FreeText
    outcome: str
    cause: str = ""
    error: FreeText
    differences: tuple[Difference, ...] = ()
    flows: tuple[Fact, ...] = ()
    facts: dict[str, str]
    verdict: Verdict | None


class Head(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What of verdict.json counts where the packets beside it are judged again."""

    scenario: str
    outcome: str = ""
    error: FreeText = ""
    facts: dict[str, str] = field(default_factory=dict)
