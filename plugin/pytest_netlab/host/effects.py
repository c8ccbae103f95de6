"""What rules do to packets: questions about one rule, whichever tool wrote it.

Each looks at targets, statements, matches, tables and policies. None looks at names of
chains for what they sound like, or at comments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_netlab.host.facts import Fact
from pytest_netlab.host.rules import Action, Chain, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

Question: TypeAlias = Callable[[Fact], bool]
_MAPS = ("vmap", "elements")
_SOURCES = ("SNAT", "MASQUERADE", "snat", "masquerade")
_DESTINATIONS = ("DNAT", "REDIRECT", "dnat", "redirect")
_RANDOM = {"--random", "--random-fully", "random", "fully-random"}
# Docker's own chains in the nat table: who publishes a port fills them.
_DOCKER = ("DOCKER", "DOCKER-INGRESS")
# Targets that write into packets; nft sets fields.
_WRITERS = ("TTL", "HL", "TOS", "DSCP", "ECN", "TCPMSS", "TCPOPTSTRIP", "CHECKSUM")
# What nft sets that is no part of a packet.
_UNSENT = ("meta", "ct", "mark")
_ICMP_OPTIONS = ("-f", "--icmp-type", "--icmpv6-type")
_ICMP_NAMES = {
    "-p": {"icmp", "ipv6-icmp", "icmpv6", "1", "58"},
    "-m": {"icmp", "icmp6", "frag"},
}
_ICMP_FIELDS = {"icmp", "icmpv6", "ipv6-icmp", "frag", "frag-off", "packet-too-big"}


@dataclass(frozen=True, slots=True)
class Published:
    """What a DNAT rule says: a port of the host, and where it leads."""

    port: str
    target: str

    @property
    def node(self) -> str:
        """Return where it leads, without the port."""
        return self.target.rpartition(":")[0]


def drops(fact: Fact) -> bool:
    """Return whether it drops packets, or a chain drops what nothing accepts."""
    if isinstance(fact, Chain):
        return fact.policy in ("DROP", "drop")
    return _does(fact, "DROP", "drop")


def rejects(fact: Fact) -> bool:
    """Return whether it refuses packets and says so to their sender."""
    return _does(fact, "REJECT", "reject")


def untracks(fact: Fact) -> bool:
    """Return whether it keeps packets from connection tracking."""
    notrack = any("--notrack" in one.tokens for one in _actions(fact, "CT"))
    return notrack or _does(fact, "NOTRACK", "notrack")


def bars(fact: Fact) -> bool:
    """Return whether it keeps packets from their way, or from translation."""
    return drops(fact) or rejects(fact) or untracks(fact)


def translates_source(fact: Fact) -> bool:
    """Return whether it gives packets another source."""
    return _does(fact, *_SOURCES)


def translates_destination(fact: Fact) -> bool:
    """Return whether it gives packets another destination."""
    return _does(fact, *_DESTINATIONS)


def masquerades(fact: Fact) -> bool:
    """Return whether it masquerades in iptables' nat/POSTROUTING."""
    return in_postrouting(fact) and _does(fact, "MASQUERADE")


def masquerades_in_nft(fact: Fact) -> bool:
    """Return whether it is nft's masquerade, in any table."""
    return _is_nft(fact) and _does(fact, "masquerade")


def concerns_translation(fact: Fact) -> bool:
    """Return whether it has a say in what is translated, be it that nothing is."""
    translated = _does(fact, *_SOURCES, *_DESTINATIONS) and _is_nft(fact)
    return in_nat(fact) or untracks(fact) or translated


def randomises(fact: Fact) -> bool:
    """Return whether a source translation asks for random ports, not for kept ones."""
    asked = (one.tokens for one in _actions(fact) if one.name in _SOURCES)
    return any(
        not _RANDOM.isdisjoint(word.split(",")) for tokens in asked for word in tokens
    )


def in_nat(fact: Fact) -> bool:
    """Return whether it is a rule in iptables' table nat."""
    return _is_in(fact, "nat")


