"""Rules of real engines, through the iptables and nft of three Debian releases."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_netlab import host
from pytest_netlab.host import Line, Rule, effects, iptables, nft_json
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
NFT = (
    f"add table {TABLE}",
    f"add chain {TABLE} odd {{ type filter hook forward priority 10; policy accept; }}",
    f"add chain {TABLE} drop-log",
    f"add set {TABLE} ports {{ type inet_service; elements = {{ 22, 80 }}; }}",
    f'add rule {TABLE} odd iifname {{ "drop", "x" }} counter accept comment " reject"',
    f"add rule {TABLE} odd tcp dport @ports counter jump drop-log",
    f"add rule {TABLE} odd tcp dport vmap {{ 1 : drop, 2 : accept }}",
    f"add rule {TABLE} odd ip ttl set 5",
    f"add rule {TABLE} odd meta mark set 0x1",
    f"add rule {TABLE} odd icmp type echo-request limit rate 1/second accept",
    f'add rule {TABLE} odd udp dport 9 log prefix "drop " reject',
    f"add rule {TABLE} odd ip frag-off & 0x1fff != 0 drop",
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
    """Rules do the same, whether nft's text told of them or its JSON."""

    def does(items: tuple[Item, ...]) -> list[tuple[bool, ...]]:
        family, table = TABLE.split()
        ours = [
            one
            for one in items
            if isinstance(one, Rule)
            and (one.family, one.table, one.chain) == (family, table, "odd")
        ]
        return [tuple(ask(one) for ask in QUESTIONS) for one in ours]

    text = does(host.items(host.ruleset(state, {})))
    assert text == does(nft_json.parse(state["nftables.json"].encode()))
    assert len(text) == sum("add rule" in command for command in NFT)
