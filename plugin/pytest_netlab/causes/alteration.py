"""Causes in what the host did to a packet: altered, damaged, or sent it twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.causes import clues
from pytest_netlab.causes.facts import Cause
from pytest_netlab.checks import Violation
from pytest_netlab.checks.forbidden import FORBIDDEN, MADE, REORDERED
from pytest_netlab.flows import Role
from pytest_netlab.host.firewall import effects
from pytest_netlab.trace import Packet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.causes.facts import Case, Clue, Evidence
    from pytest_netlab.host import Fact

CHECKSUMS = ("ip_checksum", "l4_checksum", "bad-checksum")
# Field of a packet or a violation -> what a rule that changes it writes: targets of
# iptables, fields of nft, or their prefixes.
HEADER = {
    "ttl": ("TTL", "HL", "ip ttl", "ip6 hoplimit"),
    "tos": ("TOS", "DSCP", "ECN", "ip dscp", "ip ecn", "ip6 dscp", "ip6 ecn"),
    "df": ("ip frag-off", "@nh,48,"),
    "ip_flags": ("ip frag-off", "@nh,48,"),
    "ip_id": ("ip id",),
    "ip_options": ("@nh,",),
    "flow_label": ("ip6 flowlabel",),
    "reserved": ("ip frag-off", "@nh,48,", "@th,"),
    "tcp_urgent": ("tcp urgptr",),
    "urgent": ("tcp urgptr",),
    "window": ("tcp window",),
    "tcp_window": ("tcp window",),
    "options": ("TCPMSS", "TCPOPTSTRIP", "tcp option"),
    "tcp_options": ("TCPMSS", "TCPOPTSTRIP", "tcp option"),
    "mss": ("TCPMSS", "tcp option maxseg size"),
    "flags": ("tcp flags",),
    "tcp_flags": ("tcp flags",),
    "tcp_seq": ("tcp sequence",),
    "tcp_ack": ("tcp ackseq",),
    "icmp_seq": ("icmp sequence",),
    "payload_len": (),
    "length": (),
    "quotes": (),
}


def corrupted(case: Case) -> Cause | None:
    """Find a checksum that no longer fits its packet."""
    found = [
        difference for difference in case.evidence if difference.field in CHECKSUMS
    ]
    if not found:
        return None
    difference = found[0]
    where = "IP header" if difference.field == "ip_checksum" else "payload"
    text = (
        f"the checksum of the {where} is wrong at {difference.point} "
        f"({difference.got}): receivers drop such a packet without a word"
    )
    return case.cause("corrupted checksum", text, damage(case))


def damage(case: Case) -> Clue:
    """Cite what may have damaged packets on this host."""
    return clues.first(
        clues.new(case, effects.alters),
        clues.setting(case, "offload", "conntrack_checksum"),
        clues.link(case),
        case=case,
        otherwise="look for a device, driver or rule that writes into packets",
    )


def header_changed(case: Case) -> Cause | None:
    """Find a field that the host changed, or that the sender set differently."""
    found = [difference for difference in case.evidence if difference.field in HEADER]
    if not found:
        return None
    changes = dict.fromkeys(
        f"{one.field} {one.got} instead of {one.want} at {one.point}" for one in found
    )
    fields = tuple(name for difference in found for name in HEADER[difference.field])
    why = clues.first(
        _writer(case, fields),
        clues.setting(case, "offload"),
        clues.link(case),
        case=case,
        otherwise=_where(case, found),
    )
    return case.cause("header changed", "; ".join(list(changes)[:_SHOWN]), why)


def _where(case: Case, found: Sequence[Evidence]) -> str:
    """Return where to look for what changed fields that no rule is known to write.

    What differs at both sides of the host, or came to it, is so where it came in.
    """
    rules = "look at the mangle table, and at nft rules that `set` a field"
    want, reply = case.want, found[0].direction == "reply"
    points = {one.point for one in found if one.field == found[0].field}
    came = not reply if want.disposition == "local" else len(points) > 1
    both_ways = len({one.direction for one in found}) > 1
    changed = any(isinstance(one.found, Violation) for one in found)
    if not came or both_ways or changed:
        return rules
    sender = (want.target or want.responder) if reply else want.initiator
    return (
        f"it is so where the packets come in: look at {sender}'s own sysctls, route "
        f"metrics (`ip route`) and rules; if all are as they were, {rules}"
    )


_SHOWN = 2  # the differences below the cause list them all


def _writer(case: Case, fields: tuple[str, ...]) -> Clue:
    """Cite a new rule that writes one of these, else one that may alter packets."""

    def wanted(one: Fact) -> bool:
        written = effects.writes(one) if effects.may_alter(one) else ()
        return any(name.startswith(fields) for name in written)

    return clues.new(case, wanted) or clues.new(case, effects.may_alter)


def reidentified(case: Case) -> Cause | None:
    """Find packets that left with another IP id, so that none could be paired."""
    want, got = case.want, case.got
    if want.kind != "snat" or want.sender is None or got.disposition != "local":
        return None
    if not case.between(want.sender, want.responder):
        return None
    name = want.between(want.sender, want.responder)
    why = clues.first(
        _writer(case, HEADER["ip_id"]),
        case=case,
        otherwise="look at nft rules that `set` the IP id",
    )
    text = f"what {want.initiator} sends leaves with another IP id as {name}"
    cause = case.cause("header changed", text, why)
    return replace(cause, explains=frozenset({name}))


def twice(case: Case) -> Cause | None:
    """Find packets that were delivered more than once, and not retransmitted."""
    duplicate = next(
        (difference for difference in case.evidence if _is_duplicate(difference)), None
    )
    if case.got.copies <= case.want.copies and duplicate is None:
        return None
    if not case.evidence or any(
        difference.field == "ip_id" for difference in case.evidence
    ):
        return None  # where ids are changed, an equal id proves nothing
    why = clues.first(
        clues.new(case, effects.copies),
        clues.link(case),
        case=case,
        otherwise="look for TEE and dup rules, for a loop, and for the queue of a link",
    )
    where = duplicate.point if duplicate is not None else case.evidence[0].point
    text = f"{_copy(case)} was seen again at {where}"
    return case.cause("delivered twice", text, why)


def reordered(case: Case) -> Cause | None:
    """Find segments that the host sent in another order than they had come."""
    found = next((one for one in case.evidence if one.field == REORDERED), None)
    if found is None:
        return None
    why = clues.first(
        clues.new(case, effects.queues),
        clues.link(case),
        case=case,
        otherwise="look for NFQUEUE and queue rules, and for the queue of a link",
    )
    text = f"{FORBIDDEN[REORDERED]}, at {found.point}; {why}"
    return Cause(REORDERED, case.want.name, text, why.remedy)


def _copy(case: Case) -> str:
    if any(difference.field == MADE for difference in case.evidence):
        return "a copy that never reached the host"
    return "the same packet, with the same IP id,"


def _is_duplicate(difference: Evidence) -> bool:
    found = difference.found
    return isinstance(found, Packet) and found.what.role is Role.DUPLICATE
