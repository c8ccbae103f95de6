"""What of a host's differences is cited, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.flowfacts import end
from tests.hosts import changed, lines
from tests.unit.causes.cases import DNAT_RULE, MASQUERADE, PING, WEB, case

from pytest_netlab.causes import clues
from pytest_netlab.causes.facts import Clue
from pytest_netlab.host.firewall import effects
from pytest_netlab.host.firewall.ruleset import among

if TYPE_CHECKING:
    from pytest_netlab.causes import Case
    from pytest_netlab.host import HostChange, Question

ACCEPT = "filter -A FORWARD -j ACCEPT"
RULES = ("filter -A INPUT -j DROP", "nat -A DOCKER -j DNAT", "nat -A DOCKER -j ACCEPT")
SAME = changed()


def of(host: HostChange) -> Case:
    """Return what is asked for clues: a ping on such a host."""
    return case(PING, PING, host)


def test_nothing_differs() -> None:
    """Of a host that is as it was nothing is cited."""
    told = [
        clues.gone(of(SAME), effects.in_nat),
        clues.new(of(SAME), effects.in_nat),
        clues.reordered(of(SAME), effects.in_nat),
        clues.setting(of(SAME), "kernel"),
        clues.route(of(SAME), "c1"),
        clues.link(of(SAME)),
        clues.versions(of(SAME)),
    ]

    assert not any(told)
    assert clues.mtu(SAME) == 0


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        (effects.in_nat, RULES[1]),
        (effects.drops, RULES[0]),
        (effects.rejects, ""),
    ],
)
def test_first_rule(wanted: Question, rule: str) -> None:
    """The first rule that does what is asked is cited, by its line."""
    told = {
        "this rule is gone": clues.gone(of(changed(missing=RULES)), wanted),
        "this rule is new": clues.new(of(changed(extra=RULES)), wanted),
        "this rule stands elsewhere now": clues.reordered(
            of(changed(moved=RULES)), wanted
        ),
    }

    assert {what: one.text for what, one in told.items()} == {
        what: f"{what}: {rule}" if rule else "" for what in told
    }


ELSEWHERE, MET = (
    f"nft inet site foreign {words}"
    for words in (
        'oifname "tun7" masquerade fully-random',
        "ip protocol icmp masquerade to :1000-1010",
    )
)


@pytest.mark.parametrize("rules", [(ELSEWHERE, MET), (MET, ELSEWHERE)])
def test_rule_that_is_met(rules: tuple[str, ...]) -> None:
    """Of rules without counters, one that the packets meet comes before a possible."""
    found = clues.new(of(changed(extra=rules)), effects.translates_source)

    assert found.text == f"this rule is new: {MET}"


def test_where_rules_are_looked_for() -> None:
    """Rules that are gone, new and moved are told apart."""
    nat, drop = effects.in_nat, effects.drops
    host = changed(missing=RULES[1:], extra=(ACCEPT,), moved=RULES[:1])

    assert not any(
        [clues.gone(of(host), drop), clues.gone(of(host), effects.in_filter)]
    )
    assert not any([clues.new(of(host), nat), clues.new(of(host), drop)])
    assert not any([clues.reordered(of(host), nat)])


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("ip_forward",), "net.ipv4.ip_forward is 0 here, 1 when recorded"),
        (("kernel", "ip_forward"), "kernel is 6.18 here, 6.1 when recorded"),
        (("ip_forward", "kernel"), "net.ipv4.ip_forward is 0 here, 1 when recorded"),
        (("rp_filter", "kernel"), "kernel is 6.18 here, 6.1 when recorded"),
        (("rp_filter",), ""),
        ((), ""),
    ],
)
def test_setting(names: tuple[str, ...], told: str) -> None:
    """The first setting that differs is cited, by the name that people set."""
    host = changed(settings={"kernel": ("6.1", "6.18"), "ip_forward": ("1", "0")})

    assert clues.setting(of(host), *names).text == told


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        (("c1", "web"), "the route differs: none here, route c1 dev a then"),
        (
            ("web", "c1"),
            "the route differs: route web dev b here, route web dev a then",
        ),
        (("host01",), "the route differs: route host01 dev b here, none then"),
        (("c", "host02"), ""),
    ],
)
def test_route(nodes: tuple[str, ...], told: str) -> None:
    """The first node that is reached another way is cited, and by its whole name."""
    host = changed(
        missing=("link uplink mtu 1 up", "route c1 dev a", "route web dev a"),
        extra=("link uplink mtu 1 up", "route host01 dev b", "route web dev b"),
    )

    assert clues.route(of(host), *nodes).text == told


@pytest.mark.parametrize(
    ("missing", "extra", "told"),
    [
        (
            ("link a mtu 1 up",),
            ("link a mtu 1 down",),
            "link a mtu 1 down here, link a mtu 1 up when recorded",
        ),
        (
            ("link a mtu 1 up",),
            (),
            "a link is gone here, link a mtu 1 up when recorded",
        ),
        ((), ("route", "link a mtu 1 up"), "link a mtu 1 up here, none when recorded"),
        (("a link",), ("linked",), ""),
    ],
)
def test_link(missing: tuple[str, ...], extra: tuple[str, ...], told: str) -> None:
    """The first link that differs is cited as it is and as it was."""
    assert clues.link(of(changed(missing=missing, extra=extra))).text == told


@pytest.mark.parametrize(
    ("missing", "extra", "octets"),
    [
        (("link a mtu 1500 up",), ("link a mtu 1400 up",), 1400),
        (("link a mtu 1500 up",), ("link a mtu 1500 down",), 0),
        (("link a mtu 1500 up",), ("link a mtu 9000 up",), 0),
        ((), ("link a mtu 1400 up",), 0),
        (("link b mtu 1500 up",), ("link a mtu 1400 up",), 0),
        (
            ("link a mtu 1500 up", "link b mtu 1500 up", "link c mtu 1500 up"),
            (
                "link a mtu 1400 up",
                "link b mtu 1300 up",
                "link c mtu 1450 up",
                "route x",
            ),
            1300,
        ),
        (("link a mtu 1500 up",), ("nft link a mtu 1400",), 0),
        (("link a mtu 1500 up",), (f"link a mtu {'9' * 5000} up",), 0),
        ((f"link a mtu {'9' * 5000} up",), ("link a mtu 1400 up",), 0),
    ],
    ids=[
        *("lower", "same", "higher", "new link", "another link", "lowest", "no link"),
        *("no number here", "no number then"),
    ],
)
def test_mtu(missing: tuple[str, ...], extra: tuple[str, ...], octets: int) -> None:
    """The smallest MTU counts that a link has which had a larger one."""
    assert clues.mtu(changed(missing=missing, extra=extra)) == octets


def test_versions() -> None:
    """All versions that differ are cited, in a fixed order, and settings are not."""
    names = ("backend", "iptables", "rp_filter", "kernel", "engine")
    host = changed(settings=dict.fromkeys(names, ("1", "2")))

    told = ("engine", "kernel", "iptables", "backend")
    assert clues.versions(of(host)).split(", ") == [
        part for name in told for part in (f"{name} is 2 here", "1 when recorded")
    ]


def test_first() -> None:
    """The first clue there is is all that is told; without one, where to look."""
    newer = of(changed(settings={"kernel": ("6.1", "6.18")}))
    some = Clue(), Clue("a", "mend a"), Clue("b")

    assert clues.first(*some, case=newer, otherwise="look") == some[1]
    assert clues.first(Clue(), case=of(SAME), otherwise="look").text == "look"
    assert clues.first(case=newer, otherwise="look").text == (
        "look (kernel is 6.18 here, 6.1 when recorded)"
    )


DROP, OTHER = "filter -A DOCKER-USER -j DROP", "filter -A FORWARD -s c1 -j DROP"
POLICY = "filter :FORWARD DROP"


@pytest.mark.parametrize(
    ("counts", "cited"),
    [
        (None, f"this rule is new: {DROP}"),
        ({DROP: 0, OTHER: 2}, f"this rule is new: {OTHER} (it counted 2 packets)"),
        ({DROP: 1, OTHER: 0}, f"this rule is new: {DROP} (it counted 1 packet)"),
        ({DROP: 0, OTHER: 0}, ""),
    ],
    ids=["unknown", "the other", "one", "none"],
)
def test_counters_decide(counts: dict[str, int] | None, cited: str) -> None:
    """A rule that counted comes first; one that counted nothing did nothing."""
    host = changed(extra=(DROP, OTHER), counts=counts)

    assert clues.new(of(host), effects.drops).text == cited


@pytest.mark.parametrize(
    "rule",
    [
        "filter -A FORWARD -s c2 -j DROP",
        "filter -A FORWARD -p tcp -j DROP",
        "ip6 filter -A FORWARD -j DROP",
        "filter -A FORWARD -i docker0 -o docker0 -j DROP",
    ],
)
def test_rules_of_others(rule: str) -> None:
    """A rule that cannot apply to the flow's packets is not cited, nor one of IPv6."""
    links = {"c1": "docker0", "host01": "uplink"}
    host = changed(extra=(rule,), missing=(rule,), moved=(rule,), devices=links)

    cited = (clues.new, clues.gone, clues.reordered)
    assert not any(cite(of(host), effects.drops) for cite in cited)


