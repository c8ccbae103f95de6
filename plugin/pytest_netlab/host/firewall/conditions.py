"""Whether a packet meets a rule's matches, as far as its addresses and ports tell.

Words are those of iptables(8) and nft(8). A match of anything else is left open: None.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

from pytest_netlab.host.firewall.chains import key
from pytest_netlab.host.firewall.rules import OF_SET, Match
from pytest_netlab.host.tracking.conntrack import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.host.firewall.rules import Action, Rule

Answer: TypeAlias = bool | None
_PROTOCOLS = {name: number for number, name in NAMES.items()}
_PROTOCOLS |= {"ipv6-icmp": _PROTOCOLS["icmpv6"], "icmp6": _PROTOCOLS["icmpv6"]}
_VERSIONS = {"ip": 4, "ip6": 6}
NETWORK = "net"  # what rules in names have in place of a network
BEYOND = "(beyond)"
_BRIDGES = ("docker0", "br-", "veth", "lo")
_JOINT = " . "  # between fields, or words, that are looked up as one
_COMPARED = frozenset({"==", "<", ">", "<=", ">=", "&", "|", "/"})
# Options of iptables that are met by every packet.
_ALWAYS = ("-m", "--comment")


@dataclass(frozen=True, slots=True)
class Sent:
    """The first packet of a flow, as a host is about to send it.

    Attributes:
        key: source of the packet as it came, destination as it was translated: by
            addresses, or by the names that stand for them in a ruleset. A port of 0 is
            not known.
        device: the link that it leaves by; "" where that is not known, `BEYOND` where
            all that is known is that no container is on it.
        incoming: the link that it arrived on; likewise.
        ip: its version of IP, where the key has names.

    """

    key: Tuple5
    device: str = ""
    incoming: str = ""
    ip: int = 4

    @property
    def version(self) -> int:
        """Return its version of IP."""
        with suppress(ValueError):
            return ip_address(self.key.src).version
        return self.ip


def meets(rule: Rule, sent: Sent) -> Answer:
    """Return whether a packet meets all matches of a rule; None where some are open.

    It meets an element of a set or map if a rule that looks it up finds it.
    """
    if rule.family in _VERSIONS and sent.version != _VERSIONS[rule.family]:
        return False
    if rule.users:
        return _any(_finds(user, rule, sent) for user in rule.users)
    if rule.backend == "nft":
        return _all(_nft(one, sent) for one in rule.matches)
    return _all(_asked(one.name, one.tokens, one.negated, sent) for one in rule.matches)


def _all(answers: Iterable[Answer]) -> Answer:
    found = set(answers)
    if False in found:
        return False
    return None if None in found else True


def _any(answers: Iterable[Answer]) -> Answer:
    found = set(answers)
    if True in found:
        return True
    return None if None in found else False


def _nft(match: Match, sent: Sent) -> Answer:
    """Return whether a packet meets a match of nft, of one field or of joined ones."""
    negated = match.tokens[:1] == ("!=",)
    words = match.tokens[negated:]
    fields = match.name.split(_JOINT)
    if not words or words[0].startswith(OF_SET) or not _COMPARED.isdisjoint(words):
        return _all(_implied(field, sent) for field in fields)
    elements = " ".join(words).strip("{} ").split(", ")
    found = _any(_is_element(fields, one.split(_JOINT), sent) for one in elements)
    return found if found is None or not negated else not found


def _is_element(fields: Sequence[str], words: Sequence[str], sent: Sent) -> Answer:
    if len(fields) != len(words):
        return None
    return _all(
        _is(field, word, sent) for field, word in zip(fields, words, strict=True)
    )


def _is(field: str, word: str, sent: Sent) -> Answer:
    return _FIELDS[field](word, sent) if field in _FIELDS else _implied(field, sent)


def _implied(field: str, sent: Sent) -> Answer:
    """Return what a field alone says: only packets of a protocol have its fields."""
    name = field.partition(" ")[0]
    proto = _PROTOCOLS.get(name, sent.key.proto)
    version = _VERSIONS.get(name, sent.version)
    return None if (proto, version) == (sent.key.proto, sent.version) else False


def _finds(user: Rule, element: Rule, sent: Sent) -> Answer:
    """Return whether a rule that looks up a set or map finds this element."""
    words = key(element.body).split(_JOINT)
    found: list[Answer] = []
    before = ""
    for one in user.statements:
        if element.chain in one.tokens:
            field = one.name if isinstance(one, Match) else _key(one, before)
            found.append(_is_element(field.split(_JOINT), words, sent))
        elif isinstance(one, Match):
            found.append(_nft(one, sent) if one.tokens else True)
        before = one.name
    return _all(found)


def _key(action: Action, before: str) -> str:
    """Return the fields by which an action looks up a map: `to FIELDS map @NAME`."""
    words = action.tokens
    if "map" not in words:
        return before
    start = words.index("to") + 1 if "to" in words else 0
    return " ".join(words[start : words.index("map")])


def _asked(field: str, values: Sequence[str], negated: bool, sent: Sent) -> Answer:  # noqa: FBT001 - as unpacked
    if field in _ALWAYS:
        return True
    ask = _FIELDS.get(field)
    words = [word for value in values for word in value.split(",") if word]
    answers = [ask(word, sent) for word in words] if ask else [None]
    if True in answers:
        return not negated
    return None if None in answers or not answers else negated


def _protocol(word: str, sent: Sent) -> Answer:
    number = int(word) if word.isdecimal() else _PROTOCOLS.get(word)
    return None if number is None else number == sent.key.proto


def _address(word: str, address: str) -> Answer:
    if not _is_address(address):
        return _name(word, address)
    low, _, high = word.partition("-")
    with suppress(ValueError):
        here = ip_address(address)
        if not high:
            return here in ip_network(low, strict=False)
        first, last = ip_address(low), ip_address(high)
        if first.version == here.version == last.version:
            return int(first) <= int(here) <= int(last)
    return None


def _name(word: str, name: str) -> Answer:
    """Return whether an address in a rule has this name; a network may contain it."""
    if word == name:
        return True
    is_open = (
        not name or word == NETWORK or not (_is_address(word) or word.isidentifier())
    )
    return None if is_open else False


def _is_address(word: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(word))
    return False


def _link(word: str, device: str) -> Answer:
    name = word.strip('"')
    if not device or name.startswith("@"):
        return None
    if device == BEYOND:
        return False if name.startswith(_BRIDGES) else None
    if name[-1:] in ("+", "*"):
        return device.startswith(name[:-1])
    return name == device


def _device(word: str, sent: Sent) -> Answer:
    return _link(word, sent.device)


def _incoming(word: str, sent: Sent) -> Answer:
    return _link(word, sent.incoming)


def _port(word: str, port: int) -> Answer:
    low, _, high = word.replace(":", "-").partition("-")
    if not port or not low.isdecimal() or (high and not high.isdecimal()):
        return None
    return int(low) <= port <= int(high or low)


def _open(_word: str, _sent: Sent) -> Answer:
    return None


def _of_protocol(name: str, port: str) -> Callable[[str, Sent], Answer]:
    def answer(word: str, sent: Sent) -> Answer:
        if name and sent.key.proto != _PROTOCOLS[name]:
            return False
        return _port(word, getattr(sent.key, port))

    return answer


def _family(version: int, end: str) -> Callable[[str, Sent], Answer]:
    def answer(word: str, sent: Sent) -> Answer:
        if version and sent.version != version:
            return False
        return _address(word, getattr(sent.key, end))

    return answer


_FIELDS: dict[str, Callable[[str, Sent], Answer]] = {
    **dict.fromkeys(("-p", "meta l4proto", "ip protocol", "ip6 nexthdr"), _protocol),
    **dict.fromkeys(("-o", "oifname", "oif"), _device),
    **dict.fromkeys(("-i", "iifname", "iif"), _incoming),
    **dict.fromkeys(("meta mark", "ct mark", "ct state"), _open),
    **dict.fromkeys(("-s", "--src-range"), _family(0, "src")),
    **dict.fromkeys(("-d", "--dst-range"), _family(0, "dst")),
    **dict.fromkeys(("--sport", "--sports"), _of_protocol("", "sport")),
    **dict.fromkeys(("--dport", "--dports"), _of_protocol("", "dport")),
    **{
        f"{ip} {field}": _family(version, end)
        for ip, version in (("ip", 4), ("ip6", 6))
        for field, end in (("saddr", "src"), ("daddr", "dst"))
    },
    **{
        f"{name} {end}": _of_protocol(name, end)
        for name in ("tcp", "udp", "sctp", "dccp", "udplite")
        for end in ("sport", "dport")
    },
}
