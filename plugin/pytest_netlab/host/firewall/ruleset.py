"""All rules of a host as lines that can be compared between hosts, and back as values.

Counters are removed, names replace addresses, and `net` replaces a network: the lines
say what the rules do, on any address plan. A golden's provenance has such lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.host.firewall import iptables, nftables
from pytest_netlab.host.firewall.chains import Place, callees, connected
from pytest_netlab.host.firewall.rules import OF_SET, Chain, Line, Rule
from pytest_netlab.host.naming import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_netlab.host.firewall.rules import Backend, Item

_NFT, _SIX, _LEGACY = "nft ", "ip6 ", "legacy "
_WORDS = 4  # words of nft's lines before the rule: nft, family, table, chain
_USUAL = "iptables.txt"
# Targets of iptables that are no chains; others may be.
_FINAL = frozenset({"ACCEPT", "DROP", "RETURN", "REJECT", "LOG", "MARK", "DNAT"})


def ruleset(state: Mapping[str, str], symbols: Mapping[str, str] | None = None) -> str:
    """Return all rules of a host as lines: iptables', and those beside them.

    Where the default iptables is the legacy one, its rules are not listed twice. Of
    iptables-legacy and ip6tables, a built-in chain that accepts is left out: whether
    its table exists at all depends on who listed it first.

    Args:
        state: a lab's evidence, file name -> text.
        symbols: address -> name; None keeps addresses and networks as they are.

    """

    def in_symbols(rule: str) -> str:
        return rule if symbols is None else named(rule, symbols)

    usual = _saved(state.get(_USUAL, ""))
    legacy = _saved(state.get("iptables-legacy.txt", ""), backend="legacy")
    six = _saved(state.get("ip6tables.txt", ""), family="ip6")
    if _counts(legacy, usual):
        legacy = ()
    beside = [one for one in (*legacy, *six) if not _accepts(one)]
    lines = [in_symbols(one.text.rstrip()) for one in (*usual, *beside)]
    listed = nftables.listed(state.get("nftables.txt", ""), listed_by_iptables(state))
    lines += [
        f"{place}{in_symbols(rule)}" for place, rule in sorted(listed, key=_order)
    ]
    return "\n".join(lines)


def _order(line: tuple[str, str]) -> tuple[str, str]:
    """Return what nft's lines are sorted by: only rules of one chain have an order.

    nft lists places by age, and elements as its hash table has them.
    """
    place, rule = line
    return place, "" if has_order(place) else rule


def has_order(line: str) -> bool:
    """Return whether it matters what stands before a line: not in sets and maps."""
    words = line.split(" ", _WORDS)
    of_set = "".join(words[_WORDS - 1 : _WORDS]).startswith(OF_SET)
    return not (line.startswith(_NFT) and of_set)


def _place(one: Rule | Chain) -> str:
    chain = one.chain if isinstance(one, Rule) else one.name
    return f"{one.family} {one.table} {chain}"


def listed_by_iptables(state: Mapping[str, str]) -> set[str]:
    """Return family, table and name of the nft chains that iptables lists."""
    usual = state.get(_USUAL, "")
    if iptables.is_legacy(usual):
        return set()
    six = _saved(state.get("ip6tables.txt", ""), family="ip6")
    return {_place(one) for one in (*_saved(usual), *six)}


def is_known(state: Mapping[str, str]) -> bool:
    """Return whether evidence has the rules of iptables, be it that there are none.

    Where the tool is missing or failed, its file has an error instead.
    """
    text = state.get(_USUAL)
    if text is None:
        return False
    lines = text.split()
    return not lines or any(word[0] in "#*" for word in lines)


def _saved(
    text: str, *, family: str = "ip", backend: Backend = "iptables"
) -> Sequence[Rule | Chain]:
    found = iptables.parse(text, family=family, backend=backend)
    return [one for one in found if not isinstance(one, Line)]


def _accepts(one: Rule | Chain) -> bool:
    return isinstance(one, Chain) and one.policy == "ACCEPT"


def _counts(legacy: Sequence[Rule | Chain], usual: Sequence[Rule | Chain]) -> bool:
    """Return whether there are legacy rules, and the default iptables has them all."""
    same = {one.text.removeprefix(_LEGACY) for one in legacy if not _accepts(one)}
    has_rule = any(isinstance(one, Rule) for one in legacy)
    return has_rule and same <= {one.text for one in usual}


def items(lines: str) -> tuple[Item, ...]:
    """Parse the lines of a ruleset."""
    return tuple(map(read, lines.splitlines()))


def among(lines: Iterable[str], some: Iterable[str]) -> tuple[Item, ...]:
    """Return the values of some of a ruleset's lines, connected with the others.

    Of the others, only those are parsed that connect: a host may have thousands.
    """
    wanted = tuple(some)
    if not wanted:
        return ()
    every = tuple(lines)
    links = {line: read(line) for line in every if _may_link(line)}
    links |= {line: read(line) for line in wanted}
    rules = (one for one in links.values() if isinstance(one, Rule))
    called = {place for rule in rules for place in callees(rule)}
    known = {
        line: links.get(line) or read(line)
        for line in (*every, *wanted)
        if line in links or chain_of(line) in called
    }
    found = {one.text: one for one in connected(known.values())}
    return tuple(found.get(line) or read(line) for line in wanted)


def _may_link(line: str) -> bool:
    """Return whether a line may say which chain leads to which, or is where."""
    if line.startswith(_NFT):
        return any(word in line for word in (" hook ", " jump ", " goto ", OF_SET))
    target = line.rpartition(" -j ")[2].partition(" ")[0]
    return target not in _FINAL


def chain_of(line: str) -> Place | None:
    """Return the chain of a line: its rule's, or the one that it is about."""
    if line.startswith(_NFT):
        family, table, chain = (*line.split(" ", _WORDS)[1:_WORDS], "", "", "")[:3]
        return "nft", family, table, chain
    sign = " -A " if " -A " in line else " :"
    head, _, rule = line.partition(sign)
    *before, table = head.split(" ")
    backend = "legacy" if _LEGACY.strip() in before else "iptables"
    family = "ip6" if _SIX.strip() in before else "ip"
    return backend, family, table, rule.partition(" ")[0]


def read(line: str) -> Item:
    """Parse one line; the `text` of the value is that line.

    A line of anything else, such as a route, is kept as it is.
    """
    found = _nft(line) if line.startswith(_NFT) else _iptables(line)
    return found if found.text == line else Line(line)


def _nft(line: str) -> Item:
    head = line.split(" ", _WORDS)
    return nftables.item(*head[1:]) if len(head) > _WORDS else Line(line)


def _iptables(line: str) -> Item:
    rest = line.removeprefix(_SIX)
    family = "ip6" if rest != line else "ip"
    last = rest.removeprefix(_LEGACY)
    backend: Backend = "legacy" if last != rest else "iptables"
    table, _, body = last.partition(" ")
    return iptables.item(body, table, family=family, backend=backend)
