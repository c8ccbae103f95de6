"""Causes in what no capture point shows: what acts before docker0's, or after it.

With br_netfilter, rules of PREROUTING act in the bridge, before docker0 has a frame; so
do nft's bridge and netdev chains, ebtables, tc and XDP. Links' counters tell what came.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.causes import clues
from pytest_netlab.causes.facts import Clue
from pytest_netlab.causes.routes_cited import deaf
from pytest_netlab.host import Rule
from pytest_netlab.host.firewall import effects, hooks
from pytest_netlab.host.meters import meaning

if TYPE_CHECKING:
    from pytest_netlab.causes.facts import Case, Cause
    from pytest_netlab.host import Fact, Question
    from pytest_netlab.host.frame_counts import FrameCount
    from pytest_netlab.trace import End, FlowFact

_BEFORE = (
    "look at PREROUTING of raw, mangle and nat, at nft's bridge and netdev chains, at "
    "ebtables, tc and XDP"
)
_AFTER = (
    "look at nft's bridge chains, ebtables and tc, and at the port's state and VLAN"
)


def untouched(case: Case) -> Cause | None:
    """Find why no packet of a flow was seen: its initiator sent some, or none."""
    frames = _frame_count(case, case.want.initiator)
    if frames is None:
        return None
    return _dropped(case, frames) or _never_sent(case, frames)


def unseen(case: Case) -> Cause | None:
    """Find packets that a node sent or should have, and that no point shows."""
    want, got = case.want, case.got
    silent = want.answered and not got.answered
    frames = _frame_count(case, got.target or want.responder) if silent else None
    if frames is not None and (found := _dropped(case, frames)):
        return found
    if silent or not case.evidence or want != got:
        return None
    why = swallowed(case, want.initiator)  # and so it asked again
    text = f"{want.initiator} was answered, and the answer did not arrive"
    return case.cause("unseen", text, why) if why else None


def redirected(case: Case) -> Cause | None:
    """Find packets that were sent elsewhere before docker0 shows them."""
    went = next((one for one in case.flows if _is_instead(one, case)), None)
    if went is None or case.got.disposition == "forwarded":
        return None
    why = _changed(case, lambda fact: _redirects(fact) and hooks.is_early(fact))
    if not why:
        return None
    text = (
        f"what {case.want.initiator} sends to {case.want.responder} goes to "
        f"{went.responder} instead, before docker0 shows it"
    )
    cause = case.cause("redirected", text, why)
    return replace(cause, explains=frozenset({went.name}))


def swallowed(case: Case, end: End | None) -> Clue:
    """Cite what dropped frames for a container after docker0 showed them."""
    frames = _frame_count(case, end)
    return _swallowed(case, frames) if frames is not None else clues.NONE


def unheard(case: Case, node: str) -> Clue:
    """Cite what dropped frames that a node sent, or that were for it: its ARP."""
    frames = case.host.frame_counts.get(node)
    if frames is None:
        return clues.NONE
    if not frames.unseen:
        return _swallowed(case, frames)
    why = _early(case, frames, _BEFORE)
    return Clue(f"{_came(frames)}; {why}", why.remedy)


def _swallowed(case: Case, frames: FrameCount) -> Clue:
    if not frames.link or not frames.lost:
        return clues.NONE
    why = clues.first(
        _bars(case, hooks.is_late),
        _obstacle(case, frames.link, frames.mac, outward=True),
        case=case,
        otherwise=_AFTER,
    )
    text = (
        f"of {_frames(frames.sent)} for {frames.node} that {frames.point} shows, "
        f"its link {frames.link} carried {frames.sent - frames.lost}"
    )
    return Clue(f"{text}; {why}", why.remedy)


def queued(case: Case, end: End | None) -> Clue:
    """Cite the queue that dropped what the host sent to an end, before a point."""
    frames = _frame_count(case, end)
    link = case.host.meters.link(frames.point) if frames is not None else ""
    return _obstacle(case, link, outward=True, counted=True)


def kernel(case: Case) -> Clue:
    """Cite the kernel's own counter of dropped packets that grew most."""
    reasons = case.host.meters.reasons
    if not reasons:
        return clues.NONE
    name, count = max(reasons.items(), key=lambda one: one[1])
    return Clue(f"the kernel counted {count} as {name}: {meaning(name)}")


