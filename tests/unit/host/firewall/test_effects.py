"""What rules do, whatever their chains are called and their comments say."""

from __future__ import annotations

import pytest
from tests.hosts import lines

from pytest_netlab.host import Published, Question, read
from pytest_netlab.host.firewall import effects
from pytest_netlab.host.firewall.ruleset import among

NFT = "nft inet site forward"
DNAT = "nat -A DOCKER -d host -p tcp --dport 81 -j DNAT --to-destination web:80"
MASQUERADE = "nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE"
DROP = "filter -A FORWARD -j DROP"
REJECT = "filter -A FORWARD -j REJECT --reject-with icmp-port-unreachable"
NOTRACK = "raw -A PREROUTING -j CT --notrack"
# Rules that only sound as if they did something: their chains, comments, prefixes,
# interfaces and sets are called so.
CALLED_SO = (
    "filter :DROP-LOG -",
    "filter -A DROP-LOG -j ACCEPT",
    "filter -A FORWARD -j REJECT-LATER",
    'filter -A FORWARD -m comment --comment "no drop, no reject, no DNAT" -j ACCEPT',
    "filter -A FORWARD -m comment --comment DROP -j ACCEPT",
    'filter -A FORWARD -j LOG --log-prefix "DROP notrack " --log-level 4',
    "filter -A FORWARD -m set --match-set DROP src -j ACCEPT",
    "filter -A FORWARD -i DROP -j ACCEPT",
    "nat :SNAT-LATER -",
    f'{NFT} accept comment " reject, drop, notrack, masquerade, dnat, dup "',
    f"{NFT} jump drop-log",
    f"{NFT} ip saddr @drop accept",
    f'{NFT} iifname {{ "drop", "reject" }} accept',
    f'{NFT} log prefix " drop reject " accept',
    "nft inet drop reject accept",
    "nft inet drop reject type filter hook forward priority 0; policy accept;",
    "route host01 none",
    "a line with DROP and reject",
)


@pytest.mark.parametrize("line", CALLED_SO)
@pytest.mark.parametrize(
    "question",
    [
        *(effects.drops, effects.rejects, effects.untracks, effects.bars),
        *(effects.translates_source, effects.translates_destination),
        *(
            effects.masquerades,
            effects.copies,
            effects.queues,
            effects.alters,
            effects.concerns_icmp,
        ),
        *(effects.randomises, effects.publishes),
    ],
)
def test_names_and_comments(question: Question, line: str) -> None:
    """What a rule, a chain or a line is called or commented does nothing."""
    assert question(read(line)) is False


def test_all_who_ask_of_a_line() -> None:
    """A line that is neither rule nor chain answers every question with no."""
    (line,) = lines("route DROP")
    asked = [getattr(effects, name) for name in ("in_nat", "in_filter", "may_alter")]

    assert not any(question(line) for question in asked)
    assert effects.published(line) is None
    assert effects.writes(line) == ()


