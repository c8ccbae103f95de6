"""Policy rules: as `ip rule` prints them, and as the kernel sends them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.fibmsg import fibmsg

from pytest_netlab.host.routing import policy_rules
from pytest_netlab.host.routing.policy_rules import PolicyRule

# As `ip rule` of iproute2 6.1 prints them.
LISTED = """\
0:\tfrom all lookup local
96:\tfrom all ipproto tcp dport 80 lookup 77
97:\tfrom 10.2.2.2 unreachable
98:\tnot from all to 10.5.5.5 fwmark 0x7 oif ens160 lookup main suppress_prefixlength 0
99:\tfrom 10.0.0.0/24 fwmark 0x5/0xff iif docker0 lookup 77
100:\tfrom all tos 0x10 uidrange 7-9 lookup 77 suppress_ifgroup 3
101:\tfrom all goto 32766
102:\tfrom all tun_id 7 nop
1000:\tfrom all lookup [l3mdev-table]
"""
NEVER, ALL_BITS = ("FRA_SUPPRESS_PREFIXLEN", 0xFFFFFFFF), ("FRA_FWMASK", 0xFFFFFFFF)
RULES = (
    PolicyRule(priority=0, table="local"),
    PolicyRule(priority=96, protocol="tcp", dport="80", table="77"),
    PolicyRule(priority=97, source="10.2.2.2", action="unreachable"),
    PolicyRule(
        priority=98,
        negated=True,
        destination="10.5.5.5",
        mark="0x7",
        outgoing="ens160",
        table="main",
        suppress=0,
    ),
    PolicyRule(
        priority=99,
        source="10.0.0.0/24",
        mark="0x5/0xff",
        incoming="docker0",
        table="77",
    ),
    PolicyRule(priority=100, tos="0x10", uids="7-9", table="77", group=3),
    PolicyRule(priority=101, action="goto", target=32766),
    PolicyRule(priority=102, tunnel="7", action="nop"),
    PolicyRule(priority=1000, table="[l3mdev-table]"),
)
LINKS = st.text("abc019-.", min_size=1, max_size=8)
ENDS = st.ip_addresses().map(str)
PORTS = st.sampled_from(["", "80", "80-90"])


@st.composite
def any_rule(draw: st.DrawFn) -> PolicyRule:
    """Return a rule with any attributes."""
    kinds = ["lookup", "blackhole", "unreachable", "prohibit", "nop", "goto"]
    action = draw(st.sampled_from(kinds))
    return PolicyRule(
        priority=draw(st.integers(0, (1 << 32) - 1)),
        negated=draw(st.booleans()),
        source=draw(st.just("all") | ENDS),
        destination=draw(st.just("") | ENDS),
        mark=draw(st.sampled_from(["", "0x7", "0x5/0xff"])),
        incoming=draw(st.just("") | LINKS),
        outgoing=draw(st.just("") | LINKS),
        protocol=draw(st.sampled_from(["", "tcp", "99"])),
        sport=draw(PORTS),
        dport=draw(PORTS),
        action=action,
        table=draw(st.sampled_from(["main", "77"])) if action == "lookup" else "",
        suppress=draw(st.none() | st.integers(0, 128)),
        group=draw(st.none() | st.integers(0, 128)),
        target=draw(st.integers(0, 9999)) if action == "goto" else None,
        tos=draw(st.sampled_from(["", "0x10"])),
        uids=draw(st.sampled_from(["", "0-9"])),
        tunnel=draw(st.sampled_from(["", "7"])),
    )


def text(rules: tuple[PolicyRule, ...] | list[PolicyRule]) -> str:
    """Return rules, a line each."""
    return "".join(f"{one}\n" for one in rules)


def test_listed() -> None:
    """Rules are written as `ip` writes them, and read from that."""
    assert text(RULES) == LISTED
    assert policy_rules.policy_rules(LISTED) == RULES


@given(st.lists(any_rule()))
def test_any(rules: list[PolicyRule]) -> None:
    """Any rules that are written are read as they were."""
    assert policy_rules.policy_rules(text(rules)) == tuple(rules)


@pytest.mark.parametrize(
    "line",
    ["", "no program 'ip'", "x:\tfrom all lookup 7", "7:\tfrom all", "7:\tlookup 7"],
)
def test_no_rule(line: str) -> None:
    """What is no rule is left out."""
    assert policy_rules.policy_rules(f"{line}\n{LISTED}") == RULES


def message(*attributes: tuple[str, Any], **fields: int) -> fibmsg:
    """Return a message as pyroute2 decodes it."""
    found = fibmsg()
    usual = {"family": 2, "action": 1, "flags": 0, "dst_len": 0, "src_len": 0}
    for name, value in {**usual, **fields}.items():
        found[name] = value
    found["attrs"] = list(attributes)
    return found


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        (message(("FRA_TABLE", 255), NEVER), RULES[0]),
        (
            message(
                ("FRA_TABLE", 77),
                ("FRA_PRIORITY", 96),
                ("FRA_DPORT_RANGE", "80:80"),
                ("FRA_IP_PROTO", 6),
                NEVER,
            ),
            RULES[1],
        ),
        (
            message(
                ("FRA_TABLE", 0),
                ("FRA_PRIORITY", 97),
                ("FRA_SRC", "10.2.2.2"),
                NEVER,
                src_len=32,
                action=7,
            ),
            RULES[2],
        ),
        (
            message(
                ("FRA_TABLE", 254),
                ("FRA_PRIORITY", 98),
                ("FRA_DST", "10.5.5.5"),
                ("FRA_FWMARK", 7),
                ALL_BITS,
                ("FRA_OIFNAME", "ens160"),
                ("FRA_SUPPRESS_PREFIXLEN", 0),
                dst_len=32,
                flags=2,
            ),
            RULES[3],
        ),
        (
            message(
                ("FRA_TABLE", 77),
                ("FRA_PRIORITY", 99),
                ("FRA_SRC", "10.0.0.0"),
                ("FRA_FWMARK", 5),
                ("FRA_FWMASK", 255),
                ("FRA_IIFNAME", "docker0"),
                NEVER,
                src_len=24,
            ),
            RULES[4],
        ),
        (
            message(
                ("FRA_TABLE", 77),
                ("FRA_SPORT_RANGE", "80:90"),
                ("FRA_IP_PROTO", 99),
                NEVER,
            ),
            PolicyRule(priority=0, sport="80-90", protocol="99", table="77"),
        ),
        (
            message(
                ("FRA_TABLE", 77),
                ("FRA_PRIORITY", 100),
                ("FRA_UID_RANGE", "7:9"),
                ("FRA_SUPPRESS_IFGROUP", 3),
                NEVER,
                tos=16,
            ),
            RULES[5],
        ),
        (message(("FRA_PRIORITY", 101), ("FRA_GOTO", 32766), action=2), RULES[6]),
        (message(("FRA_PRIORITY", 102), ("FRA_TUN_ID", 7), action=3), RULES[7]),
        (message(("FRA_PRIORITY", 1000), ("FRA_L3MDEV", 1)), RULES[8]),
    ],
    ids=[
        *("all", "port", "unreachable", "not", "mark", "ports"),
        *("users", "goto", "nop", "vrf"),
    ],
)
def test_message(sent: fibmsg, rule: PolicyRule) -> None:
    """A message of the kernel is a rule."""
    assert policy_rules.policy_rule(sent) == rule
