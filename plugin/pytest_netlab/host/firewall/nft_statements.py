"""The statements of a rule, in the words of nft's text (nft(8)).

Statements that act on a packet are known by their first word. A match is a field, an
operator and a value; words that are none of these are read as one match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.host.firewall.rules import Action, Match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.host.firewall.rules import Statement

_ANY = 1 << 30
# First word of a statement that acts on packets -> how many words follow at most.
_TAKES = {
    **dict.fromkeys(("accept", "drop", "continue", "return", "notrack", "counter"), 0),
    **dict.fromkeys(("jump", "goto", "comment"), 1),
    **dict.fromkeys(("snat", "dnat", "masquerade", "redirect", "reject"), _ANY),
    **dict.fromkeys(("dup", "fwd", "queue", "tproxy", "synproxy"), _ANY),
    **dict.fromkeys(("log", "reset", "vmap", "elements"), _ANY),
    **dict.fromkeys(("add", "update", "delete"), _ANY),  # elements of a set
}
ACTIONS = frozenset(_TAKES)
# nft's `tcp option NAME FIELD`; any other field has two words, except `@nh,48,8`.
_OPTION = ["tcp", "option"]
# First word of a field -> how many words the field has.
_WIDTHS = {
    **dict.fromkeys(("iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup"), 1),
    **dict.fromkeys(("iiftype", "oiftype", "mark", "skuid", "skgid"), 1),
    **dict.fromkeys(("ip", "ip6", "tcp", "udp", "udplite", "sctp", "dccp", "th"), 2),
    **dict.fromkeys(("icmp", "icmpv6", "igmp", "esp", "ah", "comp", "gre"), 2),
    **dict.fromkeys(("ether", "vlan", "arp", "meta", "ct", "socket", "rt"), 2),
    **dict.fromkeys(("frag", "hbh", "dst", "mh", "rt0", "srh"), 2),
}
_LONGER = {  # the first words of longer fields -> how many words the field has
    "tcp option": 4,
    "ip option": 4,
    "ct original": 3,
    "ct reply": 3,
    "arp saddr": 3,
    "arp daddr": 3,
}
_PRESENT = ("exists", "missing")  # an option, without a field of it
_OF_IP = ("ip", "ip6")  # in `ct original ip saddr`
_OPERATORS = ("==", "!=", "<", ">", "<=", ">=", "over")
_JOINT = "."
_BEFORE_VALUES = (*_OPERATORS, *("&", "|", "^", "<<", ">>", "/"), _JOINT)
_STATUS = ["ct", "status"]  # the values of this field are called as statements are


def statements(tokens: Sequence[str]) -> tuple[Statement, ...]:
    """Return the statements of a rule's words."""
    found: list[list[str]] = [[]]
    remaining, depth = _ANY, 0
    for word in tokens:
        # Words in braces are elements of a set, or verdicts of a map.
        begins = not depth and word in _TAKES and not _asks_status(found[-1])
        quoted = word.startswith('"')
        depth = max(depth + (word.count("{") - word.count("}")) * (not quoted), 0)
        if 0 < remaining < _ANY:
            found[-1].append(word)
            remaining -= 1
        elif begins or not remaining:
            found.append([word])
            remaining = _TAKES.get(word, _ANY)
        elif word == "set" and not depth and (field := _set(found[-1])):
            del found[-1][-len(field) :]
            found.append([" ".join((*field, word))])
        else:
            found[-1].append(word)
    return tuple(one for piece in found if piece for one in _read(piece))


def _read(piece: Sequence[str]) -> Iterator[Statement]:
    name, *words = piece
    if _does(name):
        yield Action(name, tuple(words))
        return
    start = 0
    while start < len(piece):
        field = _past_field(piece, start) or start + 1
        end = _past_value(piece, start, field)
        name = " ".join(piece[start:field])
        yield Match(name, tuple(piece[field:end]))
        start = end


def _width(words: Sequence[str], at: int) -> int:
    """Return how many words the field has that begins there; 0 if none does."""
    first = words[at]
    if first.startswith("@") and "," in first:
        return 1
    if first == "fib":
        return _width_of_fib(words, at)
    width = _LONGER.get(" ".join(words[at : at + 2]), _WIDTHS.get(first, 0))
    if first == "ct" and width > len(_OPTION) and words[at + 2 : at + 3]:
        width += words[at + 2] in _OF_IP
    if "".join(words[at + 3 : at + 4]) in _PRESENT:
        width = min(width, 3)
    return width if at + width <= len(words) else 0


def _width_of_fib(words: Sequence[str], at: int) -> int:
    """Return the width of `fib saddr . iif oif`: joined keys, and what is asked."""
    end = at + 2
    while words[end : end + 1] == [_JOINT]:
        end += 2
    return end + 1 - at if end < len(words) else 0


def _past_field(words: Sequence[str], start: int) -> int:
    """Return where the field ends that begins there, with those joined; 0 for none."""
    end = start
    while end < len(words) and (width := _width(words, end)):
        end += width
        if words[end : end + 1] != [_JOINT]:
            return end
        end += 1
    return 0


def _past_value(words: Sequence[str], start: int, at: int) -> int:
    """Return where a match ends: the value of its field, or words of no field."""
    if not _width(words, start):
        while at < len(words) and not _width(words, at):
            at += 1
        return at
    ends = False
    while at < len(words) and not ends:
        if words[at] in _BEFORE_VALUES:
            at += 1
            continue
        at = _past_word(words, at)
        ends = words[at : at + 1] == [] or words[at] not in _BEFORE_VALUES
    return at


def _past_word(words: Sequence[str], at: int) -> int:
    """Return what follows a word, or all words in braces or brackets."""
    depth = 0
    while at < len(words):
        word = words[at]
        if not word.startswith('"'):
            depth += sum(map(word.count, "{(")) - sum(map(word.count, "})"))
        at += 1
        if depth <= 0:
            break
    return at


def _asks_status(words: Sequence[str]) -> bool:
    """Return whether a word of `ct status` follows these."""
    asked = words[:-1] if words[-1:] == ["!="] else words
    return asked[-2:] == _STATUS


def _set(tokens: Sequence[str]) -> Sequence[str]:
    """Return the words in front of `set` that name what is set."""
    tokens = tokens[_does(*tokens[:1]) :]
    if tokens and tokens[-1].startswith("@"):
        return tokens[-1:]
    if tokens[-4:-2] == _OPTION:
        return tokens[-4:]
    return tokens[-2:]


def _does(name: str = "") -> bool:
    """Return whether a statement of this name acts on a packet."""
    return name in _TAKES or name.endswith(" set")