def test_acted() -> None:
    """A rule that counted is cited if it is new, or called by one that is."""
    jump = "filter -A FORWARD -j DOCKER-USER"
    counts = {DROP: 3, jump: 4, POLICY: 5}

    def cited(**differs: tuple[str, ...]) -> str:
        return clues.acted(of(changed(counts=counts, **differs)), effects.drops).text

    assert cited() == ""
    assert clues.did(of(changed(counts=counts)), effects.drops).text == (
        f"this rule did it: {DROP} (it counted 3 packets)"
    )
    assert cited(extra=(DROP,)) == f"this rule is new: {DROP} (it counted 3 packets)"
    assert cited(extra=(jump,)) == (
        f"this rule is new: {jump} (it counted 4 packets), and leads to {DROP} (it "
        "counted 3 packets)"
    )
    assert cited(moved=(jump,)).startswith(f"this rule is elsewhere now: {jump}")
    assert not clues.acted(of(changed(extra=(DROP,))), effects.drops)


def test_policy() -> None:
    """A policy that counted is cited: that no rule let the packets pass."""
    host = changed(counts={POLICY: 5})

    assert clues.policy(of(host), effects.drops).text == (
        f"no rule let them pass, and the policy did it: {POLICY} (it counted 5 packets)"
    )
    new = replace(host, extra=lines(POLICY))
    assert "this policy is new" in clues.policy(of(new), effects.drops).text
    assert not clues.policy(of(SAME), effects.drops)


