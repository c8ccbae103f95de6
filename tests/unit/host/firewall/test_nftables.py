"""nft's text: which lines count, and where their statements begin."""

from __future__ import annotations

import pytest

from pytest_netlab.host import Action, Chain, Match, Rule
from pytest_netlab.host.firewall.nftables import counted, item, listed

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
    known = {"ip nat DOCKER"}

    assert ["".join(one) for one in listed(LISTED, known)] == [
        "nft inet site @jumps type ifname : verdict",
        'nft inet site @jumps "docker0" : jump a',
        "nft inet site forward type filter hook forward priority 10; policy accept;",
        "nft inet site forward ip saddr 172.17.0.2 counter drop",
    ]


def test_what_iptables_tells() -> None:
    """Only chains that iptables-save printed are left out, not their whole tables."""
    text = "table ip filter {\nchain x {\ndrop\n}\nchain y {\naccept\n}\n}\n"

    assert list(listed(text, {"ip filter x", "ip6 filter y"})) == [
        ("nft ip filter y ", "accept")
    ]


OBJECTS = """\
table inet site { # handle 7
	comment "ours"
	flags owner

	set blocked { # handle 4
		type ipv4_addr
		size 65535	# count 3
		flags interval,timeout
		comment "a, b { c"
		elements = { 10.0.0.0/8 counter packets 3 bytes 252,
			172.17.0.2 timeout 1h expires 59m2s12ms comment "x, } y",
			172.17.0.3 }
	}
	map ports {
		type inet_service : verdict
		elements = { 22 : drop, 80 : jump more }
	}
	quota q {
		over 25 mbytes used 12 bytes
	}
	counter seen { # handle 9
		packets 7 bytes 588
	}
	ct helper ftp {
		type "ftp" protocol tcp
	}
	chain more { # handle 2
		counter packets 3 bytes 252 accept comment "# handle 5" # handle 8
	}
	flowtable fast {
		hook ingress priority filter
	}
}
table ip last {
	flags owner
}
"""


def test_outside_of_chains() -> None:
    """What is in no chain has a place of its own; each element has its line."""
    assert ["".join(one) for one in listed(OBJECTS)] == [
        'nft inet site - comment "ours"',
        "nft inet site - flags owner",
        "nft inet site @blocked type ipv4_addr",
        "nft inet site @blocked size 65535",
        "nft inet site @blocked flags interval,timeout",
        'nft inet site @blocked comment "a, b { c"',
        "nft inet site @blocked 10.0.0.0/8 counter",
        'nft inet site @blocked 172.17.0.2 timeout 1h comment "x, } y"',
        "nft inet site @blocked 172.17.0.3",
        "nft inet site @ports type inet_service : verdict",
        "nft inet site @ports 22 : drop",
        "nft inet site @ports 80 : jump more",
        "nft inet site quota:q over 25 mbytes",
        'nft inet site ct-helper:ftp type "ftp" protocol tcp',
        'nft inet site more counter accept comment "# handle 5"',
        "nft inet site flowtable:fast hook ingress priority filter",
        "nft ip last - flags owner",
    ]


def test_dormant() -> None:
    """Of a dormant table nothing acts, and nothing is listed but that."""
    text = OBJECTS.replace("flags owner", "flags dormant", 1)

    assert ["".join(one) for one in listed(text)] == [
        'nft inet site - comment "ours"',
        "nft inet site - flags dormant",
        "nft ip last - flags owner",
    ]
    assert list(counted(text)) == []


def test_counted() -> None:
    """Packets are counted for the lines that are compared."""
    assert dict(counted(OBJECTS)) == {
        "nft inet site @blocked 10.0.0.0/8 counter": 3,
        'nft inet site more counter accept comment "# handle 5"': 3,
    }


def test_a_large_set() -> None:
    """A set of thousands is one line, not as many."""
    elements = ",\n".join(f"10.0.{one >> 8}.{one & 255}" for one in range(2000))
    text = f"table ip x {{\nset y {{\nelements = {{ {elements} }}\n}}\n}}\n"
    ((place, line),) = listed(text)

    assert place == "nft ip x @y "
    assert line.startswith("elements = { 10.0.0.0, 10.0.0.1, ")


@pytest.mark.parametrize(
    ("line", "statements"),
    [
        (
            'iifname != "docker0" tcp dport 81 counter dnat to a:80 comment "no drop"',
            (
                Match("iifname", ("!=", '"docker0"')),
                Match("tcp dport", ("81",)),
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
                Match("ip saddr", ("c1",)),
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
                Match("tcp dport"),
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
        ("ip saddr @drop", (Match("ip saddr", ("@drop",)),)),
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


PARTS = {
    "ip saddr . tcp dport @conc": ["ip saddr . tcp dport"],
    'iifname . ip saddr { "a" . 192.0.2.1 } tcp dport != { 1, 2 }': [
        "iifname . ip saddr",
        "tcp dport",
    ],
    "tcp flags & (fin | syn) == syn ip ttl < 5": ["tcp flags", "ip ttl"],
    "tcp flags syn / fin,syn meta mark & 0xff == 0x1": ["tcp flags", "meta mark"],
    "ct original ip saddr 192.0.2.1 ct direction reply": [
        "ct original ip saddr",
        "ct direction",
    ],
    "ct count over 10 limit rate 1/second ip protocol tcp": [
        "ct count",
        "limit",
        "ip protocol",
    ],
    "fib saddr . iif oif missing fib daddr type local": [
        "fib saddr . iif oif",
        "fib daddr type",
    ],
    "meta l4proto tcp @th,16,16 80": ["meta l4proto", "@th,16,16"],
    "ct status dnat ct status != snat": ["ct status", "ct status"],
    "ip daddr 192.0.2.1 . 80 iif lo": ["ip daddr", "iif"],
}


@pytest.mark.parametrize(("line", "fields"), PARTS.items())
def test_matches(line: str, fields: list[str]) -> None:
    """A match ends where its value does."""
    found = item("inet", "site", "forward", f"{line} drop")

    assert isinstance(found, Rule)
    assert [one.name for one in found.matches] == fields
    assert [one.name for one in found.actions] == ["drop"]


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