DOES: dict[Question, tuple[str, ...]] = {
    effects.drops: (
        DROP,
        "filter :FORWARD DROP",
        "legacy filter :FORWARD DROP",
        f"{NFT} ip saddr c1 counter drop",
        f"{NFT} type filter hook forward priority 0; policy drop;",
        f"{NFT} tcp dport vmap {{ 22 : drop, 80 : accept }}",
        "nft inet site @ports 23 : drop",
        "nft inet site @ports elements = { 22 : accept, 23 : drop }",
    ),
    effects.rejects: (REJECT, f"{NFT} reject with tcp reset", f"{NFT} counter reject"),
    effects.untracks: (
        NOTRACK,
        "raw -A OUTPUT -j NOTRACK",
        f"{NFT} tcp dport 1 notrack",
    ),
    effects.bars: (DROP, REJECT, NOTRACK, f"{NFT} drop"),
    effects.accepts: ("filter -A FORWARD -s c1 -j ACCEPT",),
    effects.exempts: (
        *("nat -A PREROUTING -j ACCEPT", "ip6 nat -A DOCKER -i docker0 -j RETURN"),
    ),
    effects.translates_source: (
        *(MASQUERADE, "nat -A X -j SNAT --to-source host"),
        *(f"{NFT} masquerade", f"{NFT} snat to host"),
    ),
    effects.translates_destination: (
        *(DNAT, "nat -A X -p tcp -j REDIRECT --to-ports 9"),
        *(f"{NFT} tcp dport 81 counter dnat to c1:80", f"{NFT} redirect to :9"),
    ),
    effects.masquerades: (
        *(MASQUERADE, "ip6 nat -A POSTROUTING -j MASQUERADE --random"),
        "nat -A POSTROUTING -s net -j SNAT --to-source host",
        f"{NFT} ip saddr net masquerade fully-random",
    ),
    effects.concerns_translation: (
        *(MASQUERADE, DNAT, NOTRACK, "ip6 nat -A X -j RETURN"),
        *("legacy nat -A X -j RETURN", f"{NFT} snat to a", f"{NFT} notrack"),
    ),
    effects.randomises: (
        *(f"{MASQUERADE} --random-fully", f"{MASQUERADE} --to-ports 1-2 --random"),
        *(f"{NFT} masquerade fully-random", f"{NFT} snat to host random,persistent"),
    ),
    effects.in_nat: (DNAT, MASQUERADE, "ip6 nat -A X -j RETURN"),
    effects.in_filter: (DROP, REJECT, "ip6 filter -A X -j RETURN"),
    effects.in_postrouting: (MASQUERADE, "nat -A POSTROUTING -j RETURN"),
    effects.publishes: (
        *(DNAT, "nat -A OUTPUT -j DOCKER", "nat -A PREROUTING -g DOCKER-INGRESS"),
        "ip6 nat -A DOCKER -j RETURN",
        *("nat -A PREROUTING -j REDIRECT --to-ports 9", f"{NFT} dnat to web:80"),
    ),
    effects.copies: ("mangle -A PREROUTING -j TEE --gateway c1", f"{NFT} dup to c1"),
    effects.queues: ("mangle -A FORWARD -j NFQUEUE --queue-num 7", f"{NFT} queue to 7"),
    effects.alters: (
        "mangle -A POSTROUTING -j CHECKSUM --checksum-fill",
        *(f"{NFT} ip ttl set 5", f"{NFT} @nh,48,8 set 0x0"),
        f"{NFT} reset tcp option sack-perm",
    ),
    effects.may_alter: (
        *("mangle -A x -j ACCEPT", f"{NFT} accept"),
        f"{NFT} type filter hook forward priority 0; policy accept;",
    ),
    effects.concerns_icmp: (
        *("filter -A X -p icmp -j DROP", "ip6 filter -A X -p ipv6-icmp -j DROP"),
        "filter -A X -p icmp -m icmp --icmp-type 3/4 -j DROP",
        *("filter -A X -f -j DROP", "ip6 filter -A X -m frag --fragid 1 -j DROP"),
        *(f"{NFT} icmp type destination-unreachable drop", f"{NFT} ip frag-off 1 drop"),
        *(f"{NFT} meta l4proto {{ tcp, icmp }} drop", f"{NFT} frag id 1 drop"),
    ),
}
DOES_NOT: dict[Question, tuple[str, ...]] = {
    effects.drops: (REJECT, "filter :FORWARD ACCEPT", f"{NFT} tcp dport vmap @drop"),
    effects.rejects: (DROP, f"{NFT} drop"),
    effects.untracks: ("raw -A PREROUTING -j CT --zone 1", f"{NFT} accept"),
    effects.bars: (MASQUERADE, "filter -A FORWARD -j ACCEPT", f"{NFT} accept"),
    effects.accepts: (DROP, "nat -A PREROUTING -j ACCEPT", "filter :FORWARD ACCEPT"),
    effects.exempts: (DNAT, "filter -A FORWARD -j ACCEPT", "nat :PREROUTING ACCEPT"),
    effects.translates_source: (DNAT, f"{NFT} dnat to a"),
    effects.translates_destination: (MASQUERADE, f"{NFT} masquerade"),
    effects.masquerades: (
        *("nat -A DOCKER -j MASQUERADE", "nat -A POSTROUTING -j ACCEPT"),
        *("nat :POSTROUTING ACCEPT", DNAT, f"{NFT} dnat to a", f"{NFT} accept"),
    ),
    effects.concerns_translation: (DROP, "nat :DOCKER -", f"{NFT} accept"),
    effects.randomises: (
        *(MASQUERADE, "filter -A INPUT -m statistic --mode random -j DROP"),
        *(f"{NFT} masquerade", f"{NFT} masquerade persistent"),
    ),
    effects.in_nat: (DROP, "nat :DOCKER -", "nft ip nat x masquerade"),
    effects.in_filter: (DNAT, "filter :FORWARD DROP", "nft ip filter x drop"),
    effects.in_postrouting: (DNAT, "nat -A POSTROUTING_direct -j RETURN"),
    effects.publishes: (
        *(MASQUERADE, "nat -A X -j DOCKER-LOG", "filter -A FORWARD -j DOCKER"),
        "nat :DOCKER -",
    ),
    effects.copies: (DROP, "mangle -A TEE -j ACCEPT"),
    effects.queues: (DROP, "mangle -A NFQUEUE -j ACCEPT"),
    effects.alters: (
        *("mangle -A X -j TTL --ttl-set 5", f"{NFT} ip ttl 5 accept"),
        *(f"{NFT} meta mark set 0x1", f"{NFT} ct mark set 0x1", f"{NFT} mark set 0x1"),
        "filter -A X -m set --match-set a src -j ACCEPT",
    ),
    effects.may_alter: (DROP, "mangle :X -", "ip6 raw -A X -j ACCEPT"),
    effects.concerns_icmp: (
        *("filter -A X -p tcp -j DROP", "filter -A X ! -p icmp -j DROP", REJECT),
        *(f"{NFT} reject with icmp type host-unreachable", "filter :icmp -"),
        *("filter -A X -p tcp -m length --length 1 -j DROP", f"{NFT} ip length 1 drop"),
    ),
}


