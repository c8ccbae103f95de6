"""What rules do to packets: predicates on one rule, whichever tool printed it.

They look at targets, statements, matches, tables and policies. None guesses from the
name of a chain or from a comment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_netlab.host.facts import Fact
from pytest_netlab.host.firewall.chains import MAPS
from pytest_netlab.host.firewall.nftables import OF_TABLE, is_dormant
from pytest_netlab.host.firewall.rules import Action, Chain, Match, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

Question: TypeAlias = Callable[[Fact], bool]
_SOURCES = ("SNAT", "MASQUERADE", "snat", "masquerade")
_DESTINATIONS = ("DNAT", "REDIRECT", "dnat", "redirect")
_EXEMPTS = ("ACCEPT", "RETURN", "accept", "return")
_FILTERED = ("input", "forward", "output")
_RANDOM = {"--random", "--random-fully", "random", "fully-random"}
# Docker's own chains in the nat table: they have the rules of published ports.
_DOCKER = ("DOCKER", "DOCKER-INGRESS")
# iptables' targets that change packets; nft sets fields instead.
_WRITERS = ("TTL", "HL", "TOS", "DSCP", "ECN", "TCPMSS", "TCPOPTSTRIP", "CHECKSUM")
# What nft sets that is not part of a packet.
_UNSENT = ("meta", "ct", "mark")
_ICMP_OPTIONS = ("-f", "--icmp-type", "--icmpv6-type")
_ICMP_NAMES = {
    "-p": {"icmp", "ipv6-icmp", "icmpv6", "1", "58"},
    "-m": {"icmp", "icmp6", "frag"},
}
_ICMP_FIELDS = {"icmp", "icmpv6", "ipv6-icmp", "frag", "frag-off", "packet-too-big"}


@dataclass(frozen=True, slots=True)
class Published:
    """A port that a DNAT rule publishes, and its target, NODE:PORT."""

    port: str
    target: str

    @property
    def node(self) -> str:
        """Return the target without its port."""
        return self.target.rpartition(":")[0]


def drops(fact: Fact) -> bool:
    """Return whether it is a rule that drops packets, or a chain whose policy does."""
    if isinstance(fact, Chain):
        return fact.policy in ("DROP", "drop")
    return _does(fact, "DROP", "drop")


def rejects(fact: Fact) -> bool:
    """Return whether it rejects packets, with an answer to their sender."""
    return _does(fact, "REJECT", "reject")


def untracks(fact: Fact) -> bool:
    """Return whether it exempts packets from connection tracking."""
    notrack = any("--notrack" in one.tokens for one in _actions(fact, "CT"))
    return notrack or _does(fact, "NOTRACK", "notrack")


def assigns_helper(fact: Fact) -> bool:
    """Return whether it has a conntrack helper read what connections say."""
    by_iptables = any("--helper" in one.tokens for one in _actions(fact, "CT"))
    return by_iptables or _does(fact, "ct helper set")


def accepts(fact: Fact) -> bool:
    """Return whether it is a rule of a filter that lets packets through."""
    return in_filter(fact) and _does(fact, "ACCEPT", "accept")


def exempts(fact: Fact) -> bool:
    """Return whether it keeps packets from the rules for translation behind it."""
    return in_nat(fact) and _does(fact, *_EXEMPTS)


def sleeps(rule: Fact) -> Question:
    """Return the question whether a fact says that the table of a rule is dormant."""

    def asks(fact: Fact) -> bool:
        if not isinstance(fact, Rule) or not isinstance(rule, Rule | Chain):
            return False
        flags = fact.chain == OF_TABLE and is_dormant(fact.body)
        return flags and (fact.family, fact.table) == (rule.family, rule.table)

    return asks


def bars(fact: Fact) -> bool:
    """Return whether it stops packets, or exempts them from tracking and thus NAT."""
    return drops(fact) or rejects(fact) or untracks(fact)


def translates_source(fact: Fact) -> bool:
    """Return whether it translates the source of packets."""
    return _does(fact, *_SOURCES)


def translates_destination(fact: Fact) -> bool:
    """Return whether it translates the destination of packets."""
    return _does(fact, *_DESTINATIONS)


def masquerades(fact: Fact) -> bool:
    """Return whether packets get another source by it, or in a chain that it calls."""
    if not isinstance(fact, Rule) or not (in_postrouting(fact) or _is_nft(fact)):
        return False
    return _does(fact, *_SOURCES) or not fact.leads.isdisjoint(_SOURCES)


def concerns_translation(fact: Fact) -> bool:
    """Return whether it affects what is translated, if only by exempting packets."""
    translated = _does(fact, *_SOURCES, *_DESTINATIONS) and _is_nft(fact)
    return in_nat(fact) or untracks(fact) or translated


def randomises(fact: Fact) -> bool:
    """Return whether it is a source translation that asks for random ports."""
    asked = (one.tokens for one in _actions(fact) if one.name in _SOURCES)
    return any(
        not _RANDOM.isdisjoint(word.split(",")) for tokens in asked for word in tokens
    )


def in_nat(fact: Fact) -> bool:
    """Return whether it is a rule where addresses are translated."""
    return _is_in(fact, "nat") or _hooked(fact, "nat")


def in_filter(fact: Fact) -> bool:
    """Return whether it is a rule where packets are let in, through, or out."""
    return _is_in(fact, "filter") or _hooked(fact, "filter", *_FILTERED)


def in_postrouting(fact: Fact) -> bool:
    """Return whether it is a rule where sources are translated."""
    if isinstance(fact, Rule) and _is_in(fact, "nat"):
        return fact.chain == "POSTROUTING"
    return _hooked(fact, "nat", "postrouting")


def publishes(fact: Fact) -> bool:
    """Return whether it translates destinations, or leads to rules that do.

    So do all rules of Docker's chains in iptables' nat, and those that jump to one.
    """
    if not isinstance(fact, Rule) or not (in_nat(fact) or _is_nft(fact)):
        return False
    if fact.backend != "nft" and fact.chain in _DOCKER:
        return True
    leads = not fact.leads.isdisjoint((*_DESTINATIONS, *_DOCKER))
    return leads or _does(fact, *_DOCKER, *_DESTINATIONS)


def published(fact: Fact) -> Published | None:
    """Return which port a DNAT rule, or an element of its map, leads to which node."""
    if not isinstance(fact, Rule):
        return None
    port, target = _mapped(fact) if fact.users else (_port(fact), _target(fact))
    if not target or not port.isdecimal():
        return None
    return Published(port, target if ":" in target else f"{target}:{port}")


def _port(rule: Rule) -> str:
    """Return the only destination port that a rule matches; "" for any other."""
    for one in rule.matches:
        if one.name == "--dport" or one.name.endswith(" dport"):
            words = [word for word in one.tokens if word != "=="]
            return "" if one.negated or len(words) != 1 else words[0]
    return ""


def _target(rule: Rule) -> str:
    """Return where a rule translates destinations to; "" if that depends on a map."""
    for one in _actions(rule, "DNAT", "dnat"):
        if one.option:
            return one.argument("--to-destination")
        return "" if "map" in one.tokens else one.argument("to")
    return ""


def _mapped(element: Rule) -> tuple[str, str]:
    """Return the port and the target of `host . 81 : web . 80` in a map for DNAT."""
    if not _does(element, "dnat"):
        return "", ""
    key, _, value = element.body.partition(" : ")
    return key.split(" ")[-1], value.replace(" . ", ":")


def copies(fact: Fact) -> bool:
    """Return whether it sends a second copy of packets."""
    return _does(fact, "TEE", "dup")


def intercepts(fact: Fact) -> bool:
    """Return whether it hands packets to the host itself, whoever they are for."""
    return _does(fact, "REDIRECT", "TPROXY", "redirect", "tproxy")


def answers_handshakes(fact: Fact) -> bool:
    """Return whether the host completes handshakes by it before its target has any."""
    return _does(fact, "SYNPROXY", "synproxy")


def queues(fact: Fact) -> bool:
    """Return whether it hands packets to a program, which may hold or reorder them."""
    return _does(fact, "NFQUEUE", "queue")


def alters(fact: Fact) -> bool:
    """Return whether it sets fields by nft, or fills in checksums by iptables."""
    return bool(_is_nft(fact) and writes(fact)) or _does(fact, "CHECKSUM")


def may_alter(fact: Fact) -> bool:
    """Return whether it is where rules change packets: iptables' mangle, or nft's."""
    return _is_in(fact, "mangle") or _is_nft(fact)


def writes(fact: Fact) -> tuple[str, ...]:
    """Return what changes packets: targets of iptables, fields of nft (`ip ttl`)."""
    if not _is_nft(fact):
        return tuple(one.name for one in _actions(fact, *_WRITERS))
    return tuple(_fields(fact))


def writes_source(fact: Fact) -> bool:
    """Return whether it writes the source address, without connection tracking."""
    return any(name.endswith(" saddr") for name in writes(fact) if "ether" not in name)


def concerns_icmp(fact: Fact) -> bool:
    """Return whether it matches ICMP, or fragments."""
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


def _hooked(fact: Fact, kind: str, *at: str) -> bool:
    """Return whether packets come to it by such a hook of nft, of those `at` if any."""
    if not isinstance(fact, Rule) or fact.backend != "nft":
        return False
    found = (one for one in fact.hooks if one.type == kind)
    return any(not at or one.at in at for one in found)


def _is_nft(fact: Fact) -> bool:
    return isinstance(fact, Rule | Chain) and fact.backend == "nft"


def _actions(fact: Fact, *names: str) -> tuple[Action, ...]:
    """Return a rule's actions; only those of these names, if any are given.

    An element of a set has those of the rules that look it up.
    """
    rules = (fact, *fact.users) if isinstance(fact, Rule) else ()
    found = [one for rule in rules for one in rule.actions]
    return tuple(one for one in found if not names or one.name in names)


def _does(fact: Fact, *names: str) -> bool:
    """Return whether it does one of these, also by a verdict map."""
    mapped = (one.tokens for one in _actions(fact, *MAPS))
    verdicts = (word.rstrip(",") for tokens in mapped for word in tokens)
    return bool(_actions(fact, *names)) or any(word in names for word in verdicts)