def test_nothing_is_left() -> None:
    """Of a ruleset that was flushed, that is said too."""
    host = changed(missing=(MASQUERADE,), bare=True)

    assert clues.gone(of(host), effects.masquerades) == Clue(
        f"this rule is gone: {MASQUERADE}, and no other rule of Docker's is left on "
        "this host",
        "systemctl restart docker",
    )


@pytest.mark.parametrize(
    ("line", "here", "remedy"),
    [
        (
            "nat -A POSTROUTING -s c1 -j MASQUERADE",
            "nat -A POSTROUTING -s 172.17.0.2/32 -j MASQUERADE",
            "iptables -t nat -D POSTROUTING -s 172.17.0.2/32 -j MASQUERADE",
        ),
        (
            "legacy nat -A POSTROUTING -s c1 -j MASQUERADE",
            "legacy nat -A POSTROUTING -s 172.17.0.2/32 -j MASQUERADE",
            "iptables-legacy -t nat -D POSTROUTING -s 172.17.0.2/32 -j MASQUERADE",
        ),
        ("nft ip x y masquerade", "nft ip x y masquerade", "nft delete table ip x"),
        ("nft ip own y snat to c1", "nft ip own y snat to 172.17.0.2", ""),
        ("nft ip nat y snat to c1", "nft ip nat y snat to 172.17.0.2", ""),
    ],
)
def test_remedy_of_a_rule(line: str, here: str, remedy: str) -> None:
    """A new rule is deleted by the host's own addresses; a new table as a whole."""
    host = changed(extra=(line,), lines={line: here, BESIDE: BESIDE})

    assert clues.new(of(host), effects.translates_source).remedy == remedy


BESIDE = "nft ip own y accept"
NATIVE = (
    "nft ip own f type filter hook forward priority filter; policy accept;",
    "nft ip own f ip saddr @bad counter drop",
    "nft ip own @bad c1",
    "nft ip own n type nat hook postrouting priority srcnat; policy accept;",
    "nft ip own n masquerade",
)
ELEMENT, USER = NATIVE[2], NATIVE[1]
CITED = f"this rule is new: {ELEMENT}, an element for {USER}"


