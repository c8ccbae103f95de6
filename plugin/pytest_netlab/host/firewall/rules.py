"""Rules of a host's firewall as values, whichever tool printed them.

Words are kept as the tool prints them, so that a value's `text` is what was read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Backend = Literal["iptables", "legacy", "nft"]
Counters: TypeAlias = tuple[int, int]  # packets, octets
OF_SET = "@"  # what begins the "chain" of an element of a set or map, before its name


class Hook(NamedTuple):
    """Where a chain takes packets: nft's words, and iptables' table as the type."""

    type: str
    at: str


@dataclass(frozen=True, slots=True)
class Match:
    """A condition that a packet must meet for the rest of the rule to apply.

    Attributes:
        name: an option of iptables (`-s`, `--dport`); a field of nft (`ip daddr`), or
            the first word of what is none (`limit`).
        tokens: what follows, quoted where the tool quotes.
        negated: iptables' `!` stands before the option.
        detail: the statement's own JSON; "" where nft gave none.

    """

    name: str
    tokens: tuple[str, ...] = ()
    negated: bool = False
    detail: str = ""

    def __str__(self) -> str:
        """Render as the tool prints it."""
        return " ".join(("!",) * self.negated + (self.name, *self.tokens))


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does with a packet.

    Attributes:
        name: a target of iptables (`DNAT`, or a chain), a statement of nft (`drop`,
            `jump`), or the field that nft sets (`ip ttl set`).
        tokens: its arguments, quoted where the tool quotes.
        option: iptables' option for the target, `-j` or `-g`; "" in nft's rules.
        detail: the statement's own JSON; "" where nft gave none.

    """

    name: str
    tokens: tuple[str, ...] = ()
    option: str = ""
    detail: str = ""

    def __str__(self) -> str:
        """Render as the tool prints it."""
        return " ".join((self.option,) * bool(self.option) + (self.name, *self.tokens))

    def argument(self, option: str) -> str:
        """Return the word after an option; "" for none."""
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return next((value for name, value in pairs if name == option), "")


Statement: TypeAlias = Match | Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule in its chain.

    Attributes:
        family: `ip`, `ip6`, or another family of nft (`inet`, `bridge`, ...).
        backend: `iptables` is the default one, whether its rules are nf_tables' or
            legacy ones; `legacy` is iptables-legacy beside it.
        table: its table.
        chain: its chain. An element of a set or map in nft's text is read as a rule in
            a chain `@NAME`: it decides about packets as a rule does.
        statements: in order. iptables has at most one action, the last of them.
        counters: what iptables counted; None without counters, and for nft.
        handle: nft's number of the rule, where it gave JSON.
        hooks: those whose packets may come to it. This and the following are known of
            rules that were read together (`chains.connected`), else empty.
        leads: what rules do in the chains that it may send packets to, by name: `drop`.
        users: of an element, the rules that look it up.

    """

    family: str
    backend: Backend
    table: str
    chain: str
    statements: tuple[Statement, ...] = ()
    counters: Counters | None = None
    handle: int | None = None
    hooks: frozenset[Hook] = field(default=frozenset(), compare=False, repr=False)
    leads: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    users: tuple[Rule, ...] = field(default=(), compare=False, repr=False)

    @property
    def matches(self) -> tuple[Match, ...]:
        """Return the conditions that a packet must meet."""
        return tuple(one for one in self.statements if isinstance(one, Match))

    @property
    def actions(self) -> tuple[Action, ...]:
        """Return what the rule does with such a packet."""
        return tuple(one for one in self.statements if isinstance(one, Action))

    @property
    def comment(self) -> str:
        """Return its comment without quotes; "" for none."""
        named = (one for one in self.statements if one.name in ("--comment", "comment"))
        word = next((one.tokens[0] for one in named if one.tokens), "")
        return unquoted(word, escapes=self.backend != "nft")

    @property
    def body(self) -> str:
        """Return its statements, as its tool prints them."""
        return " ".join(map(str, self.statements))

    @property
    def text(self) -> str:
        """Return its line without counters, by which hosts are compared."""
        if self.backend == "nft":
            return f"nft {self.family} {self.table} {self.chain} {self.body}"
        head = f"{_prefix(self)}{self.table} -A {self.chain}"
        return f"{head} {self.body}" if self.statements else head


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain, with its policy for packets that none of its rules decides about.

    Attributes:
        family: as a rule's.
        backend: as a rule's.
        table: its table.
        name: its name.
        policy: `ACCEPT`, `drop`, ...; for a chain without a hook `-` in iptables, and
            "" in nft.
        hook: nft's type, hook and priority, in its words; "" for none, and in iptables.
        counters: what iptables counted at the policy; None without counters.
        handle: nft's number of the chain, where it gave JSON.

    """

    family: str
    backend: Backend
    table: str
    name: str
    policy: str = ""
    hook: str = ""
    counters: Counters | None = None
    handle: int | None = None

    @property
    def text(self) -> str:
        """Return its line without counters, by which hosts are compared."""
        if self.backend != "nft":
            return f"{_prefix(self)}{self.table} :{self.name} {self.policy}"
        head = f"nft {self.family} {self.table} {self.name}"
        return f"{head} {self.hook}; policy {self.policy};" if self.hook else head


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is neither rule nor chain: kept as it is, and not parsed."""

    text: str


Item: TypeAlias = Rule | Chain | Line


def unquoted(word: str, *, escapes: bool) -> str:
    r"""Return a word without its quotes, and without each `\` that escapes."""
    if len(word) < len('""') or word[0] != '"' or word[-1] != '"':
        return word
    if not escapes:
        return word[1:-1]
    split = word[1:-1].split("\\\\")
    return "\\".join(piece.replace("\\", "") for piece in split)


def _prefix(one: Rule | Chain) -> str:
    """Return what begins a line of IPv6 or iptables-legacy; "" for any other."""
    six = "ip6 " if one.family == "ip6" else ""
    return f"{six}legacy " if one.backend == "legacy" else six
