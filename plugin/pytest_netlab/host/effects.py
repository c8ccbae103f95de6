"""What rules do to packets: questions about one rule, whichever tool wrote it.

Each looks at targets, statements, matches, tables and policies. None looks at names of
chains for what they sound like, or at comments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_netlab.host.rules import Action, Chain, Item, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

Question: TypeAlias = Callable[[Item], bool]
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
_ICMP_WORDS = {
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


def drops(item: Item) -> bool:
    """Return whether it drops packets, or a chain drops what nothing accepts."""
    if isinstance(item, Chain):
        return item.policy in ("DROP", "drop")
    return _does(item, "DROP", "drop")


def rejects(item: Item) -> bool:
    """Return whether it refuses packets and says so to their sender."""
    return _does(item, "REJECT", "reject")


def untracks(item: Item) -> bool:
    """Return whether it keeps packets from connection tracking."""
    told = any("--notrack" in one.words for one in _actions(item, "CT"))
    return told or _does(item, "NOTRACK", "notrack")


def bars(item: Item) -> bool:
    """Return whether it keeps packets from their way, or from translation."""
    return drops(item) or rejects(item) or untracks(item)


def translates_source(item: Item) -> bool:
    """Return whether it gives packets another source."""
    return _does(item, *_SOURCES)


def translates_destination(item: Item) -> bool:
    """Return whether it gives packets another destination."""
    return _does(item, *_DESTINATIONS)


def masquerades(item: Item) -> bool:
    """Return whether it masquerades in iptables' nat/POSTROUTING."""
    return in_postrouting(item) and _does(item, "MASQUERADE")


def masquerades_in_nft(item: Item) -> bool:
    """Return whether it is nft's masquerade, in any table."""
    return _is_nft(item) and _does(item, "masquerade")


def concerns_translation(item: Item) -> bool:
    """Return whether it has a say in what is translated, be it that nothing is."""
    translated = _does(item, *_SOURCES, *_DESTINATIONS) and _is_nft(item)
    return in_nat(item) or untracks(item) or translated


def randomises(item: Item) -> bool:
    """Return whether a source translation asks for random ports, not for kept ones."""
    asked = (one.words for one in _actions(item) if one.name in _SOURCES)
    return any(
        not _RANDOM.isdisjoint(word.split(",")) for words in asked for word in words
    )


def in_nat(item: Item) -> bool:
    """Return whether it is a rule in iptables' table nat."""
    return _is_in(item, "nat")


def in_filter(item: Item) -> bool:
    """Return whether it is a rule in iptables' table filter."""
    return _is_in(item, "filter")


def in_postrouting(item: Item) -> bool:
    """Return whether it is a rule in iptables' nat/POSTROUTING."""
    return isinstance(item, Rule) and in_nat(item) and item.chain == "POSTROUTING"


def publishes(item: Item) -> bool:
    """Return whether it is of Docker's chains in nat: stands there, or leads there."""
    if not isinstance(item, Rule) or not in_nat(item):
        return False
    return item.chain in _DOCKER or _does(item, *_DOCKER)


def published(item: Item) -> Published | None:
    """Return what a DNAT rule of iptables publishes; None for any other rule."""
    if not isinstance(item, Rule):
        return None
    named = (one for one in item.matches if one.name == "--dport")
    ports = (one.words for one in named if not one.negated)
    targets = (x.argument("--to-destination") for x in _actions(item, "DNAT"))
    port, target = next(ports, ()), next(targets, "")
    if not target or len(port) != 1 or not port[0].isdecimal():
        return None
    return Published(port[0], target)


def copies(item: Item) -> bool:
    """Return whether it sends a second copy of packets."""
    return _does(item, "TEE", "dup")


def alters(item: Item) -> bool:
    """Return whether it writes into packets what nft can set, or their checksums."""
    return bool(_is_nft(item) and writes(item)) or _does(item, "CHECKSUM")


def may_alter(item: Item) -> bool:
    """Return whether it stands where rules write: in iptables' mangle, or in nft's."""
    return _is_in(item, "mangle") or _is_nft(item)


def writes(item: Item) -> tuple[str, ...]:
    """Return what it writes: targets of iptables, fields of nft (`ip ttl`)."""
    if not _is_nft(item):
        return tuple(one.name for one in _actions(item, *_WRITERS))
    return tuple(_fields(item))


def concerns_icmp(item: Item) -> bool:
    """Return whether it looks for ICMP, or for fragments."""
    if not isinstance(item, Rule):
        return False
    looks = _looks_for_icmp if item.backend != "nft" else _nft_looks_for_icmp
    return any(map(looks, item.matches))


def _looks_for_icmp(match: Match) -> bool:
    named = not _ICMP_WORDS.get(match.name, set()).isdisjoint(match.words)
    return not match.negated and (named or match.name in _ICMP_OPTIONS)


def _nft_looks_for_icmp(match: Match) -> bool:
    words = {word.rstrip(",") for word in (*match.name.split(), *match.words)}
    return not _ICMP_FIELDS.isdisjoint(words)


def _fields(item: Item) -> Iterator[str]:
    for one in _actions(item):
        field = one.name.removesuffix(" set")
        if field != one.name and field.partition(" ")[0] not in _UNSENT:
            yield field
        elif one.name == "reset":
            yield " ".join(one.words)


def _is_in(item: Item, table: str) -> bool:
    if not isinstance(item, Rule) or item.backend == "nft":
        return False
    return item.table == table


def _is_nft(item: Item) -> bool:
    return isinstance(item, Rule | Chain) and item.backend == "nft"


def _actions(item: Item, *names: str) -> tuple[Action, ...]:
    """Return a rule's actions, those of these names where there are any."""
    found = item.actions if isinstance(item, Rule) else ()
    return tuple(one for one in found if not names or one.name in names)


def _does(item: Item, *names: str) -> bool:
    """Return whether it does one of these, be it what a map of verdicts says."""
    mapped = (one.words for one in _actions(item, *_MAPS))
    verdicts = (word.rstrip(",") for words in mapped for word in words)
    return bool(_actions(item, *names)) or any(word in names for word in verdicts)