def in_filter(fact: Fact) -> bool:
    """Return whether it is a rule in iptables' table filter."""
    return _is_in(fact, "filter")


def in_postrouting(fact: Fact) -> bool:
    """Return whether it is a rule in iptables' nat/POSTROUTING."""
    return isinstance(fact, Rule) and in_nat(fact) and fact.chain == "POSTROUTING"


def publishes(fact: Fact) -> bool:
    """Return whether it is of Docker's chains in nat: stands there, or leads there."""
    if not isinstance(fact, Rule) or not in_nat(fact):
        return False
    return fact.chain in _DOCKER or _does(fact, *_DOCKER)


def published(fact: Fact) -> Published | None:
    """Return what a DNAT rule of iptables publishes; None for any other rule."""
    if not isinstance(fact, Rule):
        return None
    named = (one for one in fact.matches if one.name == "--dport")
    ports = (one.tokens for one in named if not one.negated)
    targets = (x.argument("--to-destination") for x in _actions(fact, "DNAT"))
    port, target = next(ports, ()), next(targets, "")
    if not target or len(port) != 1 or not port[0].isdecimal():
        return None
    return Published(port[0], target)


def copies(fact: Fact) -> bool:
    """Return whether it sends a second copy of packets."""
    return _does(fact, "TEE", "dup")


def alters(fact: Fact) -> bool:
    """Return whether it writes into packets what nft can set, or their checksums."""
    return bool(_is_nft(fact) and writes(fact)) or _does(fact, "CHECKSUM")


def may_alter(fact: Fact) -> bool:
    """Return whether it stands where rules write: in iptables' mangle, or in nft's."""
    return _is_in(fact, "mangle") or _is_nft(fact)


def writes(fact: Fact) -> tuple[str, ...]:
    """Return what it writes: targets of iptables, fields of nft (`ip ttl`)."""
    if not _is_nft(fact):
        return tuple(one.name for one in _actions(fact, *_WRITERS))
    return tuple(_fields(fact))


def concerns_icmp(fact: Fact) -> bool:
    """Return whether it looks for ICMP, or for fragments."""
    if not isinstance(fact, Rule):
        return False
    looks = _looks_for_icmp if fact.backend != "nft" else _nft_looks_for_icmp
    return any(map(looks, fact.matches))


def _looks_for_icmp(match: Match) -> bool:
    named = not _ICMP_NAMES.get(match.name, set()).isdisjoint(match.tokens)
    return not match.negated and (named or match.name in _ICMP_OPTIONS)


def _nft_looks_for_icmp(match: Match) -> bool:
    tokens = {word.rstrip(",") for word in (*match.name.split(), *match.tokens)}
    return not _ICMP_FIELDS.isdisjoint(tokens)


def _fields(fact: Fact) -> Iterator[str]:
    for one in _actions(fact):
        field = one.name.removesuffix(" set")
        if field != one.name and field.partition(" ")[0] not in _UNSENT:
            yield field
        elif one.name == "reset":
            yield " ".join(one.tokens)


def _is_in(fact: Fact, table: str) -> bool:
    if not isinstance(fact, Rule) or fact.backend == "nft":
        return False
    return fact.table == table


def _is_nft(fact: Fact) -> bool:
    return isinstance(fact, Rule | Chain) and fact.backend == "nft"


def _actions(fact: Fact, *names: str) -> tuple[Action, ...]:
    """Return a rule's actions, those of these names where there are any."""
    found = fact.actions if isinstance(fact, Rule) else ()
    return tuple(one for one in found if not names or one.name in names)


def _does(fact: Fact, *names: str) -> bool:
    """Return whether it does one of these, be it what a map of verdicts says."""
    mapped = (one.tokens for one in _actions(fact, *_MAPS))
    verdicts = (word.rstrip(",") for tokens in mapped for word in tokens)
    return bool(_actions(fact, *names)) or any(word in names for word in verdicts)
