"""Which mutations are equivalent, and why: decided before anything is judged.

A rule looks at a mutation, never at a verdict. One that is too generous hides a
survivor, so each states its reason. One that is wrong about the verdict is found: a
mutation that it calls equivalent and that turns red is a false positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.mutate.fields import MACS
from pytest_netlab.mutate.model import EVERY, FLOW, ONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.diff import Policy
    from pytest_netlab.mutate.context import Context
    from pytest_netlab.mutate.model import Mutation


@dataclass(frozen=True, slots=True)
class Change:
    """A mutation, the capture it changes, and the golden's policy."""

    mutation: Mutation
    context: Context
    policy: Policy

    def is_field(self, *names: str) -> bool:
        """Return whether one of these fields of a packet was changed."""
        return self.mutation.family == "field" and self.mutation.field in names

    def is_flow(self, *names: str) -> bool:
        """Return whether one of these was changed in a whole conversation."""
        one = self.mutation
        return one.family == "flow" and one.field in names and one.scope == FLOW

    @property
    def everywhere(self) -> bool:
        """Return whether all observations of a packet were changed alike."""
        return self.mutation.scope == EVERY

    @property
    def established(self) -> bool:
        """Return whether it is a TCP segment after the handshake, and no reset."""
        one = self.mutation
        return one.proto == "tcp" and one.role in ("data", "ack", "FIN")


@dataclass(frozen=True, slots=True)
class Equivalence:
    """A rule for equivalent mutations: `reason` is why none may turn a verdict red."""

    name: str
    reason: str
    applies: Callable[[Change], bool]


def equivalence(case: Change) -> Equivalence | None:
    """Return the first rule by which a mutation is equivalent; None for none."""
    return next((rule for rule in RULES if rule.applies(case)), None)


# field of a mutation -> what a policy calls it
_POLICY = {
    "ttl": "ttl",
    "dscp": "tos",
    "ecn": "tos",
    "icmp seq": "seq",
    "DF": "df",
    "vlan": "vlan",
    "mss value": "mss",
    "mtu": "mtu",
}
_SENDERS_FLAGS = ("PSH flag", "URG flag", "ECE flag", "CWR flag", "AE flag")
_ECN_FLAGS = ("ECE flag", "CWR flag", "AE flag")
_OPTION_NAMES = ("option", "kind", "value")
# Changes of a bare ACK that are noticed: to another kind of packet, to a damaged one,
# and to a packet of another flow.
_ACK_IS_COMPARED = ("FIN flag", "SYN flag", "RST flag", "ACK flag", "tcp ack")
_ACK_IS_DAMAGED = (
    *("total length", "ip checksum", "l4 checksum", "protocol", "data offset"),
    *("trailing octets", *MACS),
)
_ACK_IS_ANOTHERS = (
    *("source address", "destination address", "source port", "destination port"),
)


def _noise(case: Change) -> bool:
    return case.mutation.field == "noise"


def _policy(case: Change) -> bool:
    one = case.mutation
    compared_as = _POLICY.get(one.field)
    return (
        compared_as is not None
        and one.scope in (EVERY, FLOW)
        and not (case.policy.compares(compared_as))
    )


def _symbol(case: Change) -> bool:
    if case.everywhere and case.is_field("source port", "tcp seq"):
        return case.context.is_only_one(case.mutation.packets[0] - 1)
    return case.is_flow("client port", "icmp id", "sequence")


def _senders_own(case: Change) -> bool:
    if case.is_flow("ip id", "tcp window", "payload"):
        return True
    if not case.everywhere:
        return False
    if case.is_field("payload"):
        return case.mutation.proto in ("tcp", "udp")
    if case.is_field("ip id") and case.context.is_embedded(
        case.mutation.packets[0] - 1
    ):
        return False
    return case.is_field("ip id", "tcp window", "wscale value", "timestamps value")


def _senders_flags(case: Change) -> bool:
    if case.mutation.role in ("SYN", "SYN-ACK"):
        return case.everywhere and case.is_field(*_ECN_FLAGS)
    return case.established and case.everywhere and case.is_field(*_SENDERS_FLAGS)


def _established_options(case: Change) -> bool:
    names = case.mutation.field.split()[-1:]
    is_option = bool(names) and names[0] in _OPTION_NAMES
    is_option &= not case.is_field("ip option")
    return case.established and case.everywhere and is_option