@pytest.mark.parametrize(
    ("question", "line"), [(ask, line) for ask, told in DOES.items() for line in told]
)
def test_does(question: Question, line: str) -> None:
    """Each question finds its rules, whichever tool wrote them."""
    assert question(read(line)) is True


@pytest.mark.parametrize(
    ("question", "line"),
    [(ask, line) for ask, told in DOES_NOT.items() for line in told],
)
def test_does_not(question: Question, line: str) -> None:
    """Each question leaves its neighbours' rules alone."""
    assert question(read(line)) is False


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (DNAT, Published("81", "web:80")),
        (DNAT.replace("--dport 81 ", ""), None),
        (DNAT.replace("--dport", "! --dport"), None),
        (DNAT.replace("81", "81:82"), None),
        (DNAT.replace("--to-destination web:80", ""), None),
        (DNAT.replace("web:80", "web"), Published("81", "web:81")),
        (f"{NFT} ip daddr host tcp dport 81 dnat to c2:80", Published("81", "c2:80")),
        (f"{NFT} udp dport 53 dnat ip to c2", Published("53", "c2:53")),
        (f"{NFT} tcp dport 81 counter dnat to c2:80 random", Published("81", "c2:80")),
        (f"{NFT} tcp dport != 81 dnat to c2:80", None),
        (f"{NFT} tcp dport {{ 81, 82 }} dnat to c2:80", None),
        (f"{NFT} dnat ip to tcp dport map @ports", None),
        (f"{NFT} tcp dport 81 dnat ip to ip saddr map {{ c1 : web }}", None),
        (f"{NFT} tcp dport 81 accept", None),
        ("nat -A DOCKER --dport 81 -j RETURN", None),
        (
            'nat -A X -m comment --comment "--dport 9" -j DNAT --to-destination a:1',
            None,
        ),
        ("nat :DOCKER -", None),
    ],
)
def test_published(line: str, expected: Published | None) -> None:
    """A DNAT rule names a port of the host and where it leads; others do not."""
    assert effects.published(read(line)) == expected


