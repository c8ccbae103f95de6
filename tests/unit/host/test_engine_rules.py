"""Which rules are an engine's own, and which of them no host may lack."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pytest_netlab.host import engine_rules, read
from pytest_netlab.host.firewall import effects

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
OWN = "nft ip docker-bridges"
# What engines write beside the rules of docker0, for networks of every kind: internal,
# routed, without masquerade or traffic between containers, on a loopback address.
ENGINES = (
    "filter -A DOCKER-ISOLATION-STAGE-1 ! -s net -o br-5cf09fd61c21 -j DROP",
    "filter -A DOCKER-ISOLATION-STAGE-1 ! -d 172.19.0.0/16 -i br-5cf09fd61c21 -j DROP",
    "filter -A DOCKER-ISOLATION-STAGE-1 -o br-832fb462aee9 -j RETURN",
    "filter -A DOCKER-INTERNAL ! -s net -o br-5cf09fd61c21 -j DROP",
    "filter -A FORWARD -i br-0f5a -o br-0f5a -j DROP",
    "filter -A DOCKER ! -i mybr0 -o mybr0 -j DROP",
    "filter -A DOCKER ! -i br-1 -o br-1 -p icmp -j ACCEPT",
    (
        "filter -A DOCKER -d container/8102 ! -i br-1 -o br-1 -p udp -m udp --dport 53"
        " -j ACCEPT"
    ),
    (
        "filter -A DOCKER -s c1 -d web -i docker0 -o docker0 -p tcp -m tcp --dport 80"
        " -j ACCEPT"
    ),
    "filter -A DOCKER-FORWARD -j DOCKER-INTERNAL",
    "filter -A FORWARD -m set --match-set docker-ext-bridges-v4 dst -j DOCKER",
    "nat -A POSTROUTING -o br-1 -m addrtype --src-type LOCAL -j MASQUERADE",
    "nat -A POSTROUTING -s net ! -o br-1 -j SNAT --to-source host",
    "nat -A POSTROUTING -s web -d web -p tcp -m tcp --dport 80 -j MASQUERADE",
    (
        "nat -A DOCKER -d 127.0.0.1 ! -i br-1 -p tcp -m tcp --dport 9101 -j DNAT"
        " --to-destination container/8101:53"
    ),
    "nat -A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER",
    "ip6 nat -A OUTPUT ! -d ::1 -m addrtype --dst-type LOCAL -j DOCKER",
    (
        "ip6 nat -A DOCKER ! -s net ! -i br-1 -p udp -m udp --dport 8107 -j DNAT"
        " --to-destination fd00:77::2:54"
    ),
    "raw -A PREROUTING -d 172.17.0.5/32 ! -i docker0 -j DROP",
    "raw -A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 9101 -j DROP",
    "legacy filter :DOCKER-USER -",
    "legacy filter -A FORWARD -j DOCKER-USER",
    "legacy nat :PREROUTING ACCEPT",
    "filter :FORWARD ACCEPT",
    f"{OWN} nat-PREROUTING fib daddr type local counter jump nat-prerouting-and-output",
    f"{OWN} nat-OUTPUT fib daddr type local counter jump nat-prerouting-and-output",
    f"{OWN} filter-FORWARD type filter hook forward priority filter; policy accept;",
    f"{OWN} filter-FORWARD oifname vmap @filter-forward-in-jumps",
    f"{OWN} @filter-forward-in-jumps type ifname : verdict",
    f'{OWN} @filter-forward-in-jumps "docker0" : jump filter-forward-in__docker0',
    f'{OWN} @filter-forward-in-jumps "br-1" : jump filter-forward-in__br-1',
    f"{OWN} filter-forward-in__docker0 ct state established,related counter accept",
    f"{OWN} filter-forward-in__docker0 ip daddr web tcp dport 80 counter accept",
    f'{OWN} filter-forward-in__docker0 iifname "docker0" counter drop comment "ICC"',
    f'{OWN} filter-forward-in__br-1 counter drop comment "UNPUBLISHED PORT DROP"',
    (
        f'{OWN} filter-forward-in__br-1 iifname != "br-1" counter drop comment '
        '"INTERNAL NETWORK INGRESS"'
    ),
    f'{OWN} filter-forward-out__docker0 counter accept comment "OUTGOING"',
    (
        f'{OWN} nat-postrouting-out__docker0 oifname != "docker0" ip saddr net counter '
        'masquerade comment "MASQUERADE"'
    ),
    (
        f"{OWN} nat-postrouting-in__docker0 fib saddr type local counter masquerade "
        'comment "MASQUERADE FROM HOST"'
    ),
    (
        f'{OWN} nat-prerouting-and-output iifname != "docker0" ip daddr host tcp dport '
        '81 counter dnat to web:80 comment "DNAT"'
    ),
    (
        f'{OWN} raw-PREROUTING ip daddr web iifname != "docker0" counter drop comment '
        '"DROP DIRECT ACCESS"'
    ),
    (
        "nft ip6 docker-bridges nat-OUTPUT ip6 daddr != ::1 fib daddr type local "
        "counter jump nat-prerouting-and-output"
    ),
)
# What people write: in Docker's chains, beside them, and in its own nft table.
USERS = (
    "filter -A DOCKER-USER -j DROP",
    "filter -A DOCKER-USER -i ens160 -j ACCEPT",
    "filter -A DOCKER-USER -s c1 -j RETURN",
    "filter -A FORWARD -j DROP",
    "filter -A FORWARD -o docker0 -j DROP",
    "filter -A FORWARD -i docker0 ! -o docker0 -j DROP",
    "filter -A FORWARD -i eth1 ! -o eth1 -j ACCEPT",
    "filter -A FORWARD -i docker0 ! -o br-1 -j ACCEPT",
    "filter -A FORWARD -j ufw-before-forward",
    "filter -A DOCKER -d web -j DROP",
    "filter -A DOCKER-ISOLATION-STAGE-1 -j DROP",
    "filter -A DOCKER-CT -m conntrack --ctstate INVALID -j DROP",
    "filter -A DOCKER-FORWARD -i docker0 -j DROP",
    "filter :FORWARD QUEUE",
    "filter :INPUT DROP",
    "filter :OUTPUT DROP",
    "filter :DOCKER-FIREWALL -",
    "nat -A PREROUTING -p tcp -m tcp --dport 81 -j DNAT --to-destination c2:80",
    "nat -A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 82",
    "nat -A POSTROUTING -j MASQUERADE",
    "nat -A POSTROUTING -o docker0 -j MASQUERADE",
    "nat -A POSTROUTING -s web ! -o docker0 -j SNAT --to-source host02",
    "nat -A DOCKER -p tcp -j DNAT --to-destination c2:80",
    "raw -A PREROUTING -d web -j DROP",
    "raw -A PREROUTING -s web -j CT --notrack",
    "mangle -A PREROUTING -j TTL --ttl-set 9",
    "ip6 filter -A DOCKER-USER -j DROP",
    "legacy filter -A FORWARD -j DROP",
    "nft inet site forward counter drop",
    "nft ip filter FORWARD counter drop",
    f"{OWN} filter-FORWARD counter drop",
    f"{OWN} filter-FORWARD type filter hook forward priority filter; policy drop;",
    f"{OWN} filter-forward-in__docker0 ip daddr web counter drop",
    f"{OWN} filter-forward-in__docker0 counter accept",
    f'{OWN} @filter-forward-in-jumps "docker0" : drop',
    f'{OWN} @filter-forward-in-jumps "docker0" : jump filter-forward-in__br-1',
    f"{OWN} nat-prerouting-and-output tcp dport 81 counter dnat to c2:80",
    "route web dev docker0",
    "link docker0 mtu 1500 up",
    "a line",
)


@pytest.mark.parametrize("line", ENGINES)
def test_what_an_engine_writes_is_known(line: str) -> None:
    """It is known for every kind of network, in every backend."""
    assert engine_rules.written_by_engine(read(line))


@pytest.mark.parametrize("line", USERS)
def test_what_users_write_is_foreign(line: str) -> None:
    """It is foreign in Docker's chains too."""
    assert not engine_rules.written_by_engine(read(line))


