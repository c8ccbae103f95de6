"""What a host decides otherwise about a packet, and which rule or route does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.causes import clues
from pytest_netlab.causes.facts import Clue
from pytest_netlab.causes.legs import Leg
from pytest_netlab.host.routing.decision import HERE, NONE, Asked
from pytest_netlab.host.routing.routes import IPV6
from pytest_netlab.host.sysctls import per_link

if TYPE_CHECKING:
    from pytest_netlab.causes.facts import Case
    from pytest_netlab.host.routing.addresses import Address
    from pytest_netlab.host.routing.decision import Decision
    from pytest_netlab.host.routing.network import Network, NetworkChange
    from pytest_netlab.host.routing.policy_rules import PolicyRule
    from pytest_netlab.host.routing.routes import Route

FORWARD = "net.ipv4.ip_forward"
FILTERED = "TcpExt IPReversePathFilter"
_SINCE = "when the lab started"


class Cited(NamedTuple):
    """What becomes of packets, why, and whether somebody else gets them."""

    what: str
    why: Clue
    elsewhere: bool = False


def decided(
    leg: Leg, now: Decision, then: Decision | None, known: NetworkChange, usual: str
) -> Cited | None:
    """Return what the host decides otherwise about a packet; None for nothing.

    Args:
        leg: the packet.
        now: what the host decides.
        then: what it decided when the lab had started; None where nobody knows.
        known: all that it decides by.
        usual: the link that leads to the receiver.

    """
    if then is not None and _same(now, then):
        if now.passes and not _strays(leg, now, known, usual):
            return None
        then = None  # it was like that before: not the lab's, and not the golden's
    if now.stopped:
        return _stopped(leg, now, known)
    if not now.passes:
        return Cited(f"are {_REFUSED[now.kind]}", _why(leg, now, then, known))
    return _elsewhere(leg, now, then, known, usual)


def _stopped(leg: Leg, now: Decision, known: NetworkChange) -> Cited:
    if now.stopped == "forwarding":
        return Cited("are not forwarded", _forwarding(leg, known))
    what = "are dropped: their source is not believed"
    return Cited(what, _source(leg, now, known))


def _elsewhere(
    leg: Leg, now: Decision, then: Decision | None, known: NetworkChange, usual: str
) -> Cited | None:
    """Return who gets packets instead of their receiver; None where that does."""
    if then is None and not _strays(leg, now, known, usual):
        return None
    if now.kind in HERE:
        if leg.local and not leg.reply:
            return None
        what = f"are taken by the host itself, which has {leg.asked.destination}"
    else:
        what = f"leave by {_hops(now)}{_place(now, known)} {_instead(now, then, usual)}"
    return Cited(what, _why(leg, now, then, known), elsewhere=True)


def _strays(leg: Leg, now: Decision, known: NetworkChange, usual: str) -> bool:
    """Return whether packets go to another link than the golden's went to.

    Where that link is not known, nobody can tell.
    """
    to_host = leg.local and not leg.reply and not leg.own
    if now.kind in HERE or to_host:
        return (now.kind in HERE) != to_host
    return known.now.link(usual) is not None and usual not in now.devices


_REFUSED = {
    "prohibit": "prohibited by routing",
    "unreachable": "found unreachable by routing",
    "blackhole": "dropped by routing",
    NONE: "not routed: no policy rule leads to a route for them",
}


def _same(now: Decision, then: Decision) -> bool:
    """Return whether packets come as far now as then, the same way."""
    return (now.passes, now.kind, now.stopped, _ways(now)) == (
        then.passes,
        then.kind,
        then.stopped,
        _ways(then),
    )


def _ways(decision: Decision) -> frozenset[tuple[str, str]]:
    if decision.kind in HERE:
        return frozenset()
    return frozenset((hop.gateway, hop.device) for hop in decision.hops)


def _instead(now: Decision, then: Decision | None, usual: str) -> str:
    """Return where packets went when the lab had started, or should go."""
    if then is None:
        return f"instead of {usual}"
    if then.kind in HERE:
        return "though they were for the host itself"
    is_direct = not any(hop.gateway for hop in then.hops)
    if is_direct and now.devices == then.devices:
        return "instead of directly"
    return f"instead of {_hops(then)}"


def _hops(decision: Decision) -> str:
    """Return the links by which a packet may leave, and the next hops."""
    return (
        " or ".join(
            f"{hop.device} (via {hop.gateway})" if hop.gateway else hop.device
            for hop in decision.hops
        )
        or "none"
    )


def _place(decision: Decision, known: NetworkChange) -> str:
    """Return what a link is called in the lab, where that says more than its name."""
    (device, *others) = decision.devices
    place = known.places.get(device, "")
    return f", the {place}," if place == "uplink" and not others else ""


def _forwarding(leg: Leg, known: NetworkChange) -> Clue:
    if leg.asked.version == IPV6:
        return setting(per_link("all", "forwarding", IPV6), known)
    name = per_link(leg.asked.incoming, "forwarding")
    if known.now.routing.settings.get(FORWARD) == "0":
        name = FORWARD
    return setting(name, known)


def setting(name: str, known: NetworkChange) -> Clue:
    """Cite a setting, and what it was when the lab had started."""
    now = known.now.routing.settings.get(name, "absent")
    was = known.then.routing.settings.get(name, "absent") if known.then else now
    text = f"{name} is {now} here"
    if was == now:
        return Clue(text, f"sysctl -w {name}={_USUAL[name.rpartition('.')[2]]}")
    return Clue(f"{text}, {was} {_SINCE}", f"sysctl -w {name}={was}")


# What lets packets pass, of settings that may not.
_USUAL = {"forwarding": 1, "ip_forward": 1, "rp_filter": 2, "arp_ignore": 0}


def _source(leg: Leg, now: Decision, known: NetworkChange) -> Clue:
    """Cite why a source is not believed: a setting, and where its reply would go."""
    link, address = leg.asked.incoming, leg.asked.source
    names = [per_link(one, "rp_filter") for one in (link, "all")]
    values = known.now.routing.settings
    cited = setting(max(names, key=lambda one: values.get(one, "0")), known)
    back = now.back
    if back is None:
        return cited
    blamed = _blamed(back, None, known, leg.asked.version)
    if back.kind in HERE:
        return Clue(f"this host has {address} itself: {blamed}", blamed.remedy)
    where = _hops(back) if back.passes else "nowhere"
    text = f"{cited}, and a packet to {address} would go to {where}"
    if (count := known.counts.get(FILTERED, 0)) > 0:
        text += f" (the kernel dropped {count} for that)"
    return Clue(f"{text}: {blamed}", cited.remedy or blamed.remedy)


def _why(leg: Leg, now: Decision, then: Decision | None, known: NetworkChange) -> Clue:
    """Cite the rule or route by which a packet is decided otherwise."""
    found = _blamed(now, then, known, leg.asked.version)
    if leg.marked_by is None:
        return found
    return Clue(f"{found}; their mark is of {leg.marked_by.text}", found.remedy)


def _blamed(
    now: Decision, then: Decision | None, known: NetworkChange, version: int
) -> Clue:
    """Cite what is new, of what decides; or what is gone, of what decided."""
    if known.then is None:
        return _by(now)
    gone = _gone(then, known, version) if then else clues.NONE
    return _new(now, known.then, known, version) or gone or _by(now)


def _new(now: Decision, old: Network, known: NetworkChange, version: int) -> Clue:
    route = f"`{_one_line(now.route)}`" if now.route else ""
    if now.rule is not None and now.rule not in old.routing.of(version):
        leads = f", which leads to {route}" if route else ""
        text = f"this policy rule is new: `{now.rule}`{leads}"
        return Clue(text, f"ip rule del {_selector(now.rule)}")
    if address := _new_address(now, old, known):
        text = f"this address is new: {address.text} on {address.device}"
        return Clue(text, f"ip address del {address.text} dev {address.device}")
    if now.route is not None and now.route not in old.routing.routes:
        asked = f", in a table that `{now.rule}` asks" if _is_special(now.rule) else ""
        text = f"this route is new: {route}{asked}"
        return Clue(text, f"ip route del {_one_line(now.route)}")
    return clues.NONE


def _gone(then: Decision, known: NetworkChange, version: int) -> Clue:
    here = known.now.routing
    if then.rule is not None and then.rule not in here.of(version):
        text = f"this policy rule is gone: `{then.rule}`"
        return Clue(text, f"ip rule add {_selector(then.rule)}")
    if address := _lost_address(then, known):
        text = f"this address is gone: {address.text} of {address.device}"
        return Clue(text, f"ip address add {address.text} dev {address.device}")
    if then.route is not None and then.route not in here.routes:
        route = _one_line(then.route)
        return Clue(f"this route is gone: `{route}`", f"ip route add {route}")
    return clues.NONE


def _new_address(now: Decision, old: Network, known: NetworkChange) -> Address | None:
    """Return the new address of the host that a route to the host itself is of."""
    if now.route is None or now.kind not in HERE:
        return None
    found = (x for x in known.now.addresses if x.ip == now.route.destination)
    return next((x for x in found if x not in old.addresses), None)


def _lost_address(then: Decision, known: NetworkChange) -> Address | None:
    """Return the host's address that a route came with, where both are gone."""
    route = then.route
    if known.then is None or route is None or route in known.now.routing.routes:
        return None
    lost = (x for x in known.then.addresses if x not in known.now.addresses)
    return next((x for x in lost if x.ip in (route.source, route.destination)), None)


