"""How many packets each rule and each policy counted during a capture.

A rule that counted none did nothing to the captured packets, whatever it says.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_netlab.host.firewall import iptables, nftables
from pytest_netlab.host.firewall.rules import Line, Rule
from pytest_netlab.host.firewall.ruleset import listed_by_iptables
from pytest_netlab.host.naming import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_netlab.host.firewall.rules import Backend

_SAVED: tuple[tuple[str, str, Backend], ...] = (
    ("iptables.txt", "ip", "iptables"),
    ("iptables-legacy.txt", "ip", "legacy"),
    ("ip6tables.txt", "ip6", "iptables"),
)
_NFT = "nftables.txt"
FILES = (*(name for name, _, _ in _SAVED), _NFT)


def counted(
    before: Mapping[str, str], after: Mapping[str, str], symbols: Mapping[str, str]
) -> dict[str, int]:
    """Return a rule's line in names -> the packets that it counted in between.

    Lines without a counter are left out. Those of equal rules are added up. A rule that
    is new, or whose counter was set back, has counted what it shows.

    Args:
        before: file name -> text; `FILES` are read.
        after: likewise, later.
        symbols: address -> name.

    """
    was, now = (_counters(state, symbols) for state in (before, after))
    return {
        line: count - was[line] if count >= was[line] else count
        for line, count in now.items()
    }


def _counters(state: Mapping[str, str], symbols: Mapping[str, str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for line, count in _lines(state):
        found[named(line, symbols)] += count
    return found


def _lines(state: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    uncounted = set(nftables.uncounted(state.get(_NFT, "")))
    for name, family, backend in _SAVED:
        text = state.get(name, "")
        is_nft = backend != "legacy" and not iptables.is_legacy(text)
        seen: Counter[str] = Counter()
        for one in iptables.parse(text, family=family, backend=backend):
            if isinstance(one, Line) or one.counters is None:
                continue
            if isinstance(one, Rule):
                chain = f"{family} {one.table} {one.chain}"
                at, seen[chain] = seen[chain], seen[chain] + 1
                if is_nft and (chain, at) in uncounted:
                    continue
            yield one.text.rstrip(), one.counters[0]
    yield from nftables.counted(state.get(_NFT, ""), listed_by_iptables(state))