def rulesets() -> dict[str, str]:
    """Return the rules of each engine that goldens were recorded with, by version."""
    found = {}
    for path in sorted(GOLDEN.rglob("golden.toml")):
        recorded = tomllib.loads(path.read_text(encoding="utf-8")).get("provenance", {})
        if recorded.get("ruleset"):
            found[recorded["engine"]] = recorded["ruleset"]
    return found


@pytest.mark.parametrize("rules", rulesets().values(), ids=list(rulesets()))
class TestGoldens:
    """Rules with which goldens were recorded are an engine's, and all of them."""

    def test_no_line_is_foreign(self, rules: str) -> None:
        """Every line is an engine's."""
        lines = rules.splitlines()

        assert [
            one for one in lines if not engine_rules.written_by_engine(read(one))
        ] == []

    def test_nothing_is_lacking(self, rules: str) -> None:
        """Every rule that engines always write is there."""
        assert engine_rules.lacking(map(read, rules.splitlines()), "nf_tables") == ()

    @pytest.mark.parametrize(
        "gone",
        [
            "nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
            "nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE",
            "filter -A FORWARD -j DOCKER-USER",
            (
                "filter -A DOCKER -d web ! -i docker0 -o docker0 -p tcp -m tcp "
                "--dport 80 -j ACCEPT"
            ),
            (
                "nat -A DOCKER -d host ! -i docker0 -p tcp -m tcp --dport 81 -j DNAT"
                " --to-destination web:80"
            ),
        ],
    )
    def test_what_is_gone_is_lacking(self, rules: str, gone: str) -> None:
        """A rule that is gone is lacking, alone and as it was written."""
        left = [one for one in rules.splitlines() if one != gone]
        found = engine_rules.lacking(map(read, left), "nf_tables")

        assert [one.text for one in found] == [gone]


