"""Which rule tells why a flow is not as expected: by facts, then whole captures."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import end, refusal, reset
from tests.hosts import changed
from tests.unit.causes.cases import (
    ACCEPT,
    DNAT_RULE,
    DOUBLED,
    DROPPED,
    KEPT,
    LEG,
    LOCAL,
    MASQUERADE,
    NOTRACK,
    OTHER_NODE,
    PING,
    PROXIED,
    REFUSED,
    TOO_LARGE,
    WEB,
    Seen,
    tracked,
)

from pytest_netlab.causes import Cause, explain, unseen
from pytest_netlab.flows import TCP
from pytest_netlab.host.routing.next_hops import NextHop
from pytest_netlab.lab.backends.fake import FakeLab
from pytest_netlab.spec import POINTS, LabOptions
from pytest_netlab.trace import (
    CanonicalTrace,
    FlowFact,
    PortTranslation,
    Symbol,
    canonicalize,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.host import HostChange


def only(
    expected: list[FlowFact], observed: list[FlowFact], host: HostChange | None = None
) -> Cause:
    """Return the one cause there is."""
    (cause,) = explain(expected, observed, host)
    return cause


@pytest.mark.parametrize("facts", [[], [PING], [PING, WEB], [PING, PING]])
def test_as_expected(facts: list[FlowFact]) -> None:
    """What is as expected needs no cause."""
    assert explain(facts, facts) == []


def test_order_does_not_matter() -> None:
    """Flows of different names may come in any order."""
    assert explain([PING, WEB], [WEB, PING]) == []


@pytest.mark.parametrize(
    ("want", "got", "name", "words"),
    [
        (WEB, [PROXIED], "proxied", "web:80 sees bridge as its client"),
        (WEB, [REFUSED, LEG], "proxied", "web:80 sees bridge as its client"),
        (WEB, [LEG, REFUSED], "proxied", "web:80 sees bridge as its client"),
        (
            PING,
            [replace(PING, sender=end("c1"), kind="none")],
            "leaked",
            "instead of host",
        ),
        (PING, [replace(DROPPED, disposition="leaked")], "leaked", "its own address"),
        (
            PING,
            [DROPPED, replace(DROPPED, disposition="leaked")],
            "leaked",
            "c1 left on the",
        ),
        (
            WEB,
            [replace(WEB, target=end("c2:80"))],
            "wrong target",
            "translated to c2:80",
        ),
        (
            WEB,
            [replace(WEB, target=end("web:8080"))],
            "wrong port",
            "to web:8080 instead",
        ),
        (
            WEB,
            [replace(WEB, target=end("c2:8080"))],
            "wrong target",
            "to c2:8080 instead",
        ),
        (PING, [DROPPED], "not forwarded", "nobody answered; look at net.ipv4.ip_for"),
        (WEB, [REFUSED], "not forwarded", "host itself answered; no DNAT rule in nat/"),
        (WEB, [], "no traffic", "the stimulus never reached the host"),
        (WEB, [replace(WEB, answered=False)], "flow differs", "got .*unanswered"),
        (
            WEB,
            [
                replace(
                    DROPPED,
                    initiator=end("host01"),
                    responder=end("host:81"),
                    proto=TCP,
                    echo=False,
                )
            ],
            "not forwarded",
            "nobody answered; look at net",
        ),
        (
            PING,
            [replace(DROPPED, answered=True, disposition="local")],
            "not forwarded",
            "itself answered; look at net",
        ),
        (
            WEB,
            [REFUSED, replace(LEG, initiator=end("c1"))],
            "not forwarded",
            "itself answe",
        ),
        (
            WEB,
            [REFUSED, replace(LEG, responder=end("c2:80"))],
            "not forwarded",
            "itself an",
        ),
        (
            PING,
            [DROPPED, replace(LEG, responder=end("host01"))],
            "not forwarded",
            "nobody",
        ),
        (WEB, [replace(PROXIED, sender=end("host01"))], "flow differs", "proxied"),
        (PING, [replace(PING, target=end("host02"))], "flow differs", "-> host02"),
        (
            replace(PING, sender=None, target=None, kind="none", disposition="local"),
            [DROPPED],
            "not answered",
            "host01 never answered; look at the filter INPUT",
        ),
        (
            WEB,
            [replace(REFUSED, disposition="leaked")],
            "not forwarded",
            "itself answered",
        ),
        (
            PING,
            [replace(PING, sender=end("c2"))],
            "wrong source",
            "c1 left as c2 instead of host; look at POSTROUTING",
        ),
        (
            PING,
            [replace(DROPPED, refusal=refusal("bridge"))],
            "rejected",
            "c1 was refused by host prohibited from bridge; look at the filter table",
        ),
        (WEB, [replace(REFUSED, refusal=reset("host"))], "not forwarded", "no DNAT"),
        (WEB, [replace(WEB, refusal=reset("web"))], "rejected", "by RST from web"),
        (
            replace(WEB, refusal=reset("web")),
            [replace(WEB, refusal=reset("host"))],
            "flow differs",
            "expected",
        ),
        (
            PING,
            [replace(PING, returned=False)],
            "reply not forwarded",
            "reached the host but not c1; look at the filter FORWARD",
        ),
        (
            PING,
            [replace(PING, returned=False, answered=False)],
            "not answered",
            "host01 never answered what was sent on to it",
        ),
        (
            replace(PING, returned=False, answered=False),
            [replace(PING, returned=False)],
            "flow differs",
            "unanswered",
        ),
        (
            WEB,
            [replace(WEB, sender=end("bridge"), kind="hairpin")],
            "masqueraded",
            "web:80 sees bridge as its client instead of host01; look at MASQUERADE",
        ),
        (
            WEB,
            [replace(WEB, kind="hairpin")],
            "flow differs",
            "hairpi",
        ),
    ],
)
def test_rule(want: FlowFact, got: list[FlowFact], name: str, words: str) -> None:
    """What is observed of an expected flow tells why it differs."""
    cause = next(cause for cause in explain([want], got) if cause.flow == want.name)

    assert cause.name == name
    assert re.search(words, cause.text)


BAD_SUM, TTL = Seen("l4_checksum", "good", "bad"), Seen("ttl", "63", "60")
MAPPED = PortTranslation(
    field="port",
    original=Symbol("port", 1),
    mapped=Symbol("port", 2),
    in_use=False,
    in_port_range=True,
)
MOVED, UNDONE = Seen("port", "", "", found=MAPPED), Seen("undone", "c1", "host")
UNPAIRED = Seen("unpaired-forwarded", "both", "one")
ENTRY = tracked()
FULL = changed(full="9 of 9 connections")
REPUBLISHED = changed(missing=(DNAT_RULE,), extra=(OTHER_NODE,))
SMALLER = changed(missing=("link a mtu 1500 up",), extra=("link a mtu 1300 up",))
HALF = replace(PING, **KEPT, disposition="local")  # type: ignore[arg-type]
HAIRPIN = replace(LEG, initiator=end("c1"), responder=end("host:81"))
STRAIGHT = replace(HAIRPIN, responder=end("web:80"))


@pytest.mark.parametrize(
    ("flows", "host", "signs", "name"),
    [
        ([WEB, PROXIED], REPUBLISHED, [], "wrong target"),
        (
            [WEB, replace(WEB, target=end("c2:80"))],
            changed(older=(ENTRY,)),
            [],
            "stale",
        ),
        (
            [WEB, PROXIED],
            changed(),
            [replace(UNDONE, flow=WEB.name)],
            "reply not un",
        ),
        ([PING, PING], changed(extra=(NOTRACK,)), [TTL, UNDONE], "reply not undone"),
        ([PING, PING], changed(), [TTL, BAD_SUM], "corrupted checksum"),
        ([PING, DROPPED], FULL, [BAD_SUM], "corrupted checksum"),
        ([PING, replace(DROPPED, refusal=refusal("x"))], FULL, [], "table full"),
        ([PING, DROPPED], FULL, [], "table full"),
        ([PING, replace(DROPPED, refusal=refusal("x"))], SMALLER, [], "rejected"),
        ([PING, replace(DROPPED, stuck=1428)], SMALLER, [], "MTU black hole"),
        ([PING, replace(DROPPED, stuck=1428)], SMALLER, [TOO_LARGE], "rejected"),
        (
            [PING, HALF, replace(HALF, initiator=end("host"))],
            None,
            [],
            "header changed",
        ),
        ([PING, PING], None, [TTL, DOUBLED], "delivered twice"),
        ([PING, PING], None, [MOVED, TTL], "header changed"),
        ([PING, PING], None, [UNPAIRED, MOVED], "remapped although free"),
        ([PING, PING], None, [UNPAIRED], "not forwarded"),
        ([LOCAL, replace(LOCAL, answered=False)], None, [], "not answered"),
        (
            [HAIRPIN, replace(HAIRPIN, answered=False), STRAIGHT],
            changed(missing=(MASQUERADE,)),
            [],
            "hairpin without masquerade",
        ),
        ([PING], FULL, [], "table full"),
    ],
)
def test_order_of_rules(
    flows: list[FlowFact], host: HostChange | None, signs: list[Seen], name: str
) -> None:
    """Of two rules that fit, the one that says more about the host's doing tells."""
    want, *got = flows
    causes = explain([want], got, host, signs)

    assert [cause.name.startswith(name) for cause in causes] == [True]