def native(*extra: str, **others: Any) -> HostChange:
    """Return a host with these new lines of its nft table, and all of the others."""
    host = changed(lines={one: one.replace("c1", "172.17.0.2") for one in NATIVE})
    return replace(host, extra=among(NATIVE, extra), **others)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (None, CITED),
        ({USER: 2}, f"{CITED} (it counted 2 packets)"),
        ({USER: 0}, ""),
    ],
)
def test_element(counts: dict[str, int] | None, text: str) -> None:
    """An element is cited with the rule that looks it up, and with its counter."""
    host = native(ELEMENT, counts=counts)

    assert clues.new(of(host), effects.drops).text == text


def test_remedy_of_an_element() -> None:
    """An element of a table that is not new is deleted from its set."""
    host = native(ELEMENT)

    assert clues.new(of(host), effects.drops).remedy == (
        "nft delete element ip own bad '{ 172.17.0.2 }'"
    )


def test_an_engines_table_is_no_remedy() -> None:
    """A table that an engine wrote is not deleted for one rule in it."""
    table = "nft ip docker-bridges"
    rule, engines = f"{table} x snat to c1", f"{table} filter-FORWARD type filter hook"
    engines += " forward priority filter; policy accept;"
    host = changed(extra=(rule, engines), lines={rule: rule, engines: engines})

    assert clues.new(of(host), effects.translates_source).remedy == ""


def test_table_is_gone() -> None:
    """Where nothing of its table is left, a rule is not said to be gone alone."""
    host = replace(
        changed(lines={BESIDE: BESIDE}), missing=lines("nft ip x n snat to c1")
    )

    assert clues.gone(of(host), effects.masquerades).text == (
        "this rule and its whole table are gone: nft ip x n snat to c1"
    )


def test_dormant_table() -> None:
    """The rules of a dormant table are there, and do nothing."""
    line = "nft ip own - flags dormant"
    host = changed(missing=("nft ip own n masquerade",), extra=(line,))

    assert clues.gone(of(host), effects.masquerades) == Clue(
        "its table is dormant, so this rule does nothing: nft ip own n masquerade; "
        f"this is new: {line}",
        "nft add table ip own",
    )


@pytest.mark.parametrize("table", ["nft ip other", "nft ip6 own", "nft ip own2"])
def test_another_table_is_dormant(table: str) -> None:
    """A table that is not the rule's changes nothing for it."""
    host = changed(
        missing=("nft ip own n masquerade",), extra=(f"{table} - flags dormant",)
    )

    assert clues.gone(of(host), effects.masquerades).text == (
        "this rule is gone: nft ip own n masquerade"
    )


JUMPS = (
    "nft ip own o type nat hook output priority dstnat; policy accept;",
    "nft ip own o jump published",
    "nft ip own p type nat hook prerouting priority dstnat; policy accept;",
    "nft ip own p jump published",
    "nft ip own published dnat to web:80",
)


def test_rules_for_what_a_host_sends() -> None:
    """A forwarded flow does not pass the rules for what the host itself sends."""
    host = replace(SAME, missing=among(JUMPS, JUMPS))
    own = replace(WEB, initiator=end("host"))

    told = [clues.gone(case(x, x, host), effects.publishes).text for x in (WEB, own)]
    assert told == [f"this rule is gone: {JUMPS[at]}" for at in (3, 1)]


def test_remedy_of_a_setting() -> None:
    """A setting is set back; a version cannot be."""
    host = changed(settings={"ip_forward": ("1", "0"), "kernel": ("6.1", "6.18")})

    assert clues.setting(of(host), "ip_forward").remedy == (
        "sysctl -w net.ipv4.ip_forward=1"
    )
    assert clues.setting(of(host), "kernel").remedy == ""


def test_unpublished() -> None:
    """Of Docker's chain in nat, the rule that translates is what published the port."""
    own = "nat -A DOCKER -i docker0 -j RETURN"

    def cited(*missing: str) -> str:
        return clues.unpublished(case(WEB, WEB, changed(missing=missing))).text

    assert cited(own, DNAT_RULE) == f"this rule is gone: {DNAT_RULE}"
    assert cited(own) == f"this rule is gone: {own}"
    assert cited(MASQUERADE) == ""
