"""The schema of verdict.json: how a run ended, as text, numbers and tables.

Knows format 1 only; refuses to know how its texts are made. Keys are the format's, even
where the code has since renamed a value.
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
        name: name of the cause.
        flow: name of the conversation.
        text: the cause in one sentence that cites rules and settings.
        remedy: a command that mends it on this host; "" where none is known.

    """

    name: str
    flow: str
    text: FreeText
    remedy: FreeText = ""


class Difference(Table, frozen=True, kw_only=True):
    """One difference between the observed trace and the golden.

    Attributes:
        flow: name of the conversation.
        direction: original or reply (conntrack's words).
        point: name of the capture point.
        packet: number in the run's capture, from 1; null if it is missing there.
        field: name of what differs.
        want: the value in the golden.
        got: the observed value.
        cause: why it differs; null if unknown.

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
    """A conntrack entry, in symbols.

    Attributes:
        proto: name of the protocol.
        initiator: symbol of the initiator.
        responder: symbol of the responder, with its port if there are ports.
        sender: the initiator after translation.
        target: the responder after translation.

    """

    proto: str
    initiator: str
    responder: str
    sender: str
    target: str


class Counted(Table, frozen=True, kw_only=True):
    """What a rule counted.

    Attributes:
        rule: its line.
        packets: how many it counted during the capture.

    """

    rule: FreeText
    packets: int


class Host(Table, frozen=True, kw_only=True):
    """How the host differs from the golden's.

    Attributes:
        missing: rules, routes and links that only the golden's host has.
        extra: those that only this host has.
        moved: rules whose position among the others differs.
        settings: name -> value at recording and value here.
        tracked: the conntrack entries of this host.
        full: `N of MAX connections` if the conntrack table is full; "" else.
        since: those of all these that changed since the lab started; null where nobody
            looked.
        counted: those of them that counted packets.
        usual: how many more rules differ, because their engines do.

    """

    missing: tuple[FreeText, ...] = ()
    extra: tuple[FreeText, ...] = ()
    moved: tuple[FreeText, ...] = ()
    settings: dict[str, tuple[FreeText, FreeText]] = field(default_factory=dict)
    tracked: tuple[Connection, ...] = ()
    full: FreeText = ""
    since: tuple[FreeText, ...] | None = None
    counted: tuple[Counted, ...] = ()
    usual: int = 0


class Variant(Table, frozen=True, kw_only=True):
    """Another variant of the golden that has this trace.

    Attributes:
        name: name of the variant.
        about: those of description, requires and reference that it has.

    """

    name: str
    about: dict[str, FreeText]


class Verdict(Table, frozen=True, kw_only=True):
    """The result of comparing a run with its golden.

    Attributes:
        scenario: the scenario's id.
        outcome: the trace equals the golden's, differs, or was recorded as a golden.
        observed: the run's trace.
        expected: the golden's trace; null if there is no golden.
        differences: where the run differs from the golden.
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
        cause: name of the first cause, or "<field> differs"; "" for none.
        error: the error that ended it, apart from its packets; "" for none.
        differences: those of the verdict; empty if there is none.
        flows: the observed conversations.
        facts: name -> version or setting of the host; they choose the golden.
        verdict: what the failure text is made of; null if the run was not judged.

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
    """The part of verdict.json that is used when its packets are judged again."""

    scenario: str
    outcome: str = ""
    error: FreeText = ""
    facts: dict[str, str] = field(default_factory=dict)
