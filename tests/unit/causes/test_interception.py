"""Who took the packets: the host, another station, or another who answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.flowfacts import end, fact
from tests.hosts import changed
from tests.unit.causes.cases import (
    DOUBLED,
    DROPPED,
    LOCAL,
    PING,
    WEB,
    Seen,
    case,
    words,
)

from pytest_netlab.causes import interception
from pytest_netlab.flows import TCP, Role, Tuple5
from pytest_netlab.host.routing.next_hops import NextHop
from pytest_netlab.trace import CanonicalFlow, End, Fields, Packet, What

KEY = Tuple5(TCP, "172.16.211.1", 40000, "172.16.211.128", 81)
KEPT = replace(WEB, sender=None, target=None, kind="none", disposition="local", key=KEY)
REDIRECT = "nat -A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 9999"
TPROXY = "mangle -A PREROUTING -p tcp --dport 81 -j TPROXY --on-port 9999"
NFT = "nft inet site pre tcp dport 81 redirect to :9999"
TO_BRIDGE = "nat -A PREROUTING -p tcp -j DNAT --to-destination bridge"
TO_LOOPBACK = "nft ip site pre tcp dport 81 dnat to 127.0.0.1:9"
SYNPROXY = "filter -A INPUT -p tcp --dport 81 -j SYNPROXY --sack-perm"
TEE = "mangle -A PREROUTING -j TEE --gateway host02"
OWN = "local 172.16.211.1 dev lo table local proto kernel scope host"
BY_ROUTE = "local 172.16.211.1 dev lo table local scope host"


def hijack(route: str = OWN, node: str = "host", to: str = "host01") -> NextHop:
    """Return that a node has another's address."""
    return NextHop(node=node, to=to, kind="local", route=route)


def test_address_taken_of_the_target() -> None:
    """The host answers for a neighbour whose address it has."""
    got = replace(LOCAL, responder=PING.responder)
    found = interception.address_taken(case(PING, got, changed(hops=(hijack(),))))

    assert words(found) == (
        "address taken",
        (
            "host01's address is the host's own here, so it keeps what c1 sends to "
            f"host01, and answers it; 172.16.211.1 is an address of lo (`{OWN}`)"
        ),
    )
    assert found is not None
    assert found.remedy == "ip address del 172.16.211.1/32 dev lo"


def test_address_taken_of_the_sender() -> None:
    """The host drops what comes from an address of its own."""
    got = replace(KEPT, answered=False)
    found = interception.address_taken(case(WEB, got, changed(hops=(hijack(),))))

    assert (
        "so it drops what host01 sends, as if somebody had forged it"
        in (words(found)[1])
    )


def test_address_taken_by_a_route() -> None:
    """A local route that no address made is deleted as a route."""
    host = changed(hops=(hijack(BY_ROUTE),))
    found = interception.address_taken(case(PING, DROPPED, host))

    assert found is not None
    assert f"no link has it: `{BY_ROUTE}`" in found.text
    assert found.remedy == f"ip route del {BY_ROUTE}"


@pytest.mark.parametrize(
    "hop", [hijack(node="host02"), hijack(to="bridge"), hijack(to="host02")]
)
def test_nothing_taken(hop: NextHop) -> None:
    """Others' own addresses, the host's, and those of no end explain nothing."""
    host = changed(hops=(hop,))

    assert interception.address_taken(case(PING, DROPPED, host)) is None


def test_address_taken_of_a_local_sender() -> None:
    """What a container asks the host itself is dropped too."""
    got = replace(LOCAL, answered=False)
    made = case(LOCAL, got, changed(hops=(hijack(to="c1"),)))

    assert "so it drops what c1 sends" in words(interception.address_taken(made))[1]
    assert interception.address_taken(replace(made, got=LOCAL)) is None


def test_forwarded_though_taken() -> None:
    """A flow that was forwarded and answered is explained otherwise."""
    host = changed(hops=(hijack(),))

    assert interception.address_taken(case(PING, PING, host)) is None


@pytest.mark.parametrize("rule", [REDIRECT, TPROXY, NFT, TO_BRIDGE, TO_LOOPBACK])
@pytest.mark.parametrize(
    ("answered", "how"), [(True, "and answers it"), (False, "and nobody there answers")]
)
def test_intercepted(rule: str, answered: bool, how: str) -> None:  # noqa: FBT001
    """A rule that hands packets to the host is cited."""
    got = replace(KEPT, answered=answered)
    found = words(interception.intercepted(case(WEB, got, changed(extra=(rule,)))))

    assert found == (
        "intercepted",
        f"the host keeps what host01 sends to host:81, {how}; this rule is new: {rule}",
    )


