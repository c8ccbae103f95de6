"""Whether packets were sent on, and who refused them: each rule alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import end, refusal, reset
from tests.hosts import changed
from tests.unit.causes.cases import (
    ACCEPT,
    DOUBLED,
    DROPPED,
    JUMP,
    LINK_TOLD,
    LOCAL,
    PING,
    REFUSED,
    SMALLER,
    VERSIONS,
    VERSIONS_TOLD,
    WEB,
    Seen,
    case,
    words,
)

from pytest_netlab.causes import forwarding

if TYPE_CHECKING:
    from pytest_netlab.causes import Case
    from pytest_netlab.host import HostChange
    from pytest_netlab.trace import FlowFact

FULL = changed(full="9 of 9 connections")
DROP = "filter -A FORWARD -s net -j DROP"
EXEMPT = "nat -A PREROUTING -p tcp -m tcp --dport 81 -j ACCEPT"
TOS = Seen("tos", "2", "0")


@pytest.mark.parametrize(
    ("others", "text"),
    [
        (0, "no packet of {} was seen: the stimulus never reached the host"),
        (2, "{} was seen 2 times only: one more never reached it"),
    ],
)
def test_untouched(others: int, text: str) -> None:
    """A flow that was not seen, or not as often, never reached the host."""
    found = forwarding.untouched(case(PING, DROPPED), others)

    assert (found.name, found.flow) == ("no traffic", PING.name)
    assert found.text == text.format(PING.name)


def test_untouched_where_the_table_is_full() -> None:
    """A bridge that tracks drops a packet before its tap sees it."""
    found = forwarding.untouched(case(PING, DROPPED, FULL), 0)

    assert (found.name, found.flow) == ("table full", PING.name)
    assert f"{PING.name} was dropped: connection tracking is full (9 of" in found.text


@pytest.mark.parametrize(
    ("want", "got", "host", "full"),
    [
        (PING, DROPPED, FULL, True),
        (PING, DROPPED, changed(), False),
        (PING, PING, FULL, False),
        (LOCAL, DROPPED, FULL, False),
    ],
    ids=["full", "room enough", "sent on", "for the host itself"],
)
def test_table_full(
    want: FlowFact, got: FlowFact, host: HostChange, *, full: bool
) -> None:
    """What was to be forwarded is dropped where nothing more can be tracked."""
    found = forwarding.table_full(case(want, got, host))

    assert (found.name if found else "") == ("table full" if full else "")


PROHIBITED = replace(DROPPED, refusal=refusal("bridge"))
RESET = replace(REFUSED, refusal=reset("host"))


@pytest.mark.parametrize(
    ("want", "got", "host", "text"),
    [
        (PING, PROHIBITED, changed(), "c1 was refused by host prohibited from bri"),
        (
            WEB,
            replace(WEB, refusal=reset("web")),
            changed(),
            "by RST from web; lo",
        ),
        (WEB, RESET, changed(extra=(DROP,)), f"this rule is new: {DROP}"),
        (
            PING,
            PROHIBITED,
            changed(extra=(DROP, "filter -A x -j REJECT")),
            "; this rule is new: filter -A x -j REJECT",
        ),
        (
            PING,
            PROHIBITED,
            changed(extra=(DROP, "nft inet site forward reject")),
            "; this rule is new: nft",
        ),
        (
            PING,
            PROHIBITED,
            changed(extra=("route c1 dev x",), missing=("route host01 dev y",)),
            "; the route differs: none here, route host01 dev y then",
        ),
        (
            PING,
            PROHIBITED,
            changed(extra=("route c1 dev x",)),
            "; the route differs: route c1 dev x here, none then",
        ),
        (
            WEB,
            replace(WEB, refusal=reset("web")),
            changed(extra=("route web dev x",)),
            "; the route differs: route web dev x here, none then",
        ),
        (
            PING,
            PROHIBITED,
            changed(settings=VERSIONS),
            f"; look at the filter table {VERSIONS_TOLD}",
        ),
    ],
)
def test_rejected(want: FlowFact, got: FlowFact, host: HostChange, text: str) -> None:
    """A refusal tells whose it is, and which rule or route may have made it."""
    name, told = words(forwarding.rejected(case(want, got, host)))

    assert name == "rejected"
    assert text in told


@pytest.mark.parametrize(
    ("want", "got"),
    [
        (PING, DROPPED),
        (replace(WEB, refusal=reset("web")), replace(WEB, refusal=reset("host"))),
        (WEB, RESET),
    ],
    ids=["nobody refuses", "refused as ever", "no such port"],
)
def test_not_rejected(want: FlowFact, got: FlowFact) -> None:
    """A reset of a host that has no such port refuses nothing: no rule did."""
    assert forwarding.rejected(case(want, got)) is None


@pytest.mark.parametrize(
    ("want", "got", "text"),
    [
        (PING, DROPPED, "c1 reached the host but were never sent on to host01, nobody"),
        (WEB, REFUSED, "to web:80, the host itself answered; no DNAT rule in nat/DOCK"),
        (WEB, replace(REFUSED, answered=False), "nobody answered; look at net.ipv4.ip"),
        (PING, replace(DROPPED, answered=True), "host itself answered; look at net.ip"),
    ],
)
def test_not_forwarded(want: FlowFact, got: FlowFact, text: str) -> None:
    """What was never sent on was not translated, or not let through."""
    name, told = words(forwarding.not_forwarded(case(want, got)))

    assert name == "not forwarded"
    assert text in told


def test_forwarded() -> None:
    """What was sent on, or was never to be, is not missed there."""
    assert (
        forwarding.not_forwarded(case(PING, replace(PING, target=end("host02"))))
        is None
    )
    assert forwarding.not_forwarded(case(LOCAL, DROPPED)) is None


BARRIERS = (
    DROP,
    "filter -A FORWARD -j REJECT",
    "raw -A PREROUTING -j CT --notrack",
    "raw -A PREROUTING -j NOTRACK",
    "nft inet site forward reject",
    "nft inet site forward drop",
    "nft inet site forward type filter hook forward priority 0; policy drop;",
    "legacy filter :FORWARD DROP",
)


CALLED_SO = (
    "filter :DROP-LOG -",
    "filter -A DROP-LOG -j ACCEPT",
    'filter -A FORWARD -m comment --comment "no reject, no DROP" -j ACCEPT',
    'filter -A FORWARD -j LOG --log-prefix "REJECT "',
    'nft inet site forward accept comment " reject"',
    "nft inet site forward jump drop-log",
    "filter -A FORWARD -j REJECT-LATER",
)


@pytest.mark.parametrize("name", CALLED_SO)
@pytest.mark.parametrize("rule", BARRIERS)
def test_what_is_called_a_barrier(name: str, rule: str) -> None:
    """Neither a chain's name nor a comment bars a packet's way: a rule does."""
    found = forwarding.not_forwarded(case(PING, DROPPED, changed(extra=(name, rule))))

    assert words(found)[1].endswith(f"this rule is new: {rule}")


@pytest.mark.parametrize("name", CALLED_SO)
def test_what_is_called_a_refusal(name: str) -> None:
    """A reset of a host without such a port stays one, whatever a rule is called."""
    assert forwarding.rejected(case(WEB, RESET, changed(extra=(name,)))) is None


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (
            changed(
                missing=(ACCEPT,),
                settings=dict.fromkeys(("bridge_nf", "ip_forward"), ("1", "0")),
            ),
            "net.ipv4.ip_forward is 0 here, 1 when recorded",
        ),
        (changed(missing=(JUMP, ACCEPT), extra=(DROP,)), f"is gone: {ACCEPT}"),
        *((changed(extra=(rule,)), f"this rule is new: {rule}") for rule in BARRIERS),
        (changed(extra=(DROP, "route host01 dev x")), f"this rule is new: {DROP}"),
        (
            changed(extra=("route host01 dev x",), moved=(ACCEPT,)),
            "the route differs: route host01 dev x here, none then",
        ),
        (
            changed(moved=(JUMP, ACCEPT), settings={"tcp_loose": ("1", "0")}),
            f"this rule stands elsewhere now: {ACCEPT}",
        ),
        *(
            (
                replace(SMALLER, settings={name: ("1", "0")}),
                " is 0 here, 1 when recorded",
            )
            for name in ("bridge_nf", "tcp_loose", "tcp_liberal")
        ),
        (SMALLER, LINK_TOLD),
        (changed(extra=(ACCEPT,), missing=(JUMP,)), "filter FORWARD chain"),
        (changed(settings=VERSIONS), f"filter FORWARD chain {VERSIONS_TOLD}"),
    ],
)
def test_what_keeps_from_forwarding(host: HostChange, cited: str) -> None:
    """Settings that forward are cited first, then rules, routes, order and links."""
    found = forwarding.not_forwarded(case(PING, DROPPED, host))

    assert words(found)[1].endswith(cited)


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (changed(missing=("nat -A X", JUMP), extra=(DROP,)), f"is gone: {JUMP}"),
        (changed(missing=("filter DOCKER",), extra=(DROP,)), f"is new: {DROP}"),
        (changed(extra=(DROP,), moved=(JUMP,)), f"this rule is new: {DROP}"),
        (changed(extra=(DROP, EXEMPT)), f"this rule is new: {EXEMPT}"),
        (changed(moved=(ACCEPT, JUMP)), f"this rule stands elsewhere now: {JUMP}"),
        (changed(settings=VERSIONS), f"DOCKER matched host:81 {VERSIONS_TOLD}"),
    ],
    ids=["gone", "another table's", "barrier", "exempt", "moved", "versions"],
)
def test_what_keeps_from_translation(host: HostChange, cited: str) -> None:
    """Where the host answers a published port itself, its DNAT rule is looked for."""
    found = forwarding.not_forwarded(case(WEB, REFUSED, host))

    assert words(found)[1].endswith(cited)


def test_route_to_the_target() -> None:
    """The route that is cited is the one to the node that a port is of."""
    host = changed(extra=("route web dev x",))

    found = forwarding.not_forwarded(case(WEB, replace(REFUSED, answered=False), host))

    assert words(found)[1].endswith(
        "the route differs: route web dev x here, none then"
    )


SILENT = replace(PING, returned=False)


@pytest.mark.parametrize(
    ("got", "host", "name", "text"),
    [
        (
            SILENT,
            changed(),
            "reply not forwarded",
            "host01's replies reached the host but not c1; look at the filter FORWARD",
        ),
        (
            SILENT,
            changed(missing=(ACCEPT,)),
            "reply not forwarded",
            f"gone: {ACCEPT}",
        ),
        (
            SILENT,
            changed(extra=("route c1 dev x",)),
            "reply not forwarded",
            "c1; the route differs: route c1 dev x here, none then",
        ),
        (
            replace(SILENT, answered=False),
            changed(missing=(ACCEPT,)),
            "not answered",
            "host01 never answered what was sent on to it",
        ),
        (
            replace(SILENT, answered=False),
            SMALLER,
            "not answered",
            f"what was sent on to it; {LINK_TOLD}",
        ),
    ],
)
def test_not_returned(got: FlowFact, host: HostChange, name: str, text: str) -> None:
    """Replies that never came are the target's fault, replies kept here the host's."""
    cause = forwarding.not_returned(case(PING, got, host))

    assert words(cause)[0] == name
    assert text in words(cause)[1]
    assert words(cause)[1].endswith(text) or "filter" in text


@pytest.mark.parametrize(
    ("want", "got"),
    [(PING, PING), (SILENT, SILENT), (PING, replace(SILENT, target=end("host02")))],
    ids=["returned", "silent as ever", "sent elsewhere"],
)
def test_returned(want: FlowFact, got: FlowFact) -> None:
    """Replies are missed of what was sent on as it should, if there ever were any."""
    assert forwarding.not_returned(case(want, got)) is None


UNPAIRED = Seen("unpaired-forwarded", "seen at both points", "seen at this one only")
LIMIT = "filter -A DOCKER-USER -m limit --limit 1/hour -j DROP"


@pytest.mark.parametrize(
    ("want", "direction", "name", "end"),
    [
        (PING, "original", "not forwarded", "host01"),
        (PING, "reply", "reply not forwarded", "c1"),
        (WEB, "original", "not forwarded", "web:80"),
    ],
)
def test_partly_forwarded(want: FlowFact, direction: str, name: str, end: str) -> None:
    """A flow that is forwarded, and some packets of it are not."""
    signs = (TOS, replace(UNPAIRED, direction=direction))
    text = f"some packets reached the host and were never sent on to {end}; "
    node = end.partition(":")[0]
    route = changed(extra=(f"route {node} dev x",))

    def told(host: HostChange) -> tuple[str, str]:
        return words(
            forwarding.partly_forwarded(case(want, want, host, evidence=signs))
        )

    look = "look at rules with a limit or a chance"
    assert told(changed()) == (name, text + look)
    assert told(changed(extra=(LIMIT,))) == (
        name,
        f"{text}this rule is new: {LIMIT}",
    )
    assert told(route)[1].endswith(f"route {node} dev x here, none then")


def test_partly_forwarded_names_the_packet() -> None:
    """A packet of that direction that the golden does not have is the one."""
    lost = replace(DOUBLED, got="c1 > host01 data")
    signs = (UNPAIRED, replace(lost, direction="reply", got="no"), lost)
    found = forwarding.partly_forwarded(case(PING, PING, evidence=signs))

    assert words(found)[1].startswith("some packets (c1 > host01 data) reached the")


@pytest.mark.parametrize(
    "looked_at",
    [case(PING, PING, evidence=(TOS,)), case(PING, SILENT, evidence=(UNPAIRED,))],
    ids=["no packet lost", "another flow"],
)
def test_not_partly_forwarded(looked_at: Case) -> None:
    """A flow that differs as a whole has another cause than single packets."""
    assert forwarding.partly_forwarded(looked_at) is None


MUTE = replace(LOCAL, disposition="dropped", answered=False)


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (changed(extra=(ACCEPT, DROP)), f"this rule is new: {DROP}"),
        (changed(missing=(ACCEPT,)), "look at the filter INPUT and OUTPUT chains"),
        (changed(settings=VERSIONS), f"OUTPUT chains {VERSIONS_TOLD}"),
    ],
)
def test_unanswered(host: HostChange, cited: str) -> None:
    """What is meant for the host itself is not forwarded, but not answered."""
    name, text = words(forwarding.unanswered(case(LOCAL, MUTE, host)))

    assert name == "not answered"
    assert text == f"host never answered; {cited}" or text.endswith(cited)


@pytest.mark.parametrize(
    ("want", "got"),
    [
        (PING, MUTE),
        (replace(LOCAL, answered=False), MUTE),
        (LOCAL, LOCAL),
        (LOCAL, replace(MUTE, target=end("c2"))),
    ],
    ids=["to be forwarded", "mute as ever", "answered", "sent on"],
)
def test_answered(want: FlowFact, got: FlowFact) -> None:
    """A host that was never asked, or never answered, does as ever."""
    assert forwarding.unanswered(case(want, got)) is None


CLOSED = replace(DROPPED, proto=WEB.proto, echo=False, initiator=end("host01"))
CLOSED = replace(CLOSED, responder=end("web:80"))
OPENED = replace(CLOSED, sender=end("host01"), target=end("web:80"), answered=True)
OPENED = replace(OPENED, disposition="forwarded")


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (
            changed(
                missing=(
                    "raw -A PREROUTING -d c1 ! -i docker0 -j DROP",
                    "raw -A PREROUTING -d web ! -i docker0 -j DROP",
                )
            ),
            "this rule is gone: raw -A PREROUTING -d web ! -i docker0 -j DROP",
        ),
        (
            changed(missing=("filter :FORWARD DROP",)),
            "this rule is gone: filter :FORWARD DROP",
        ),
        (changed(extra=(ACCEPT,)), f"this rule is new: {ACCEPT}"),
        (
            changed(settings={"bridge_nf": ("1", "0")}),
            "net.bridge.bridge-nf-call-iptables is 0 here, 1 when recorded",
        ),
        (changed(), "look for a rule of filter or raw that dropped it there"),
    ],
)
def test_let_through(host: HostChange, cited: str) -> None:
    """What used to be dropped and is not, is named for the rule that dropped it."""
    found = forwarding.let_through(case(CLOSED, OPENED, host))
    text = "packets from host01 were sent on to web:80, which used to be dropped"

    assert words(found) == ("let through", f"{text}; {cited}")


@pytest.mark.parametrize(
    ("want", "got"), [(CLOSED, CLOSED), (OPENED, OPENED), (OPENED, CLOSED)]
)
def test_not_let_through(want: FlowFact, got: FlowFact) -> None:
    """What is dropped as ever, or was sent on before, is not."""
    assert forwarding.let_through(case(want, got, changed(extra=(ACCEPT,)))) is None
