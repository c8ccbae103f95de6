"""Causes in where the host sends packets: policy rules, routes, ARP, IPsec.

The host decides about a flow's packets as its rules and routes say (`host.routing`). A
decision that is as it was when the lab had started is no cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.causes import blindness, clues
from pytest_netlab.causes.facts import Clue
from pytest_netlab.causes.legs import address, legs
from pytest_netlab.causes.legs import link as link_to
from pytest_netlab.causes.routes_cited import deaf, decided
from pytest_netlab.host.routing import xfrm
from pytest_netlab.host.routing.addresses import masqueraded
from pytest_netlab.host.routing.decision import HERE, Asked, Routing, lookup
from pytest_netlab.host.routing.network import UNANSWERED
from pytest_netlab.host.routing.policy_rules import PolicyRule
from pytest_netlab.trace import refusal_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.causes.facts import Case, Cause, Name
    from pytest_netlab.causes.legs import Leg
    from pytest_netlab.host.routing.decision import Decision
    from pytest_netlab.host.routing.network import NetworkChange

ECHO_IGNORED = "net.ipv4.icmp_echo_ignore_all"


class Finding(NamedTuple):
    """What keeps a direction's packets from their receiver.

    Attributes:
        leg: the direction.
        what: what becomes of its packets.
        why: the rule, route, ... that does it.
        elsewhere: they go to somebody else, rather than nowhere.
        unheard: their receiver answers no ARP.

    """

    leg: Leg
    what: str
    why: Clue
    elsewhere: bool = False
    unheard: bool = False


def misrouted(case: Case) -> Cause | None:
    """Find packets that are sent elsewhere, refused or dropped by routing."""
    if not _is_broken(case):
        return None
    found = next(_findings(case), None)
    if found is None:
        return None
    text = f"{_whose(found.leg)} {found.what}"
    if (refusal := case.got.refusal) and not case.want.refusal:
        text += f" ({case.want.initiator} is refused by {refusal_text(refusal)})"
    why, lost = found.why, clues.NONE
    if found.unheard:
        lost = blindness.unheard(case, found.leg.receiver)
    if lost:
        why = Clue(f"{why}; {lost}", lost.remedy)
    return case.cause(_name(case, found), text, why)


def decision(case: Case) -> Clue:
    """Cite the rule or route by which a direction's packets are decided otherwise."""
    found = next((found.why for found in _findings(case)), None)
    return found or next(_neighbours(case), clues.NONE)


def _neighbours(case: Case) -> Iterator[Clue]:
    known = case.host.network
    if known is not None:
        for leg in legs(case):
            yield from filter(None, (_neighbour(leg, leg.now(known), known),))


def source(case: Case) -> Clue:
    """Cite why masquerading takes another address than it did."""
    known = case.host.network
    leg = next((one for one in legs(case) if not one.reply), None)
    if known is None or leg is None:
        return clues.NONE
    hop = next(iter(leg.now(known).hops), None)
    if hop is None:
        return clues.NONE
    nearest = hop.gateway or leg.asked.destination
    now = masqueraded(known.now.addresses, hop.device, nearest)
    if now is None or known.names.get(now.ip) == "host":
        return clues.NONE
    text = f"masquerading takes the first address of {hop.device} that is in the next "
    text += f"hop's network, and that is {now.text} now"
    remedy = ""
    was = known.then and masqueraded(known.then.addresses, hop.device, nearest)
    if was:
        text += f"; it was {was.text} when the lab started"
    if known.then and now not in known.then.addresses:
        remedy = f"ip address del {now.text} dev {now.device}"
    return Clue(text, remedy)


def silent(case: Case) -> Clue:
    """Cite why a node, or the host itself, answers nothing that reaches it."""
    return _ignored(case) or _no_way_back(case) or _no_gateway(case)


def _no_gateway(case: Case) -> Clue:
    """Cite why a node that was asked does not find the host, to which it replies."""
    target = case.want.target or case.want.responder
    place = case.host.devices.get(f"{target.node}", "")
    return deaf(case, place) if place else clues.NONE


def _no_way_back(case: Case) -> Clue:
    """Cite that a node has no route to who asked it."""
    known, key = case.host.network, case.got.key
    target = case.want.target or case.want.responder
    routes = known.nodes.get(f"{target.node}") if known else None
    if known is None or routes is None or key is None:
        return clues.NONE
    sender = f"{case.got.sender.node}" if case.got.sender else ""
    here = address(known, sender, key) or key.src
    asked = Asked(source="", destination=here)
    found = lookup(Routing(rules=_MAIN, rules6=_MAIN, routes=routes), asked)
    if found.passes:
        return clues.NONE
    by = f" but `{found.route}`" if found.route else ""
    name = known.names.get(here, here)
    return Clue(f"{target.node} has no route to {name}{by}")


_MAIN = (PolicyRule(priority=0, table="main"),)


