"""The rules by which a mutation means nothing: what each covers, and what not."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from pytest_netlab import capture as captures
from pytest_netlab.diff import Policy
from pytest_netlab.mutate import RULES, equivalence, mutations
from pytest_netlab.mutate.context import Context
from pytest_netlab.mutate.equivalent import Change
from pytest_netlab.mutate.model import EVERY, FLOW, FLOW_ONE, ONE, Mutation
from pytest_netlab.store import Store, read

GOLDEN = Path(__file__).resolve().parents[3] / "golden"


@cache
def context(name: str = "published-web") -> Context:
    """Return a golden, taken apart."""
    capture = captures.read(GOLDEN / name / "capture.pcapng")
    return Context(capture, Store(GOLDEN).load(name).canonical)


def rule_of(policy: Policy | None = None, /, **fields: object) -> str:
    """Return the name of the rule that applies to a mutation, "" for none."""
    told: dict[str, object] = {
        "family": "field",
        "role": "data",
        "proto": "tcp",
        "detail": "",
        "packets": (1,),
        "frames": list,
    }
    one = Mutation(**{**told, **fields})  # type: ignore[arg-type]
    rule = equivalence(Change(one, context(), policy or Policy()))
    return rule.name if rule else ""


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"field": "noise", "role": ""}, "noise"),
        ({"field": "source MAC", "scope": ONE}, ""),
        ({"field": "vlan", "scope": ONE}, ""),
        ({"family": "flow", "field": "client port", "scope": FLOW}, "symbol"),
        ({"family": "flow", "field": "client port", "scope": FLOW_ONE}, ""),
        ({"family": "flow", "field": "server port", "scope": FLOW}, ""),
        ({"family": "flow", "field": "address", "scope": FLOW}, ""),
        ({"field": "source port", "scope": EVERY, "packets": (5,)}, ""),
        ({"field": "tcp seq", "scope": EVERY, "packets": (5,)}, ""),
        ({"field": "ip id", "scope": EVERY}, "sender"),
        ({"field": "ip id", "scope": ONE}, ""),
        ({"field": "payload", "scope": EVERY}, "sender"),
        ({"field": "payload", "scope": EVERY, "proto": "icmp"}, ""),
        ({"field": "corrupted payload", "scope": EVERY}, ""),
        ({"field": "PSH flag", "scope": EVERY}, "flags"),
        ({"field": "PSH flag", "scope": ONE}, ""),
        ({"field": "PSH flag", "scope": EVERY, "role": "SYN"}, ""),
        ({"field": "RST flag", "scope": EVERY}, ""),
        ({"field": "nop option", "scope": EVERY}, "options"),
        ({"field": "timestamps kind", "scope": EVERY, "role": "SYN"}, ""),
        ({"field": "mss value", "scope": EVERY, "role": "SYN"}, "policy"),
        ({"field": "mss value", "scope": ONE, "role": "SYN"}, ""),
        ({"field": "ECE flag", "scope": EVERY, "role": "SYN"}, "flags"),
        ({"field": "ECE flag", "scope": ONE, "role": "SYN"}, ""),
        ({"family": "drop", "scope": EVERY, "role": "ack"}, "ack"),
        ({"family": "drop", "scope": ONE, "role": "ack"}, ""),
        ({"family": "drop", "scope": EVERY, "role": "data"}, ""),
        ({"field": "ttl", "scope": EVERY, "role": "ack"}, "ack"),
        ({"field": "ttl", "scope": EVERY}, ""),
        ({"field": "l4 checksum", "scope": EVERY, "role": "ack"}, ""),
        ({"field": "urgent pointer", "scope": ONE}, ""),
        ({"field": "tcp ack", "scope": EVERY, "role": "SYN"}, "unused"),
        ({"field": "tcp ack", "scope": ONE, "role": "SYN"}, ""),
        ({"family": "retransmit", "scope": EVERY}, "repeat"),
        ({"family": "retransmit", "scope": EVERY, "proto": "icmp"}, ""),
        ({"family": "duplicate", "scope": EVERY}, "doubled"),
        ({"family": "reorder", "field": "crossing", "scope": ONE}, "order"),
        ({"family": "reorder", "field": "answered", "scope": ONE}, ""),
    ],
)
def test_rules(fields: dict[str, object], rule: str) -> None:
    """Each rule covers what its reason says, and not its neighbours."""
    assert rule_of(None, **fields) == rule


@pytest.mark.parametrize("scope", [EVERY, FLOW])
def test_policy(scope: str) -> None:
    """A field whose policy is `any` means nothing, at both points alike only."""
    anything = Policy.parse({"ttl": "any"})

    assert rule_of(anything, field="ttl", scope=scope) == "policy"
    assert rule_of(anything, field="ttl", scope=ONE) == ""
    assert rule_of(anything, field="dscp", scope=scope) == ""


def test_rules_that_look_at_the_capture() -> None:
    """An acknowledgement of bytes that have crossed, the last FIN and later data."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for one in mutations(context()):
        rule = equivalence(Change(one, context(), Policy()))
        counted[one.field][rule.name if rule else ""] += 1

    assert counted["tcp ack"]["acknowledged"]
    assert counted["tcp ack"][""] > counted["tcp ack"]["acknowledged"]
    assert counted["FIN flag"] == Counter({"": 32, "fin": 4})
    assert counted["ecn"]["ecn"]
    assert counted["ecn"][""]


def test_every_rule_is_needed_and_says_why(refusal: Context) -> None:
    """No rule is there for nothing: each applies to some mutation of the goldens."""
    anything = Policy.parse({"ttl": "any"})
    used = set()
    contexts = [context("ping-beyond"), context("published-web"), refusal]
    for where in contexts:
        for one in mutations(where):
            rule = equivalence(Change(one, where, anything))
            used.add(rule.name if rule else "")

    assert used == {"", *(rule.name for rule in RULES)}
    assert all(len(rule.reason) > 20 for rule in RULES)


@pytest.mark.parametrize("field", ["source port", "tcp seq"])
def test_symbol_of_a_lone_packet(field: str) -> None:
    """A packet that is a whole conversation is changed consistently by itself."""
    capture = captures.read(GOLDEN / "direct-published/closed/capture.pcapng")
    story = read(GOLDEN / "direct-published/closed").canonical
    lone = Context(capture, story)
    row = lone.packets[0].rows[0] + 1
    told = {"role": "SYN", "proto": "tcp", "detail": "", "frames": list}
    found = []
    for scope in (EVERY, ONE):
        one = Mutation(family="field", field=field, scope=scope, packets=(row,), **told)  # type: ignore[arg-type]
        rule = equivalence(Change(one, lone, Policy()))
        found.append(rule.name if rule else "")

    assert found == ["symbol", ""]