def test_where_it_leads() -> None:
    """The node of a target is what stands before its port."""
    assert Published("81", "web:80").node == "web"


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("mangle -A X -j TTL --ttl-set 5", ("TTL",)),
        ("mangle -A X -j TTLS", ()),
        (f"{NFT} ip ttl set 5 ip dscp set cs1 accept", ("ip ttl", "ip dscp")),
        (f"{NFT} tcp option maxseg size set 9", ("tcp option maxseg size",)),
        (f"{NFT} reset tcp option sack-perm", ("tcp option sack-perm",)),
        (f"{NFT} meta mark set 0x1", ()),
    ],
)
def test_writes(line: str, fields: tuple[str, ...]) -> None:
    """What a rule writes is a target of iptables, or a field of nft."""
    assert effects.writes(read(line)) == fields


OWN = "nft ip docker-bridges"
NATIVE = tuple(
    f"{OWN} {line}"
    for line in (
        "nat-PREROUTING type nat hook prerouting priority dstnat; policy accept;",
        "nat-PREROUTING fib daddr type local counter jump published",
        "published tcp dport 81 counter dnat to web:80",
        "published dnat ip to ip daddr . tcp dport map @ports",
        "@ports type ipv4_addr . inet_service : ipv4_addr . inet_service",
        "@ports host . 82 : c2 . 80",
        "nat-POSTROUTING type nat hook postrouting priority srcnat; policy accept;",
        "nat-POSTROUTING iifname vmap @out",
        "nat-POSTROUTING oifname vmap @in",
        '@out "docker0" : jump out__docker0',
        '@in "docker0" : jump in__docker0',
        'out__docker0 oifname != "docker0" ip saddr net counter masquerade',
        "filter-FORWARD type filter hook forward priority filter; policy accept;",
        "filter-FORWARD oifname vmap { docker0 : jump allowed }",
        "filter-FORWARD ip saddr @blocked drop",
        "allowed ip daddr web tcp dport 80 counter accept",
        "@blocked 192.0.2.7",
        "raw type filter hook prerouting priority raw; policy accept;",
        "raw ip daddr web counter drop",
        "nobody ip daddr web counter drop",
    )
)
ANSWERS: dict[Question, tuple[int, ...]] = {
    effects.in_nat: (1, 2, 3, 4, 5, 7, 8, 9, 10, 11),
    effects.in_postrouting: (7, 8, 9, 10, 11),
    effects.in_filter: (13, 14, 15, 16),
    effects.publishes: (1, 2, 3, 5),
    effects.masquerades: (7, 9, 11),
    effects.accepts: (15,),
    effects.drops: (14, 16, 18, 19),
    effects.concerns_translation: (1, 2, 3, 4, 5, 7, 8, 9, 10, 11),
}


@pytest.mark.parametrize(("question", "expected"), ANSWERS.items())
def test_chains_of_nft(question: Question, expected: tuple[int, ...]) -> None:
    """A rule of nft does what its hook is for, and what it leads to."""
    found = [question(one) for one in among(NATIVE, NATIVE)]

    assert [at for at, does in enumerate(found) if does] == list(expected)


def test_published_by_a_map() -> None:
    """Each element of a map for DNAT is a published port."""
    found = map(effects.published, among(NATIVE, NATIVE))

    assert list(filter(None, found)) == [
        Published("81", "web:80"),
        Published("82", "c2:80"),
    ]
