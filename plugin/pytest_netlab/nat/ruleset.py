"""Rules of a host as lines that can be compared between hosts. Pure text.

Counters go, names stand for addresses, and a network is just `net`: what is left says
what the rules do, on whatever address plan.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from ipaddress import IPv6Interface
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_netlab.host.connections import Connection

_COUNTERS = re.compile(r"\[\d+:\d+\]\s*")
_ADDRESS = re.compile(r"\b(\d+\.\d+\.\d+\.\d+)(?:/(\d+))?")
_IPTABLES = re.compile(r"table ip6? (filter|nat|mangle|raw|security) ")
_NFT_COUNTER = re.compile(r"counter packets \d+ bytes \d+")
_NFT_HANDLE = re.compile(r"# handle \d+$")
# What stands before, and what somewhere behind it. One pattern for both would look for
# the second from each of the first again: hours, for a rule that was made for it.
_RANDOM = (
    (re.compile(r"(MASQUERADE|SNAT)\b"), re.compile(r"--random(-fully)?\b")),
    (re.compile(r"\b(masquerade|snat)\b"), re.compile(r"\b(fully-)?random\b")),
)
_DPORT = re.compile(r"--dport (\d+) ")
_DNAT = re.compile(r"-j DNAT --to-destination (\S+)")
_TRANSLATES = re.compile(
    r"^(legacy |ip6 )?nat -A|NOTRACK|notrack|^nft .*\b(dnat|snat|masquerade|redirect)\b"
)
_IN_BRACKETS = re.compile(r"\[([0-9a-fA-F:]+)\]")
_TWO_COLONS = 2
# Facts of several lines, of which each stands for itself.
LISTS = ("ruleset", "routes", "links")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChange:
    """How a host differs from the one a golden was recorded on.

    `missing` and `extra` are normalised rules, routes and links; `moved` are rules that
    stand elsewhere among the others; `settings` is name -> (then, here). `tracked` is
    what connection tracking holds here, and `full` says how much where that is all it
    can: no differences, but evidence.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    settings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    tracked: tuple[Connection, ...] = ()
    full: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """What a DNAT rule says: a port of the host, and where it leads."""

    port: str
    target: str

    @property
    def node(self) -> str:
        """Return where it leads, without the port."""
        return self.target.rpartition(":")[0]


def normalize(saved: str, symbols: Mapping[str, str], prefix: str = "") -> str:
    """Return what `iptables-save` printed, without what differs between any two runs.

    Args:
        saved: the output, of one family and backend.
        symbols: address -> name.
        prefix: put before each line, for a family or backend beside the usual one.
            There a built-in chain that accepts goes without saying: whether its table
            exists at all depends on who looked at it first.

    """
    table = ""
    kept = []
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith((":", "-A", "[")):
            rule = _COUNTERS.sub("", line).strip()
            if not (prefix and rule.startswith(":") and rule.endswith("ACCEPT")):
                kept.append(f"{prefix}{table} {named(rule, symbols)}")
    return "\n".join(kept)


def foreign(listed: str, symbols: Mapping[str, str]) -> str:
    """Return the rules of tables that iptables does not own, a line each.

    firewalld and hand-written nft tables hook in beside iptables' own, and any of them
    may drop or reject what Docker's rules accept.

    Args:
        listed: what `nft list ruleset` printed.
        symbols: address -> name.

    """
    table = chain = ""
    kept = []
    for listed_line in listed.splitlines():
        line = _NFT_HANDLE.sub("", listed_line).strip()
        words = line.split()
        if line.endswith("{") and words[0] == "table":
            table = "" if _IPTABLES.match(line) else " ".join(words[1:3])
        elif line.endswith("{"):
            chain = words[1] if len(words) > 1 else ""
        elif table and words and words[0] not in ("}", "#"):
            rule = _NFT_COUNTER.sub("counter", line)
            kept.append(f"nft {table} {chain} {named(rule, symbols)}")
    return "\n".join(kept)