def _by(decision: Decision) -> Clue:
    """Cite what decides, where it is not new, or nobody knows."""
    rule = f"`{decision.rule}`" if decision.rule else "no policy rule"
    by = f", by `{_one_line(decision.route)}`" if decision.route else ""
    remedy = ""
    if decision.rule is not None and _is_special(decision.rule):
        remedy = f"ip rule del {_selector(decision.rule)}"
    elif decision.route is not None and not decision.passes:
        remedy = f"ip route del {_one_line(decision.route)}"
    return Clue(f"{rule} decides{by}", remedy)


def _is_special(rule: PolicyRule | None) -> bool:
    return rule is not None and rule.table not in ("main", "local", "default")


def _selector(rule: PolicyRule) -> str:
    """Return a rule as `ip rule add` and `del` take it."""
    _, _, words = f"{rule}".partition(":\t")
    return f"{words} priority {rule.priority}"


def _one_line(route: Route) -> str:
    return " ".join(f"{route}".split())


def deaf(case: Case, place: str) -> Clue:
    """Cite why the host does not answer ARP on a link.

    Args:
        case: the flow.
        place: docker0 or uplink.

    """
    known = case.host.network
    if known is None or known.then is None:
        return clues.NONE
    link = known.link(place)
    found = known.now.link(link)
    if found is not None and not found.arp:
        return Clue(f"{link} answers no ARP (NOARP)", f"ip link set {link} arp on")
    here = [one for one in known.then.addresses if one.device == link]
    for lost in (one for one in here if one not in known.now.addresses):
        remedy = f"ip address add {lost.text} dev {link}"
        return Clue(f"this address is gone: {lost.text} of {link}", remedy)
    for name in (per_link(x, "arp_ignore") for x in (link, "all")):
        values = (one.routing.settings.get(name) for one in (known.now, known.then))
        if len(set(values)) > 1:
            return setting(name, known)
    askers = (f"{end.node}" for end in (case.want.initiator, case.want.target) if end)
    found_why = (_disbelieved(one, link, known) for one in askers)
    return next(filter(None, found_why), clues.NONE)


def _disbelieved(node: str, link: str, known: NetworkChange) -> Clue:
    """Cite why the source of a node's ARP request is not believed, as a packet's is."""
    own = next((one.ip for one in known.now.addresses if one.device == link), "")
    there = (text for text, name in known.names.items() if name == node)
    source = next((one for one in there if ":" not in one), "")
    if not own or not source:
        return clues.NONE
    asked = Asked(source=source, destination=own, incoming=link)
    leg = Leg(sender=node, receiver="host", asked=asked, untranslated=asked, local=True)
    if (now := leg.now(known)).stopped != "source":
        return clues.NONE
    why = _source(leg, now, known)
    return Clue(f"{node}, who asks, is not believed: {why}", why.remedy)
