"""Rules of real engines, through the iptables and nft of three Debian releases."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_netlab import host
from pytest_netlab.host import Action, Line, Rule
from pytest_netlab.host.firewall import effects, iptables, nft_json
from pytest_netlab.lab.backends import private
from pytest_netlab.lab.rootfs import suites
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_netlab.host import Item, Question

TABLE = "inet netlab_rules"
# Rules that differ in their quotes, negations and values; iptables of both backends and
# of both families gets them.
RULES = (
    "-N DROP-LOG",
    '-A DROP-LOG -m comment --comment "a \\"b\\" \'c\' \\\\ -j reject" -j RETURN',
    "-A DROP-LOG -m comment --comment -j -j RETURN",
    "-A DROP-LOG -j LOG --log-prefix 'DROP: '",
    "-A DROP-LOG ! -i lo -p tcp -m tcp ! --tcp-flags SYN,ACK SYN -m limit -j DROP",
    "-A DROP-LOG -p udp -m multiport ! --dports 53,80:90 -j DROP",
    "-A DROP-LOG -m conntrack --ctstate NEW -m mark ! --mark 0x1/0xff -g DROP-LOG",
    "-A DROP-LOG -p tcp -j REJECT --reject-with tcp-reset",
    "-A DROP-LOG",
)
# Matches that end in each way that nft has, and what acts behind them.
MATCHES = (
    "ip saddr . tcp dport { 192.0.2.1 . 80, 192.0.2.2 . 81 } drop",
    'iifname . oifname != { "a" . "b" } ip daddr 192.0.2.0/24 accept',
    "tcp flags & (fin | syn | rst | ack) == syn ip ttl < 5 counter drop",
    "meta mark & 0xff == 0x1 ct state established,related accept",
    "ct original ip saddr 192.0.2.1 ct direction reply ct status dnat accept",
    "fib daddr . iif type local drop",
    "fib daddr type local ip length 100-200 return",
    "tcp option sack-perm missing tcp option maxseg size set 1200",
    "meta l4proto { tcp, udp } th dport 53 meta pkttype host notrack",
    "ip saddr @addresses counter ip dscp set cs1",
    "iifname vmap @verdicts",
    "add @addresses { ip saddr timeout 5s }",
    "ip6 nexthdr tcp tcp sport != { 1, 2 } goto drop-log",
)
NFT = (
    f"add table {TABLE}",
    f"add chain {TABLE} odd {{ type filter hook forward priority 10; policy accept; }}",
    f"add chain {TABLE} drop-log",
    f"add set {TABLE} ports {{ type inet_service; elements = {{ 22, 80 }}; }}",
    f"add set {TABLE} addresses {{ type ipv4_addr; flags timeout; }}",
    f"add element {TABLE} addresses {{ 192.0.2.1 timeout 1h, 192.0.2.2 timeout 2h }}",
    f"add map {TABLE} verdicts {{ type ifname : verdict; }}",
    f'add element {TABLE} verdicts {{ "a" : drop, "docker0" : jump drop-log }}',
    f'add rule {TABLE} odd iifname {{ "drop", "x" }} counter accept comment " reject"',
    f"add rule {TABLE} odd tcp dport @ports counter jump drop-log",
    f"add rule {TABLE} odd tcp dport vmap {{ 1 : drop, 2 : accept }}",
    f"add rule {TABLE} odd ip ttl set 5",
    f"add rule {TABLE} odd meta mark set 0x1",
    f"add rule {TABLE} odd icmp type echo-request limit rate 1/second accept",
    f'add rule {TABLE} odd udp dport 9 log prefix "drop " reject',
    f"add rule {TABLE} odd ip frag-off & 0x1fff != 0 drop",
    *(f"add rule {TABLE} odd {rule}" for rule in MATCHES),
)
QUESTIONS: tuple[Question, ...] = (
    *(effects.drops, effects.rejects, effects.untracks, effects.translates_source),
    *(effects.translates_destination, effects.copies, effects.alters),
    *(effects.randomises, effects.concerns_icmp, effects.masquerades),
)
TOOLS = tuple(
    f"{name}{kind}"
    for name in ("iptables", "ip6tables")
    for kind in ("", "-nft", "-legacy")
)


@pytest.fixture(
    scope="module",
    params=[
        "machine",
        *(pytest.param(one, marks=pytest.mark.engine_suites) for one in suites.SUITES),
    ],
)
def state(
    request: pytest.FixtureRequest, suite_root: Callable[[str], Path]
) -> Iterator[Mapping[str, str]]:
    """Return what tools tell of a host with an engine's rules and with odd ones."""
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    suite = request.param
    root = None if suite == "machine" else suite_root(suite)
    with closing(private.start(LabOptions(root=root))) as lab:
        node = lab.nodes["host"]
        for tool in ("iptables-nft", "iptables-legacy", "ip6tables-nft"):
            node.run("sh", "-ec", "\n".join(f"{tool} {rule}" for rule in RULES))
        for command in NFT:
            node.run("nft", command)
        yield lab.snapshot().files