def test_details_without_a_cause() -> None:
    """A field that no rule knows has no cause: the difference says all there is."""
    assert explain([PING], [PING], None, [Seen("seq", "1", "2")]) == []


def test_evidence_of_another_flow() -> None:
    """What differs of another flow tells nothing of this one."""
    assert explain([PING], [PING], None, [replace(TTL, flow=WEB.name)]) == []


def test_host_is_known() -> None:
    """A cause cites what differs of the host, where that is known."""
    assert only([PING], [DROPPED], changed(missing=(ACCEPT,))).text.endswith(ACCEPT)


def test_unseen() -> None:
    """Of a point that only one of two captures has nothing is said."""
    cause = unseen("uplink", "captured", "not captured")

    assert (cause.name, cause.flow) == ("blind", "every flow")
    assert cause.text.startswith("uplink was captured when the golden was recorded and")


def test_stranger_beside_a_proxied_flow() -> None:
    """Only the proxy's own leg is explained by a proxied flow."""
    stranger = replace(LEG, initiator=end("c2"))
    causes = explain([WEB], [REFUSED, LEG, stranger])

    assert [cause.name for cause in causes] == ["proxied", "unexpected flow"]


def test_unexpected_flow() -> None:
    """A flow that nothing like is expected is a cause of its own."""
    cause = only([PING], [PING, WEB])

    assert (cause.name, cause.flow) == ("unexpected flow", WEB.name)
    assert "sent on as host01 -> web:80" in cause.text