def ruleset(state: Mapping[str, str], symbols: Mapping[str, str]) -> str:
    """Return all rules of a host as lines: iptables', and those beside them.

    Where iptables itself is the legacy one, its rules are not told twice.

    Args:
        state: a lab's evidence, file name -> text.
        symbols: address -> name.

    """
    rules = normalize(state.get("iptables.txt", ""), symbols)
    legacy = normalize(state.get("iptables-legacy.txt", ""), symbols, "legacy ")
    same = {line.removeprefix("legacy ") for line in legacy.splitlines()}
    if same <= set(rules.splitlines()) and any(" -A " in line for line in same):
        legacy = ""
    six = normalize(state.get("ip6tables.txt", ""), symbols, "ip6 ")
    others = foreign(state.get("nftables.txt", ""), symbols)
    return "\n".join(filter(None, (rules, legacy, six, others)))


def host_change(
    was: Mapping[str, str],
    now: Mapping[str, str],
    tracked: Sequence[Connection] = (),
    full: str = "",
) -> HostChange:
    """Return how two hosts' facts differ; rules, routes and links by line.

    A fact that either side does not know tells nothing.
    """
    both = [name for name in was if name in now and name not in LISTS]
    settings = {name: (was[name], now[name]) for name in both if was[name] != now[name]}
    lists = [(was.get(name, ""), now.get(name, "")) for name in LISTS]
    known = [(old.splitlines(), new.splitlines()) for old, new in lists if old and new]
    return HostChange(
        missing=tuple(rule for old, new in known for rule in _only_in(old, new)),
        extra=tuple(rule for old, new in known for rule in _only_in(new, old)),
        moved=tuple(rule for old, new in known[:1] for rule in _moved(old, new)),
        settings=settings,
        tracked=tuple(tracked),
        full=full,
    )


def _only_in(these: Sequence[str], those: Sequence[str]) -> Iterator[str]:
    others = set(those)
    return (rule for rule in these if rule not in others)


def _moved(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the rules of both that stand in another order."""
    both = set(old) & set(new)
    was, now = ([rule for rule in rules if rule in both] for rules in (old, new))
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    for verb, start, end, _, _ in matcher.get_opcodes():
        if verb in ("delete", "replace"):
            yield from was[start:end]


def translates(rule: str) -> bool:
    """Tell whether a normalised rule has a say in what is translated."""
    return _TRANSLATES.search(rule) is not None


def randomises(rules: str) -> bool:
    """Tell whether any source translation asks for random ports, not for kept ones.

    Args:
        rules: normalised, a line each: iptables' or nft's words.

    """
    pairs = [(rule, pair) for rule in rules.splitlines() for pair in _RANDOM]
    return any(_follows(rule, *pair) is not None for rule, pair in pairs)


def published(rule: str) -> Published | None:
    """Return what a normalised DNAT rule publishes; None for any other rule."""
    found = _follows(rule, _DPORT, _DNAT)
    return Published(found[0][1], found[1][1]) if found else None


def _follows(
    rule: str, first: re.Pattern[str], second: re.Pattern[str]
) -> tuple[re.Match[str], re.Match[str]] | None:
    """Return where one pattern matches and another behind it; None for nowhere."""
    start = first.search(rule)
    end = second.search(rule, start.end()) if start else None
    return (start, end) if start and end else None


def named(rule: str, symbols: Mapping[str, str]) -> str:
    """Return a line with names for its addresses, and `net` for a network."""

    def name(found: re.Match[str]) -> str:
        address, length = found.groups()
        if length not in (None, "32"):
            return found.group() if address.startswith("127.") else "net"
        return symbols.get(address, address)

    words = _ADDRESS.sub(name, rule).split(" ")
    return " ".join(_named6(word, symbols) for word in words)


def _named6(word: str, symbols: Mapping[str, str]) -> str:
    """Return a word with names for IPv6 addresses; any other word as it is."""
    if word.count(":") < _TWO_COLONS:
        return word
    bare = _IN_BRACKETS.search(word)
    try:
        found = IPv6Interface(bare[1] if bare else word)
    except ValueError:
        return word
    if found.network.prefixlen < found.max_prefixlen:
        return "net"
    known = symbols.get(str(found.ip), str(found.ip))
    return word.replace(bare[0], known) if bare else known
