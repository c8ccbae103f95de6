"""A host's state as values, and how two hosts differ.

Knows netlink messages and the text of iptables, nft, ip, sysctl and conntrack, which it
reads and writes. Refuses to know how a host is queried, what is expected of it, and why
a packet was lost.
"""

from pytest_netlab.host.difference import (
    HostChange,
    difference,
    read,
    set_at_ends,
)
from pytest_netlab.host.facts import EndSetting, Fact, LinkState, Reach
from pytest_netlab.host.firewall.conditions import Sent
from pytest_netlab.host.firewall.counters import counted
from pytest_netlab.host.firewall.effects import Published, Question
from pytest_netlab.host.firewall.postrouting import asks_for_random
from pytest_netlab.host.firewall.rules import Action, Chain, Item, Line, Match, Rule
from pytest_netlab.host.firewall.ruleset import is_known, items, ruleset
from pytest_netlab.host.routing.routes import device

__all__ = [
    "Action",
    "Chain",
    "EndSetting",
    "Fact",
    "HostChange",
    "Item",
    "Line",
    "LinkState",
    "Match",
    "Published",
    "Question",
    "Reach",
    "Rule",
    "Sent",
    "asks_for_random",
    "counted",
    "device",
    "difference",
    "is_known",
    "items",
    "read",
    "ruleset",
    "set_at_ends",
]
