"""Where on a frame's path a rule acts, as far as docker0's capture point is concerned.

docker0 shows a frame when the bridge has passed it up, and one that the host sends
before the bridge has it. With br_netfilter the bridge also goes through PREROUTING.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.host.firewall.rules import Chain, Hook, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.host.facts import Fact

    Places = Mapping[str, tuple[str, ...]]  # family -> hooks

_EARLY: Places = {
    "bridge": ("prerouting", "input"),
    "netdev": ("ingress",),
    **dict.fromkeys(("ip", "ip6", "inet"), ("prerouting", "ingress")),
}
_LATE: Places = {
    "bridge": ("forward", "output", "postrouting"),
    "netdev": ("egress",),
}
_BUILT_IN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")


def is_early(fact: Fact) -> bool:
    """Return whether a rule or policy may act on a frame before docker0 shows it."""
    return _is_at(fact, _EARLY)


def is_late(fact: Fact) -> bool:
    """Return whether it may act on a frame below IP after docker0 showed it."""
    return _is_at(fact, _LATE)


def _is_at(fact: Fact, places: Places) -> bool:
    """Return whether one of its hooks is among these, or it is not known which."""
    if not isinstance(fact, Rule | Chain) or fact.family not in places:
        return False
    hooks = fact.hooks if isinstance(fact, Rule) else _policy(fact)
    known = [hook.at for hook in hooks] or list(_built_in(fact))
    return not known or any(at in places[fact.family] for at in known)


def _policy(chain: Chain) -> Iterable[Hook]:
    """Return the hook of a chain of nft: `type filter hook input priority 0`."""
    words = chain.hook.split(" ")
    return [Hook(words[1], words[3])] if words[2:3] == ["hook"] and words[3:] else []


def _built_in(fact: Rule | Chain) -> Iterable[str]:
    """Yield the hook that the name of a chain of iptables says."""
    name = fact.chain if isinstance(fact, Rule) else fact.name
    if fact.backend != "nft" and name in _BUILT_IN:
        yield name.lower()