def _dropped(case: Case, frames: FrameCount) -> Cause | None:
    """Find frames that came in on a node's link, and that its point never showed."""
    if not frames.unseen:
        return None
    return case.cause("unseen", _came(frames), _early(case, frames, _BEFORE))


def _came(frames: FrameCount) -> str:
    where = f"link {frames.link}" if frames.link else "way to the host"
    return (
        f"{frames.node} sent {_frames(frames.unseen)} that came in on its {where} "
        f"and that {frames.point} never showed"
    )


def _never_sent(case: Case, frames: FrameCount) -> Cause:
    """Say why nothing came: lost beyond, no route, or nobody answers its ARP."""
    node, end = frames.node, case.want.responder
    if frames.astray:
        count = _frames(frames.astray)
        text = f"{node} sent {count} that the uplink never brought"
        why = Clue("the network beyond the uplink lost them")
        return case.cause("no traffic", text, why)
    if case.host.meters.grown(f"{node} Ip OutNoRoutes"):
        text = "it has no route to it (`ip route` in its namespace)"
        remedy = ""
    elif frames.unanswered:
        asked = " and ".join(frames.unanswered)
        why = _early(case, frames) or deaf(case, frames.point)
        text = f"nobody answers its ARP for {asked}{f'; {why}' if why else ''}"
        remedy = why.remedy
    else:
        text = (
            "all that it sent was captured, and none was for it. Look at the command "
            f"that should have sent it, and at {node}'s own routes, links and rules"
        )
        remedy = ""
    return case.cause("no traffic", f"{node} sent nothing to {end}", Clue(text, remedy))


def _early(case: Case, frames: FrameCount, otherwise: str = "") -> Clue:
    """Cite what drops a node's frames before its point shows them."""
    link = frames.link or case.host.meters.link(frames.point)
    found = _bars(case, hooks.is_early) or _obstacle(case, link, outward=False)
    return found or Clue(otherwise)


def _frame_count(case: Case, end: End | None) -> FrameCount | None:
    return case.host.frame_counts.get(f"{end.node}") if end is not None else None


def _changed(case: Case, wanted: Question) -> Clue:
    return clues.acted(case, wanted) or clues.new(case, wanted)


def _bars(case: Case, place: Question) -> Clue:
    """Cite what stops packets at a place: what is new, else what counted some."""

    def wanted(fact: Fact) -> bool:
        return effects.bars(fact) and place(fact)

    found = _changed(case, wanted) or clues.policy(case, wanted)
    return found or clues.did(case, wanted)


def _obstacle(case: Case, *places: str, outward: bool, counted: bool = False) -> Clue:
    """Cite what stops frames at these; with `counted` only what counted some."""
    for one in case.host.obstacles:
        able = one.outward if outward else one.inward
        leads = one.port in places and bool(one.port)  # the right way
        if one.place in places and able and not leads and (one.counted or not counted):
            return Clue(one.text, one.remedy)
    return clues.NONE


def _redirects(fact: Fact) -> bool:
    """Return whether a rule gives packets another destination, of IP or Ethernet."""
    written = effects.writes(fact) if isinstance(fact, Rule) else ()
    sets = any(word.endswith("daddr") for word in written)
    return effects.translates_destination(fact) or sets


def _is_instead(fact: FlowFact, case: Case) -> bool:
    """Return whether a flow may be what became of this one before a point shows it."""
    want = case.want
    mine = want.proto, want.echo, want.initiator
    alike = (fact.proto, fact.echo, fact.initiator) == mine
    return alike and fact.responder not in (want.responder, want.target)


def _frames(count: int) -> str:
    return f"{count} frames" if count > 1 else "one frame"