def test_legacy_rules_are_enough() -> None:
    """An engine that writes iptables-legacy's rules lacks nothing."""
    rules = "\n".join(rulesets().values()).splitlines()
    legacy = [f"legacy {one}" for one in rules]

    assert engine_rules.lacking(map(read, legacy), "legacy") == ()


NATIVE = [line for line in ENGINES if line.startswith(OWN)]


@pytest.mark.parametrize(
    "gone",
    [
        "nat-PREROUTING fib",
        "nat-OUTPUT fib",
        "nat-prerouting-and-output",
        "filter-FORWARD oifname",
        '@filter-forward-in-jumps "docker0"',
        "filter-forward-in__docker0 ct",
        "filter-forward-in__docker0 ip daddr web",
        "filter-forward-out__docker0 counter",
        "nat-postrouting-out__docker0",
    ],
)
def test_native_rules_are_lacking_one_by_one(gone: str) -> None:
    """Of an engine's own table, each rule and each jump of a map is missed."""
    left = [one for one in NATIVE if not one.startswith(f"{OWN} {gone}")]
    before = set(engine_rules.lacking(map(read, NATIVE), engine_rules.NATIVE))
    lacking = set(engine_rules.lacking(map(read, left), engine_rules.NATIVE))
    new = [one.text for one in lacking - before]

    assert len(new) == 1
    assert new[0].startswith(f"{OWN} {gone.split(maxsplit=1)[0]}")


def test_native_rules_are_understood() -> None:
    """What a native rule is for is known though its host may lack every chain."""
    asked = (effects.in_filter, effects.publishes, effects.masquerades)

    rules = [one.rule for one in engine_rules.essentials(engine_rules.NATIVE)]
    assert all(any(ask(one) for ask in asked) for one in rules)


def test_an_empty_host_lacks_all() -> None:
    """Where nothing is left, every rule that needs no other chain is lacking."""
    lines = [one.text for one in engine_rules.lacking((), "nf_tables")]

    assert "nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER" in lines
    assert not any("DOCKER-FORWARD" in one for one in lines)


@pytest.mark.parametrize(
    ("line", "bridge"),
    [
        ("filter -A DOCKER ! -i br-1 -o br-1 -j DROP", "br-1"),
        (f'{OWN} filter-forward-in__br-1 counter accept comment "ICC"', "br-1"),
        (
            (
                f'{OWN} raw-PREROUTING ip daddr web iifname != "docker0" counter drop '
                'comment "DROP DIRECT ACCESS"'
            ),
            "docker0",
        ),
        ("nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", ""),
        ("filter -A FORWARD -o br-1 -j DROP", ""),
    ],
    ids=["iptables", "a chain of its own", "a link", "all", "a user's"],
)
def test_whose_rule_it_is(line: str, bridge: str) -> None:
    """The bridge that an engine's rule is for is known."""
    assert engine_rules.bridge_of(read(line)) == bridge