@pytest.mark.parametrize(
    ("want", "got", "rule"),
    [
        (WEB, KEPT, "nat -A PREROUTING -p udp --dport 81 -j REDIRECT"),
        (WEB, KEPT, "filter -A INPUT -p tcp -j DROP"),
        (WEB, KEPT, "nat -A PREROUTING -p tcp -j DNAT --to-destination c2:80"),
        (WEB, WEB, REDIRECT),
        (WEB, replace(KEPT, key=None), REDIRECT),
        (LOCAL, LOCAL, REDIRECT),
    ],
    ids=["of udp", "drop", "to c2", "forwarded", "nothing seen", "local"],
)
def test_not_intercepted(want: object, got: object, rule: str) -> None:
    """Only a rule that may concern a flow which the host kept explains it."""
    host = changed(extra=(rule,))

    assert interception.intercepted(case(want, got, host)) is None  # type: ignore[arg-type]


MADE = Seen("made-by-host", "reached the host", "never reached it")
SHIFTED = Seen("tcp_seq", "1", "2")


@pytest.mark.parametrize(
    ("rules", "evidence", "told"),
    [
        ((SYNPROXY,), (MADE, SHIFTED), f"this rule is new: {SYNPROXY}"),
        ((SYNPROXY,), (Seen("ttl", "63", "64"),), f"this rule is new: {SYNPROXY}"),
        ((), (MADE, SHIFTED), "look for SYNPROXY and synproxy rules"),
    ],
    ids=["rule and packets", "rule", "packets"],
)
def test_synproxied(
    rules: tuple[str, ...], evidence: tuple[Seen, ...], told: str
) -> None:
    """Two handshakes show it, or a rule; what is cited is the rule."""
    made = case(WEB, WEB, changed(extra=rules), evidence=evidence)

    assert words(interception.synproxied(made)) == (
        "intercepted",
        (
            "the host answers host01's handshake itself, and only then begins one of "
            f"its own with web:80; {told}"
        ),
    )


@pytest.mark.parametrize(
    ("want", "rules", "evidence"),
    [
        (WEB, (), (MADE,)),
        (WEB, (), (SHIFTED,)),
        (WEB, (SYNPROXY,), ()),
        (PING, (SYNPROXY,), (MADE, SHIFTED)),
    ],
)
def test_not_synproxied(
    want: object, rules: tuple[str, ...], evidence: tuple[Seen, ...]
) -> None:
    """A copy alone, shifted numbers alone, and pings are something else."""
    made = case(want, want, changed(extra=rules), evidence=evidence)  # type: ignore[arg-type]

    assert interception.synproxied(made) is None


VIA = Seen("via", "nothing", "host02", found="host02")


@pytest.mark.parametrize(
    ("rules", "told"), [((TEE,), f"this rule is new: {TEE}"), ((), "look for TEE")]
)
@pytest.mark.parametrize("second", [MADE, DOUBLED])
def test_copied(rules: tuple[str, ...], told: str, second: Seen) -> None:
    """What was seen twice, once to another station, is a copy for that one."""
    made = case(WEB, WEB, changed(extra=rules), evidence=(VIA, second))
    name, text = words(interception.copied(made))

    assert name == "copied"
    assert text.startswith(
        f"the host sends a copy of tcp host01 -> host:81 to host02; {told}"
    )


def test_copied_to_another_neighbour() -> None:
    """A second neighbour is whom a rule copies to; without one, it is only another."""
    seen = Seen("neighbour", "that of c1", "that of c2")
    with_rule, without = (
        interception.copied(case(PING, PING, changed(extra=rules), evidence=(seen,)))
        for rules in ((TEE,), ())
    )

    assert words(with_rule)[1].startswith("the host sends a copy of icmp echo c1 -> ")
    assert " to c2; this rule is new" in words(with_rule)[1]
    assert without is None


def test_copy_of_a_local_flow() -> None:
    """A flow of the host itself that was also sent on was copied."""
    away = packet("host02")
    seen = Seen("packet", "nothing", "c1 > host echo request", found=away)
    got = replace(LOCAL, disposition="forwarded", target=end("host"), sender=end("c1"))
    made = case(LOCAL, got, changed(extra=(TEE,)), evidence=(seen,))

    assert words(interception.copied(made))[0] == "copied"


