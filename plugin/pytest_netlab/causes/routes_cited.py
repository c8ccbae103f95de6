"""What a host decides otherwise about a packet, and which rule or route does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.causes.facts import Clue
from pytest_netlab.host.routing import HERE, NONE
from pytest_netlab.host.sysctls import per_link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.causes.legs import Leg
    from pytest_netlab.host.addresses import Address
    from pytest_netlab.host.network import NetworkChange
    from pytest_netlab.host.policy_rules import PolicyRule
    from pytest_netlab.host.routes import Route
    from pytest_netlab.host.routing import Decision

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
        return None
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
    local = now.kind in HERE
    if local and leg.local and not leg.reply:
        return None
    if local:
        what = f"are taken by the host itself, which has {leg.asked.destination}"
    elif then or usual not in now.devices:
        there = _hops(then) if then else usual
        what = f"leave by {_hops(now)}{_place(now, known)} instead of {there}"
    else:
        return None
    return Cited(what, _why(leg, now, then, known), elsewhere=True)


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


def _hops(decision: Decision) -> str:
    """Return the links by which a packet may leave, and the next hops."""
    if decision.kind in HERE:
        return "none: the host took them itself"
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
    name = per_link(leg.asked.incoming, "forwarding")
    if known.now.routing.settings.get(FORWARD) == "0":
        name = FORWARD
    return _setting(name, known)


def _setting(name: str, known: NetworkChange) -> Clue:
    """Cite a setting, and what it was when the lab had started."""
    now = known.now.routing.settings.get(name, "absent")
    was = known.then.routing.settings.get(name, "absent") if known.then else now
    text = f"{name} is {now} here"
    if was == now:
        return Clue(text)
    return Clue(f"{text}, {was} {_SINCE}", f"sysctl -w {name}={was}")


def _source(leg: Leg, now: Decision, known: NetworkChange) -> Clue:
    """Cite why a source is not believed: a setting, and where its reply would go."""
    link, address = leg.asked.incoming, leg.asked.source
    back = now.back
    if back is not None and back.kind in HERE:
        why = "; ".join(_changed(back, None, known, leg.asked.version)) or _by(back)
        return Clue(
            f"this host has {address} itself: {why}",
            _undo(back, known, leg.asked.version),
        )
    names = [per_link(one, "rp_filter") for one in (link, "all")]
    values = known.now.routing.settings
    name = max(names, key=lambda one: values.get(one, "0"))
    setting = _setting(name, known)
    if back is None:
        return setting
    where = _hops(back) if back.passes else "nowhere"
    text = f"{setting}, and a packet to {address} would go to {where}"
    blamed = "; ".join(_changed(back, None, known, leg.asked.version)) or _by(back)
    if (count := known.counts.get(FILTERED, 0)) > 0:
        text += f" (the kernel dropped {count} for that)"
    return Clue(
        f"{text}: {blamed}", setting.remedy or _undo(back, known, leg.asked.version)
    )


def _why(leg: Leg, now: Decision, then: Decision | None, known: NetworkChange) -> Clue:
    """Cite the rule or route by which a packet is decided otherwise."""
    version = leg.asked.version
    cited = list(_changed(now, then, known, version))
    text = "; ".join(cited) or _by(now)
    if leg.marked_by is not None:
        text += f"; their mark is of {leg.marked_by.text}"
    return Clue(text, _undo(now, known, version) or _redo(then, known, version))


def _changed(
    now: Decision, then: Decision | None, known: NetworkChange, version: int
) -> Iterator[str]:
    """Yield what is new, of what decides, or else what is gone of what decided."""
    if known.then is None:
        return
    old, here = known.then.routing, known.now.routing
    is_new = False
    if now.rule is not None and now.rule not in old.of(version):
        is_new = True
        leads = f", which leads to `{now.route}`" if now.route else ""
        yield f"this policy rule is new: `{now.rule}`{leads}"
    elif address := _new_address(now, known):
        is_new = True
        yield f"this address is new: {address.text} on {address.device}"
    elif now.route is not None and now.route not in old.routes:
        is_new = True
        asked = f", in a table that `{now.rule}` asks" if _is_special(now.rule) else ""
        yield f"this route is new: `{now.route}`{asked}"
    if is_new or then is None:
        return
    if then.rule is not None and then.rule not in here.of(version):
        yield f"this policy rule is gone: `{then.rule}`"
    elif then.route is not None and then.route not in here.routes:
        yield f"this route is gone: `{then.route}`"


def _new_address(now: Decision, known: NetworkChange) -> Address | None:
    """Return the new address of the host that a route to the host itself is of."""
    if known.then is None or now.route is None or now.kind not in HERE:
        return None
    found = (x for x in known.now.addresses if x.ip == now.route.destination)
    return next((x for x in found if x not in known.then.addresses), None)


def _by(decision: Decision) -> str:
    """Return what decides, where it is not new."""
    rule = f"`{decision.rule}`" if decision.rule else "no policy rule"
    return (
        f"{rule} decides, by `{decision.route}`"
        if decision.route
        else f"{rule} decides"
    )


def _is_special(rule: PolicyRule | None) -> bool:
    return rule is not None and rule.table not in ("main", "local", "default")


def _undo(now: Decision, known: NetworkChange, version: int) -> str:
    """Return the command that removes what is new, of what decides."""
    if known.then is None:
        return ""
    old = known.then.routing
    if now.rule is not None and now.rule not in old.of(version):
        return f"ip rule del {_selector(now.rule)}"
    if address := _new_address(now, known):
        return f"ip address del {address.text} dev {address.device}"
    if now.route is not None and now.route not in old.routes:
        return f"ip route del {_one_line(now.route)}"
    return ""


def _redo(then: Decision | None, known: NetworkChange, version: int) -> str:
    """Return the command that brings back what is gone, of what decided."""
    if then is None:
        return ""
    here = known.now.routing
    if then.rule is not None and then.rule not in here.of(version):
        return f"ip rule add {_selector(then.rule)}"
    if then.route is not None and then.route not in here.routes:
        return f"ip route add {_one_line(then.route)}"
    return ""


def _selector(rule: PolicyRule) -> str:
    """Return a rule as `ip rule add` and `del` take it."""
    _, _, words = f"{rule}".partition(":\t")
    return f"{words} priority {rule.priority}"


def _one_line(route: Route) -> str:
    return " ".join(f"{route}".split())
