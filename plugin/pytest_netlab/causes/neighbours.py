"""Causes in who is at the other end of a link: the next hop, or who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.causes import clues

if TYPE_CHECKING:
    from pytest_netlab.causes.facts import Case, Cause

# Fields of a line and of an invariant -> what they say, in words.
FIELDS = {
    "via": "the packet's neighbour on the link is {got}, not {want}",
    "source MAC": "the frame's Ethernet source is {got}, not {want}",
    "destination MAC": "the frame's Ethernet destination is {got}, not {want}",
    "neighbour": "the conversation's neighbour changed from {want} to {got}",
}

_END = "its own end"


def wrong(case: Case) -> Cause | None:
    """Find a frame that is from or for another station than its addresses say."""
    found = next((one for one in case.evidence if one.field in FIELDS), None)
    if found is None:
        return None
    what = FIELDS[found.field]
    is_via = found.field == "via"
    want = _END if is_via and found.expected is None else found.want
    got = _END if is_via and found.found is None else found.got
    ends = case.want.responder, case.want.initiator
    why = clues.first(
        clues.route(case, *(f"{end.node}" for end in ends)),
        case=case,
        otherwise="look at `ip route`, `ip neigh` and `ip rule` of both, and for a "
        "station that answers ARP in another's name",
    )
    text = f"at {found.point} {what.format(want=want, got=got)}"
    return case.cause("wrong neighbour", text, why)