@pytest.mark.parametrize("tool", TOOLS)
def test_iptables(state: Mapping[str, str], tool: str) -> None:
    """What each iptables-save prints is parsed, and rendered as it was."""
    saved = state[f"{tool}.txt"]
    found = iptables.parse(saved)

    assert iptables.render(found) == saved
    left = [one.text for one in found if isinstance(one, Line)]
    assert not [line for line in left if line and line[0] not in "#*C"]
    if tool != "ip6tables-legacy":
        odd = [x for x in found if isinstance(x, Rule) and x.chain == "DROP-LOG"]
        assert len(odd) == len(RULES) - 1
        assert [x.comment for x in odd[:2]] == ["a \"b\" 'c' \\ -j reject", "-j"]


def test_lines(state: Mapping[str, str]) -> None:
    """Each line that a golden would have of these rules is a value, and comes back."""
    lines = host.ruleset(state, {}).splitlines()
    found = host.items("\n".join(lines))

    assert [one.text for one in found] == lines
    assert not [one for one in found if isinstance(one, Line)]


def test_nft_json(state: Mapping[str, str]) -> None:
    """What `nft -j` prints is parsed, and rendered as it was: every rule a value."""
    listed = state["nftables.json"]
    found = nft_json.parse(listed.encode())

    assert nft_json.render(found) == listed
    left = [one.text for one in found if isinstance(one, Line)]
    assert not [line for line in left if line.startswith(('{"rule"', '{"chain"'))]


def test_text_and_json_agree(state: Mapping[str, str]) -> None:
    """Rules do the same, by the same statements, in nft's text and in its JSON."""

    def told(items: tuple[Item, ...]) -> list[tuple[object, ...]]:
        family, table = TABLE.split()
        ours = [
            one
            for one in items
            if isinstance(one, Rule)
            and (one.family, one.table, one.chain) == (family, table, "odd")
        ]
        return [(*(ask(one) for ask in QUESTIONS), *_statements(one)) for one in ours]

    text = told(host.items(host.ruleset(state, {})))
    assert text == told(nft_json.parse(state["nftables.json"].encode()))
    assert len(text) == sum("add rule" in command for command in NFT)


def _statements(rule: Rule) -> list[tuple[type, str]]:
    """Return kinds and names; a match of nothing is what a verdict map looks up."""
    found = (x for x in rule.statements if isinstance(x, Action) or x.tokens)
    return [(type(one), one.name) for one in found]


def test_elements(state: Mapping[str, str]) -> None:
    """Each element of a set or map has its line, as many as nft's JSON has."""
    prefix = f"nft {TABLE} @"
    lines = host.ruleset(state, {}).splitlines()
    found = {one.removeprefix(prefix) for one in lines if one.startswith(prefix)}

    assert {
        one for one in found if one.split(" ")[1] not in ("type", "flags", "size")
    } == {
        *("addresses 192.0.2.1 timeout 1h", "addresses 192.0.2.2 timeout 2h"),
        *('verdicts "a" : drop', 'verdicts "docker0" : jump drop-log'),
        *("ports 22", "ports 80"),
    }