def _bare_ack(case: Change) -> bool:
    one = case.mutation
    if one.role != "ack" or not case.everywhere or one.proto != "tcp":
        return False
    compared_as = (*_ACK_IS_COMPARED, *_ACK_IS_DAMAGED, *_ACK_IS_ANOTHERS)
    return one.family == "drop" or (
        one.family == "field" and one.field not in compared_as
    )


def _valid_ack(case: Change) -> bool:
    if not (case.established and case.everywhere and case.is_field("tcp ack")):
        return False
    return case.context.has_crossed(case.mutation.packets[0] - 1, case.mutation.value)


def _fin_with_data(case: Change) -> bool:
    if not (case.everywhere and case.is_field("FIN flag")):
        return False
    row = case.mutation.packets[0] - 1
    return case.mutation.role in ("ack", "data") and case.context.ends_at_fin(row)


def _ecn(case: Change) -> bool:
    return case.everywhere and case.is_field("ecn") and case.mutation.proto == "tcp"


def _without_meaning(case: Change) -> bool:
    return case.everywhere and case.is_field("tcp ack") and case.mutation.role == "SYN"


def _doubled(case: Change) -> bool:
    """Return whether a packet reached the host twice and was forwarded twice.

    A request that the network duplicates has two replies, each a packet of its own.
    """
    one = case.mutation
    twice = one.family == "duplicate"
    twice |= one.family == "retransmit" and one.role == "echo reply"
    return twice and case.everywhere and case.context.entered(one.packets)


def _repeat(case: Change) -> bool:
    one = case.mutation
    return one.family == "retransmit" and one.proto == "tcp" and case.everywhere


def _order(case: Change) -> bool:
    one = case.mutation
    return one.family == "reorder" and one.scope == ONE and one.field != "answered"


RULES = (
    Equivalence(
        "noise",
        "no conversation of the lab's nodes: ARP, or a canary, which the tap checks",
        _noise,
    ),
    Equivalence(
        "mac",
        "the capture does not say whose Ethernet address is whose",
        lambda case: case.is_field(*MACS) and not case.context.stations,
    ),
    Equivalence(
        "padding",
        "octets behind a datagram that the host received are its sender's",
        lambda case: (
            case.is_field("trailing octets")
            and not case.context.left(case.mutation.packets)
        ),
    ),
    Equivalence("policy", "the golden's policy says any", _policy),
    Equivalence(
        "symbol",
        "a symbol stands for it: consistently another one is the same story",
        _symbol,
    ),
    Equivalence(
        "sender",
        "the sender's own choice, new in every run; that the host leaves it alone is "
        "an invariant of the pair",
        _senders_own,
    ),
    Equivalence(
        "flags",
        "how a sender cuts its bytes, and what congestion it saw, is timing",
        _senders_flags,
    ),
    Equivalence(
        "options",
        "options are told in the handshake; later ones are only compared between the "
        "points",
        _established_options,
    ),
    Equivalence(
        "ack",
        "a bare acknowledgement is not told: how many there are is timing",
        _bare_ack,
    ),
    Equivalence(
        "acknowledged",
        "it acknowledges what has crossed: when a receiver does is timing",
        _valid_ack,
    ),
    Equivalence(
        "fin", "whether the FIN travels with the last data is timing", _fin_with_data
    ),
    Equivalence(
        "ecn",
        "the ends of a connection agree on ECN, not all segments bear it, and routers "
        "mark it",
        _ecn,
    ),
    Equivalence(
        "unused", "a number without the flag that gives it a meaning", _without_meaning
    ),
    Equivalence(
        "path",
        "routers beyond may lower or mark what an error quotes; the host may not",
        lambda case: (
            case.everywhere and case.is_field("quoted ttl", "quoted dscp", "quoted ecn")
        ),
    ),
    Equivalence(
        "doubled",
        "a network may double what reaches the host; the host sends on both",
        _doubled,
    ),
    Equivalence(
        "repeat", "TCP may send any segment again, as a packet of its own", _repeat
    ),
    Equivalence(
        "order",
        "neither waits for the other: two processors may forward them either way",
        _order,
    ),
)
