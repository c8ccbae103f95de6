"""Why a flow is not as expected: each rule alone, then from whole captures."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.causes import Cause, explain
from pytest_netlab.lab.fake import FakeLab
from pytest_netlab.nat import Connection, HostChange
from pytest_netlab.spec import POINTS, LabOptions
from pytest_netlab.trace import CanonicalTrace, FlowFact, canonicalize

if TYPE_CHECKING:
    from collections.abc import Callable

PING = FlowFact(
    proto="icmp echo",
    initiator="c1",
    responder="host01",
    sender="host",
    target="host01",
    kind="snat",
    fate="forwarded",
)
WEB = FlowFact(
    proto="tcp",
    initiator="host01",
    responder="host:81",
    sender="host01",
    target="web:80",
    kind="dnat",
    fate="forwarded",
)
PROXIED = replace(WEB, sender="bridge", kind="proxied", fate="proxied")
KEPT = {"sender": "", "target": "", "kind": "none"}
REFUSED = replace(WEB, **KEPT, fate="local")  # type: ignore[arg-type]
DROPPED = replace(PING, **KEPT, fate="dropped", answered=False)  # type: ignore[arg-type]
LEG = FlowFact(
    proto="tcp",
    initiator="bridge",
    responder="web:80",
    kind="none",
    fate="local",
    sender="",
    target="",
)

DNAT_RULE = (
    "nat -A DOCKER ! -i docker0 -p tcp --dport 81 -j DNAT --to-destination web:80"
)
OTHER_PORT = DNAT_RULE.replace("--dport 81", "--dport 82")
OTHER_NODE = DNAT_RULE.replace("web:80", "c2:80")
JUMP = "nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"
MASQUERADE = "nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE"
ACCEPT = "filter -A FORWARD -i docker0 ! -o docker0 -j ACCEPT"


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
        (PING, [replace(PING, sender="c1", kind="none")], "leaked", "instead of host"),
        (PING, [replace(DROPPED, fate="leaked")], "leaked", "its own address"),
        (PING, [DROPPED, replace(DROPPED, fate="leaked")], "leaked", "c1 left on the"),
        (WEB, [replace(WEB, target="c2:80")], "wrong target", "translated to c2:80"),
        (WEB, [replace(WEB, target="web:8080")], "wrong port", "to web:8080 instead"),
        (WEB, [replace(WEB, target="c2:8080")], "wrong target", "to c2:8080 instead"),
        (PING, [DROPPED], "not forwarded", "nobody answered; look at net.ipv4.ip_for"),
        (WEB, [REFUSED], "not forwarded", "host itself answered; no DNAT rule in nat/"),
        (WEB, [], "no traffic", "the stimulus never reached the host"),
        (WEB, [replace(WEB, answered=False)], "flow differs", "got .*unanswered"),
        (
            WEB,
            [replace(DROPPED, initiator="host01", responder="host:81", proto="tcp")],
            "not forwarded",
            "nobody answered; look at net",
        ),
        (
            PING,
            [replace(DROPPED, answered=True, fate="local")],
            "not forwarded",
            "itself answered; look at net",
        ),
        (WEB, [REFUSED, replace(LEG, initiator="c1")], "not forwarded", "itself answe"),
        (WEB, [REFUSED, replace(LEG, responder="c2:80")], "not forwarded", "itself an"),
        (PING, [DROPPED, replace(LEG, responder="host01")], "not forwarded", "nobody"),
        (WEB, [replace(PROXIED, sender="host01")], "flow differs", "proxied"),
        (PING, [replace(PING, target="host02")], "flow differs", "-> host02"),
        (
            replace(PING, sender="", target="", kind="none", fate="local"),
            [DROPPED],
            "not answered",
            "host01 never answered; look at the filter INPUT",
        ),
        (WEB, [replace(REFUSED, fate="leaked")], "not forwarded", "itself answered"),
        (
            PING,
            [replace(PING, sender="c2")],
            "wrong source",
            "c1 left as c2 instead of host; look at POSTROUTING",
        ),
        (
            PING,
            [replace(DROPPED, refusal="host prohibited from bridge")],
            "rejected",
            "c1 was refused by host prohibited from bridge; look at the filter table",
        ),
        (WEB, [replace(REFUSED, refusal="RST from host")], "not forwarded", "no DNAT"),
        (WEB, [replace(WEB, refusal="RST from web")], "rejected", "by RST from web"),
        (
            replace(WEB, refusal="RST from web"),
            [replace(WEB, refusal="RST from host")],
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
            [replace(WEB, sender="bridge", kind="hairpin")],
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


@pytest.mark.parametrize(
    ("want", "got", "host", "words"),
    [
        (WEB, PROXIED, HostChange(missing=(JUMP,)), f"this rule is gone: {JUMP}"),
        (WEB, REFUSED, HostChange(missing=(JUMP,)), f"this rule is gone: {JUMP}"),
        (
            PING,
            replace(PING, sender="c1", kind="none"),
            HostChange(missing=(JUMP, MASQUERADE)),
            f"this rule is gone: {MASQUERADE}",
        ),
        (PING, DROPPED, HostChange(missing=(ACCEPT,)), f"this rule is gone: {ACCEPT}"),
        (
            PING,
            DROPPED,
            HostChange(missing=(ACCEPT,), settings={"ip_forward": ("1", "0")}),
            "net.ipv4.ip_forward is 0 here, 1 when recorded",
        ),
        (PING, DROPPED, HostChange(missing=(JUMP,)), "filter FORWARD chain"),
        (PING, DROPPED, HostChange(extra=(ACCEPT,)), "filter FORWARD chain"),
        *(
            (PING, DROPPED, HostChange(extra=(rule,)), f"this rule is new: {rule}")
            for rule in (
                "filter -A FORWARD -s net -j DROP",
                "filter -A FORWARD -j REJECT",
                "raw -A PREROUTING -j CT --notrack",
                "raw -A PREROUTING -j NOTRACK",
                "add rule inet x forward reject",
                "add rule inet x forward drop",
            )
        ),
        (
            PING,
            replace(PING, sender="host02"),
            HostChange(extra=("nat -A POSTROUTING -j SNAT --to-source host02",)),
            "this rule is new: nat -A POSTROUTING -j SNAT",
        ),
        (
            PING,
            replace(PING, sender="host02"),
            HostChange(extra=(ACCEPT, MASQUERADE)),
            f"this rule is new: {MASQUERADE}",
        ),
        (
            WEB,
            replace(REFUSED, refusal="RST from host"),
            HostChange(extra=("filter -A INPUT -j REJECT",)),
            "refused by RST from host; this rule is new: filter -A INPUT -j REJECT",
        ),
        (
            PING,
            replace(PING, returned=False),
            HostChange(missing=(ACCEPT,)),
            f"this rule is gone: {ACCEPT}",
        ),
    ],
)
def test_cited(want: FlowFact, got: FlowFact, host: HostChange, words: str) -> None:
    """Where the host is known a cause cites the rule or setting that differs."""
    assert words in only([want], [got], host).text


@pytest.mark.parametrize(
    ("extra", "name"), [(OTHER_PORT, "wrong port"), (OTHER_NODE, "wrong target")]
)
@pytest.mark.parametrize("got", [PROXIED, REFUSED], ids=["proxy", "refused"])
def test_republished(extra: str, name: str, got: FlowFact) -> None:
    """A DNAT rule replaced by one that leads elsewhere names where."""
    cause = only(
        [WEB], [got], HostChange(missing=(JUMP, DNAT_RULE), extra=(JUMP, extra))
    )

    assert cause.name == name
    assert cause.text == f"host:81 no longer leads to web:80: {extra}"


@pytest.mark.parametrize(
    "host",
    [
        HostChange(missing=(DNAT_RULE,)),
        HostChange(extra=(OTHER_PORT,)),
        HostChange(
            missing=(DNAT_RULE,),
            extra=("nat -A DOCKER --dport 9 -j DNAT --to-destination c1:9",),
        ),
    ],
    ids=["gone only", "new only", "unrelated"],
)
def test_not_republished(host: HostChange) -> None:
    """Without a rule in place of the old one the packets tell the cause."""
    assert only([WEB], [PROXIED], host).name == "proxied"


@pytest.mark.parametrize(
    ("want", "got", "name"),
    [
        (replace(WEB, kind="hairpin"), PROXIED, "flow differs"),
        (WEB, replace(WEB, target="web:8080"), "wrong port"),
    ],
    ids=["no dnat expected", "translated elsewhere"],
)
def test_republished_only_in_place_of_dnat(
    want: FlowFact, got: FlowFact, name: str
) -> None:
    """What rules say counts only where a translation is expected and did not happen."""
    cause = only([want], [got], HostChange(missing=(DNAT_RULE,), extra=(OTHER_NODE,)))

    assert cause.name == name
    assert "no longer leads" not in cause.text


def test_stranger_beside_a_proxied_flow() -> None:
    """Only the proxy's own leg is explained by a proxied flow."""
    stranger = replace(LEG, initiator="c2")
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


def test_stale_conntrack() -> None:
    """An entry that does not follow unchanged rules is older than they are."""
    entry = Connection("tcp", "host01", "host:81", "host01", "c2:80")
    wrong = replace(WEB, target="c2:80")

    assert only([WEB], [wrong], HostChange(tracked=(entry,))).name == "stale conntrack"
    changed = HostChange(missing=(DNAT_RULE,), tracked=(entry,))
    assert only([WEB], [wrong], changed).name == "wrong target"


def test_hairpin_without_masquerade() -> None:
    """A container that is reached by the host's address with its source kept."""
    want = replace(LEG, initiator="c1", responder="host:81")
    direct = replace(want, responder="web:80")
    lost = replace(want, answered=False, fate="dropped")
    rule = "nat -A POSTROUTING -s net -d web -j MASQUERADE"
    causes = explain([want], [lost, direct], HostChange(missing=(rule,)))

    assert [cause.name for cause in causes] == ["hairpin without masquerade"]
    assert f"this rule is gone: {rule}" in causes[0].text
