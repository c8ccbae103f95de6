"""nft's text: which lines count, and where their statements begin."""

from __future__ import annotations

import pytest

from pytest_netlab.host import Action, Chain, Match, Rule
from pytest_netlab.host.nftables import item, listed

LISTED = """\
table ip nat { # handle 1
	chain DOCKER { # handle 1
		iifname "docker0" counter packets 0 bytes 0 return # handle 4
	}
}
# Warning: table ip filter is managed by iptables-nft, do not touch!
table inet site { # handle 7
	map jumps {
		type ifname : verdict
		elements = { "docker0" : jump a }
	}
	chain forward { # handle 1
		type filter hook forward priority 10; policy accept;
		ip saddr 172.17.0.2 counter packets 3 bytes 252 drop # handle 2
	}
}
"""


def test_listed() -> None:
    """Tables that iptables does not own are listed: without counters and handles."""
    assert ["".join(one) for one in listed(LISTED)] == [
        "nft inet site jumps type ifname : verdict",
        'nft inet site jumps elements = { "docker0" : jump a }',
        "nft inet site forward type filter hook forward priority 10; policy accept;",
        "nft inet site forward ip saddr 172.17.0.2 counter drop",
    ]


@pytest.mark.parametrize("table", ["ip nat", "ip6 filter", "ip mangle", "ip6 raw"])
def test_tables_of_iptables(table: str) -> None:
    """What iptables owns is iptables-save's to tell."""
    assert list(listed(f"table {table} {{\nchain x {{\ndrop\n")) == []


@pytest.mark.parametrize("table", ["inet nat", "ip nat2", "bridge filter"])
def test_tables_of_others(table: str) -> None:
    """A table of iptables has its family and its name."""
    assert list(listed(f"table {table} {{\nchain x {{\ndrop\n")) == [
        (f"nft {table} x ", "drop")
    ]


@pytest.mark.parametrize(
    ("line", "statements"),
    [
        (
            'iifname != "docker0" tcp dport 81 counter dnat to a:80 comment "no drop"',
            (
                Match("iifname", ("!=", '"docker0"', "tcp", "dport", "81")),
                Action("counter"),
                Action("dnat", ("to", "a:80")),
                Action("comment", ('"no drop"',)),
            ),
        ),
        ("jump drop-log", (Action("jump", ("drop-log",)),)),
        (
            "reject with icmp type host-unreachable",
            (Action("reject", ("with", "icmp", "type", "host-unreachable")),),
        ),
        (
            "ip saddr c1 ip ttl set 5 accept",
            (
                Match("ip", ("saddr", "c1")),
                Action("ip ttl set", ("5",)),
                Action("accept"),
            ),
        ),
        (
            "tcp option maxseg size set 1200",
            (Action("tcp option maxseg size set", ("1200",)),),
        ),
        (
            "@nh,48,8 set @nh,48,8 & 0xbf",
            (Action("@nh,48,8 set", ("@nh,48,8", "&", "0xbf")),),
        ),
        (
            "ip ttl set 5 ip dscp set cs1",
            (Action("ip ttl set", ("5",)), Action("ip dscp set", ("cs1",))),
        ),
        (
            "tcp dport vmap { 22 : drop, 80 : accept } counter",
            (
                Match("tcp", ("dport",)),
                Action("vmap", ("{", "22", ":", "drop,", "80", ":", "accept", "}")),
                Action("counter"),
            ),
        ),
        (
            'iifname { "reject", "drop" } log prefix "drop " notrack',
            (
                Match("iifname", ("{", '"reject",', '"drop"', "}")),
                Action("log", ("prefix", '"drop "')),
                Action("notrack"),
            ),
        ),
        ("reset tcp option sack", (Action("reset", ("tcp", "option", "sack")),)),
        ('iifname "{" drop', (Match("iifname", ('"{"',)), Action("drop"))),
        ("ip saddr @drop", (Match("ip", ("saddr", "@drop")),)),
        ("set", (Match("set"),)),
        ("counter set", (Action("counter"), Match("set"))),
    ],
)
def test_statements(line: str, statements: tuple[Match | Action, ...]) -> None:
    """What does something begins a statement, outside of quotes and braces."""
    found = item("inet", "site", "forward", line)

    assert isinstance(found, Rule)
    assert found.statements == statements
    assert found.text == f"nft inet site forward {line}"


def test_comment() -> None:
    """A comment is what stands in its quotes."""
    found = item("inet", "site", "forward", r'drop comment "a\b reject"')

    assert isinstance(found, Rule)
    assert found.comment == r"a\b reject"


@pytest.mark.parametrize("policy", ["accept", "drop"])
def test_hook(policy: str) -> None:
    """A chain's line says where it hooks in, and its policy."""
    hook = "type filter hook forward priority filter + 5"
    found = item("inet", "site", "forward", f"{hook}; policy {policy};")

    assert found == Chain(
        family="inet",
        backend="nft",
        table="site",
        name="forward",
        policy=policy,
        hook=hook,
    )
    assert found.text == f"nft inet site forward {hook}; policy {policy};"
