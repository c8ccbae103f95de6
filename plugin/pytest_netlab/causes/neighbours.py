"""Causes in who is at the other end of a link: the next hop, or who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.causes import clues, routing
from pytest_netlab.causes.facts import Clue
from pytest_netlab.host.firewall import effects
from pytest_netlab.trace.build import OWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.causes.facts import Case, Cause
    from pytest_netlab.host import Fact
    from pytest_netlab.host.routing.next_hops import NextHop

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
        next(odd_hops(case), clues.NONE),
        clues.acted(case, _writes_stations),
        clues.new(case, _writes_stations),
        routing.decision(case),
        clues.route(case, *(f"{end.node}" for end in ends)),
        case=case,
        otherwise="look at `ip route`, `ip neigh` and `ip rule` of both, and for a "
        "station that answers ARP in another's name",
    )
    text = f"at {found.point} {what.format(want=want, got=got)}"
    return case.cause("wrong neighbour", text, why)


def strayed(case: Case) -> Cause | None:
    """Find out where an end sends its packets, of which no point shows any."""
    want, got = case.want, case.got
    silent = want.initiator if got.key is None else got.target or want.responder
    if not want.answered or got.answered:
        return None
    why = next(odd_hops(case, f"{silent.node}"), clues.NONE)
    if not why:
        return None
    text = f"nothing that {silent} sends comes by the host"
    return case.cause("wrong neighbour", text, why)


def odd_hops(case: Case, sender: str = "") -> Iterator[Clue]:
    """Cite routes and neighbour entries by which an end or the host sends elsewhere.

    Of all of them, or of one `sender`.
    """
    want = case.want
    there = {f"{end.node}" for end in (want.responder, want.target) if end}
    start = f"{want.initiator.node}"
    ends = (start, *sorted(there), *((f"{want.sender.node}",) if want.sender else ()))
    senders = (sender,) if sender else (start, *sorted(there), "host")
    known = [x for x in case.host.hops if x.node in senders and x.to in ends]
    known.sort(key=lambda one: (senders.index(one.node), ends.index(one.to)))
    for hop in known:
        if hop.to == hop.node or hop.kind != "unicast":
            continue
        if _is_odd(hop):
            yield _entry(case, hop)
        elif hop.gateway and hop.gateway not in OWN:
            yield _route(hop)


def _is_odd(hop: NextHop) -> bool:
    """Return whether another station has the entry: a known one, or by hand, nobody.

    The host has a name on each link.
    """
    if not hop.station:
        return hop.entry.endswith(_BY_HAND)
    return hop.station != hop.asked and not {hop.station, hop.asked} <= OWN


_BY_HAND = "PERMANENT"


def _route(hop: NextHop) -> Clue:
    text = f"{hop.node} reaches {hop.to} by {hop.gateway}: its route is `{hop.route}`"
    if hop.rule:
        text += f", to which its rule leads: `{hop.rule}`"
    return Clue(text, f"ip route del {hop.route}" * (hop.node == "host"))


def _entry(case: Case, hop: NextHop) -> Clue:
    """Cite a neighbour entry, and the address that lets another station answer."""
    address, _, rest = hop.entry.partition(" ")
    station = hop.station or "no node"
    text = (
        f"{hop.node} takes {station} for {hop.asked}: its neighbour table says "
        f"`{hop.entry}`, the Ethernet address of {station}"
    )
    taken = (one for one in case.host.hops if one.node == hop.station)
    own = next((x for x in taken if x.to == hop.asked and x.kind == "local"), None)
    if own is not None:
        text += f", which has {hop.asked}'s address itself: `{own.route}`"
    device = rest.split()[1]
    remedy = f"ip neigh del {address} dev {device}" * (hop.node == "host")
    return Clue(text, remedy)


def _writes_stations(fact: Fact) -> bool:
    """Return whether a rule writes Ethernet addresses."""
    return any(name.startswith("ether") for name in effects.writes(fact))