@pytest.mark.parametrize("evidence", [(VIA,), (MADE,), (DOUBLED,), ()])
def test_not_copied(evidence: tuple[Seen, ...]) -> None:
    """Another station alone is a wrong neighbour; a copy alone was sent twice."""
    made = case(WEB, WEB, changed(extra=(TEE,)), evidence=evidence)

    assert interception.copied(made) is None


def test_sent_elsewhere_is_not_copied() -> None:
    """Where a route says whom packets are sent to, nobody copied them."""
    hop = NextHop(node="c1", to="host01", gateway="c2", route="default via 172.17.0.3")
    host = changed(hops=(hop,))
    made = case(PING, PING, host, evidence=(VIA, MADE))

    assert interception.copied(made) is None


def packet(via: str | None) -> Packet:
    """Return a packet that goes to another neighbour than its own end."""
    return Packet(
        point="uplink",
        reply=True,
        src=End("web", 80),
        dst=End("host01", 40000),
        what=What(TCP, role=Role.SYN_ACK),
        fields=Fields(ttl=63, via=via),
    )


ASIDE = fact("tcp", "host01", "web:80", disposition="leaked")


def aside(via: str | None, *rules: str, of: object = WEB) -> object:
    """Return the cause of an extra flow whose packets went to a neighbour."""
    whole = CanonicalFlow(fact=ASIDE, packets=(packet(via),))
    seen = Seen("conversation", "nothing", "a conversation", found=whole)
    made = case(
        ASIDE,
        ASIDE,
        changed(extra=rules),
        evidence=(seen,),
        others=(of,),  # type: ignore[arg-type]
    )
    return interception.copied_aside(made)


@pytest.mark.parametrize(
    ("via", "rules", "to"),
    [
        ("host02", (TEE,), "host02"),
        ("host02", (), "host02"),
        (None, (TEE,), ""),
    ],
)
def test_copied_aside(via: str | None, rules: tuple[str, ...], to: str) -> None:
    """An extra flow of another's packets, to another station, is a copy of that."""
    name, text = words(aside(via, *rules))  # type: ignore[arg-type]

    assert name == "copied"
    assert text.startswith(
        "the host sends packets of tcp host01 -> host:81 once more"
        f"{f', to {to}' * bool(to)}, at uplink;"
    )


@pytest.mark.parametrize(
    ("via", "of"), [(None, WEB), ("host02", PING), ("host02", ASIDE)]
)
def test_not_copied_aside(via: str | None, of: object) -> None:
    """Without another station or rule, or with nothing to copy, it is unexpected."""
    assert aside(via, of=of) is None


ELSEWHERE = fact("icmp echo", "c1", "bridge", unasked=True)
SILENT = replace(LOCAL, answered=False)
SADDR = "nft ip site out icmp type echo-reply ip saddr set bridge"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ((SADDR,), f"this rule is new: {SADDR}"),
        ((), "look at rules that change the source of what the host sends"),
    ],
)
def test_wrong_responder(rules: tuple[str, ...], told: str) -> None:
    """An answer by another address is told, and its flow needs no cause of its own."""
    made = case(LOCAL, SILENT, changed(extra=rules), others=(ELSEWHERE,))
    found = interception.wrong_responder(made)

    assert found is not None
    assert found.text.startswith(f"c1 asked host, and bridge answered instead; {told}")
    assert (found.name, found.explains) == (
        "wrong responder",
        frozenset({"icmp echo c1 -> bridge"}),
    )


def test_another_port_answers() -> None:
    """Of one node, the port is told."""
    want = fact("tcp", "host01", "host:81")
    other = fact("tcp", "host01", "host:82", unasked=True)
    made = case(want, replace(want, answered=False), others=(other,))

    assert (
        "asked host:81, and host:82 answered"
        in (words(interception.wrong_responder(made))[1])
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(ELSEWHERE, unasked=False),
        replace(ELSEWHERE, answered=False),
        replace(ELSEWHERE, initiator=end("c2")),
        fact("tcp", "c1", "bridge:80", unasked=True),
    ],
    ids=["asked", "unanswered", "another's", "another protocol"],
)
def test_nobody_answered(other: object) -> None:
    """What was asked for, or is of others, is no answer."""
    made = case(LOCAL, SILENT, others=(other,))  # type: ignore[arg-type]

    assert interception.wrong_responder(made) is None


def test_answered() -> None:
    """A flow that was answered needs no other answer."""
    assert interception.wrong_responder(case(LOCAL, LOCAL, others=(ELSEWHERE,))) is None