def _ignored(case: Case) -> Clue:
    known, node = case.host.network, f"{case.want.responder.node}"
    if not case.want.echo:
        return clues.NONE
    for end in case.host.ends:
        target = case.want.target or case.want.responder
        if end.name == ECHO_IGNORED and end.node in (node, target.node):
            return Clue(
                f"{end.name} is {end.value} at {end.node} ({end.default} by default)",
                f"sysctl -w {end.name}={end.default}" if end.node == "host" else "",
            )
    settings = known.now.routing.settings if known else {}
    if case.want.disposition == "local" and settings.get(ECHO_IGNORED, "0") != "0":
        value = settings[ECHO_IGNORED]
        return Clue(f"{ECHO_IGNORED} is {value} here", f"sysctl -w {ECHO_IGNORED}=0")
    return clues.NONE


def _is_broken(case: Case) -> bool:
    """Return whether the flow came less far than the golden's, or another way."""
    want, got = case.want, case.got
    far = (want.target, want.answered, want.returned, want.refusal, want.disposition)
    near = (got.target, got.answered, got.returned, got.refusal, got.disposition)
    return far != near


def _findings(case: Case) -> Iterator[Finding]:
    """Yield what is wrong, in the order in which a flow's packets meet it."""
    known = case.host.network
    if known is None:
        return
    for leg in legs(case):
        now, then = leg.now(known), leg.then(known)
        usual = link_to(case, known, leg.receiver, leg.asked.destination)
        if (found := decided(leg, now, then, known, usual)) is not None:
            yield Finding(leg, found.what, found.why, found.elsewhere)
        elif now.passes:
            yield from _stopped(leg, now, known)


def _stopped(leg: Leg, now: Decision, known: NetworkChange) -> Iterator[Finding]:
    """Yield what stops packets that are routed as they should be."""
    directions = (
        ("in",) if now.kind in HERE else ("out",) if leg.own else ("fwd", "out")
    )
    for direction in directions:
        packets = (leg.asked, leg.untranslated)
        policy = xfrm.decisive(known.now.policies, direction, packets)
        if policy is not None:
            yield Finding(leg, "are dropped by IPsec", _of_policy(policy, known))
    if now.kind in HERE:
        return
    if why := _no_link(known, leg.receiver):
        yield Finding(leg, f"do not reach {leg.receiver}", why)
    for hop in now.hops:
        nearest = hop.gateway or leg.asked.destination
        neighbour = known.now.neighbour(nearest, hop.device)
        if neighbour is not None and neighbour.state in UNANSWERED:
            name = known.names.get(nearest, nearest)
            why = Clue(f"nobody answers ARP for {name}: {neighbour}")
            what = f"do not reach {leg.receiver}"
            yield Finding(leg, what, why, unheard=True)


def _no_link(known: NetworkChange, node: str) -> Clue:
    """Cite why frames do not cross the host's link to a container."""
    found = known.now.link(known.link(node))
    if found is None:
        return clues.NONE
    name, was = found.name, known.then.link(found.name) if known.then else None
    if found.state != "up":
        return Clue(f"its link is down: {name}", f"ip link set {name} up")
    if not found.carrier:
        return Clue(f"its link has no carrier: {name}'s other end is down")
    if not found.forwards:
        remedy = f"bridge link set dev {name} state 3"
        return Clue(f"its bridge passes nothing on to it: port {name}", remedy)
    if was is not None and was.master is not None and found.master is None:
        return Clue(f"its link is no longer a port of the bridge: {name}")
    return clues.NONE


def _neighbour(leg: Leg, now: Decision, known: NetworkChange) -> Clue:
    """Cite a neighbour entry that somebody set, or a link that asks for none."""
    for hop in now.hops:
        found = known.now.link(hop.device)
        if found is not None and not found.arp:
            text = f"{found.name} neither asks for nor answers Ethernet addresses"
            return Clue(f"{text} (NOARP)", f"ip link set {found.name} arp on")
        nearest = hop.gateway or leg.asked.destination
        entry = known.now.neighbour(nearest, hop.device)
        was = known.then.neighbour(nearest, hop.device) if known.then else None
        if entry is None or entry.state != _SET or (was and was.mac == entry.mac):
            continue
        name = known.names.get(nearest, nearest)
        text = f"the host's neighbour entry for {name} was set by hand: {entry}"
        return Clue(text, f"ip neigh del {nearest} dev {hop.device}")
    return clues.NONE


_SET = "PERMANENT"


def _of_policy(policy: xfrm.Policy, known: NetworkChange) -> Clue:
    grown = {name: n for name, n in known.counts.items() if name.startswith("Xfrm")}
    counted = ", ".join(f"{name} grew by {n}" for name, n in grown.items())
    what = "blocks them" if policy.blocks else "wants IPsec, and no state is there"
    text = f"this xfrm policy {what}: {policy}"
    text += f" ({counted})" * bool(counted)
    return Clue(text, f"ip xfrm policy delete {policy.selector}")


def _whose(leg: Leg) -> str:
    what = "replies" if leg.reply else "packets"
    return f"{leg.sender}'s {what} to {leg.receiver}"


def _name(case: Case, found: Finding) -> Name:
    if found.elsewhere:
        return "misrouted"
    if case.got.refusal and not case.want.refusal:
        return "rejected"
    if found.leg.local:
        return "not answered"
    if found.leg.reply:
        return "reply not forwarded"
    return "not answered" if case.got.target else "not forwarded"