def test_leg_without_a_proxied_flow() -> None:
    """A connection of the host to a container is unexpected unless it was explained."""
    assert only([], [LEG]).name == "unexpected flow"


def test_one_too_few() -> None:
    """A flow that is missing among others of its name is missed."""
    cause = only([PING, PING, PING], [PING, PING])

    assert cause.name == "no traffic"
    assert "2 times only" in cause.text


def test_one_too_many() -> None:
    """A flow more than expected of a name is unexpected."""
    assert only([PING], [PING, PING]).name == "unexpected flow"


def test_second_of_a_name_differs() -> None:
    """Flows of one name are matched in order, and each flow has one cause."""
    assert only([PING, PING], [PING, DROPPED]).name == "not forwarded"
    assert only([PING, PING], [DROPPED, DROPPED]).name == "not forwarded"


def story(*faults: Callable[[FakeLab], object]) -> CanonicalTrace:
    """Return the story of a ping outwards and a visit to the web, with faults."""
    lab = FakeLab(LabOptions())
    for fault in faults:
        fault(lab)
    tap = lab.tap(tuple(POINTS.values()))
    host, host01 = lab.nodes["host"].address, lab.nodes["host01"].address
    lab.nodes["c1"].run("ping", "-c", "1", host01, check=False)
    lab.nodes["host01"].run("curl", f"http://{host}:81/", check=False)
    return canonicalize(tap.stop())


def publish(**published: tuple[str, int]) -> Callable[[FakeLab], object]:
    """Return a fault: the engine publishes this, and nothing else."""
    ports = {int(port.strip("_")): target for port, target in published.items()}
    return lambda lab: setattr(lab.wire.nat, "published", ports)


def proxy(lab: FakeLab) -> None:
    """Let docker-proxy listen."""
    lab.proxy = True


def no_masquerade(lab: FakeLab) -> None:
    """Take the MASQUERADE rule away."""
    lab.wire.nat.masquerade = False


def no_forwarding(lab: FakeLab) -> None:
    """Set ip_forward to 0."""
    lab.wire.forwarding = False


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([], {}),
        ([proxy], {}),
        ([no_masquerade], {PING.name: "leaked"}),
        ([publish(), proxy], {WEB.name: "proxied"}),
        ([publish()], {WEB.name: "not forwarded"}),
        ([publish(_82=("172.17.0.5", 80))], {WEB.name: "not forwarded"}),
        ([publish(_81=("172.17.0.3", 80))], {WEB.name: "wrong target"}),
        ([publish(_81=("172.17.0.5", 8080))], {WEB.name: "wrong port"}),
        ([no_forwarding], {PING.name: "not forwarded", WEB.name: "not forwarded"}),
    ],
    ids=[
        "none",
        "proxy idle",
        "no masquerade",
        "proxied",
        "not published",
        "another published port",
        "another container",
        "another port",
        "no forwarding",
    ],
)
def test_whole_captures(
    faults: list[Callable[[FakeLab], object]], expected: dict[str, str]
) -> None:
    """A fault of the host is named from packets alone."""
    causes = explain(story().facts, story(*faults).facts)

    assert {cause.flow: cause.name for cause in causes} == expected


def test_whole_capture_without_stimulus() -> None:
    """A scenario that sent nothing is told from a host that forwards nothing."""
    lab = FakeLab(LabOptions())
    silent = canonicalize(lab.tap(tuple(POINTS.values())).stop())

    assert {c.name for c in explain(story().facts, silent.facts)} == {"no traffic"}
    assert {c.name for c in explain(silent.facts, story().facts)} == {"unexpected flow"}


def test_nothing_seen_of_an_end_whose_address_is_taken() -> None:
    """A host that has an end's address too answers none of its ARP: that is said."""
    route = "local 172.16.211.1 dev lo table local proto kernel scope host"
    local = NextHop(node="host", to="host01", kind="local", route=route)

    causes = explain([WEB], [], changed(hops=(local,)))

    assert [cause.name for cause in causes] == ["address taken"]
    assert causes[0].remedy == "ip address del 172.16.211.1/32 dev lo"
