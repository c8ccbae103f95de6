"""Causes in how an end of a flow is set: its packets differ, and the host is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.trace import TcpOption
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_netlab.causes.facts import Case, Cause, Evidence
    from pytest_netlab.host import EndSetting

TTL, NO_PMTU_DISCOVERY = "net.ipv4.ip_default_ttl", "net.ipv4.ip_no_pmtu_disc"
# Option of a handshake -> the sysctl without which no end offers it. A SYN-ACK has only
# what the SYN offered (RFC 7323, 2.2 and 3.2; RFC 2018, 2).
OFFERED_BY = {
    tcp.TIMESTAMPS: "net.ipv4.tcp_timestamps",
    tcp.SACK_OK: "net.ipv4.tcp_sack",
    tcp.WSCALE: "net.ipv4.tcp_window_scaling",
}


def sender_differs(case: Case) -> Cause | None:
    """Find settings of the flow's ends that account for every difference of it."""
    why = [_of(one, case) for one in case.evidence]
    if not why or not all(why):
        return None
    nodes: dict[str, list[EndSetting]] = {}
    for setting in dict.fromkeys(setting for found in why for setting in found):
        nodes.setdefault(f"{setting.name} is {setting.value}", []).append(setting)
    first = case.evidence[0]
    text = (
        f"{first.field} {first.got} instead of {first.want} at {first.point}: "
        f"{'; '.join(_cited(what, at) for what, at in nodes.items())}. The packets are "
        "as their sender made them: no rule did this"
    )
    return case.cause("sender differs", text)


def _of(difference: Evidence, case: Case) -> list[EndSetting]:
    """Return the settings that account for a difference; none where none does."""
    initiator, responder = _nodes(case)
    senders = initiator if difference.direction == "original" else responder
    ours = [one for one in case.host.ends if one.node in senders]
    found, expected = difference.found, difference.expected
    if difference.field == "ttl":
        return [one for one in ours if _sends_ttl(one, found)]
    if difference.field == "df" and found is False:
        return [one for one in ours if one.name == NO_PMTU_DISCOVERY]
    if difference.field == "options":
        # A SYN-ACK has no more than the SYN offered: either end may be why.
        either = [one for one in case.host.ends if one.node in initiator | senders]
        return _not_offered(_kinds(expected), _kinds(found), either)
    return []


def _nodes(case: Case) -> tuple[set[object], set[object]]:
    """Return the initiator, and the responder with the node that DNAT made of it."""
    want = case.want
    ends = (want.responder, want.target) if want.target else (want.responder,)
    return {want.initiator.node}, {end.node for end in ends}


def _not_offered(
    expected: set[int], found: set[int], settings: Iterable[EndSetting]
) -> list[EndSetting]:
    """Return the settings that take all missing options away, where none is new."""
    names = {OFFERED_BY.get(kind, "") for kind in expected - found}
    off = [one for one in settings if one.name in names and one.value == "0"]
    return off if found < expected and names == {one.name for one in off} else []


def _sends_ttl(setting: EndSetting, found: object) -> bool:
    """Return whether a packet with this ttl may be its sender's, or one hop behind."""
    if setting.name != TTL or not isinstance(found, int):
        return False
    return setting.value in (str(found), str(found + 1))


def _kinds(options: object) -> set[int]:
    """Return the kinds of a handshake's options, without those that only fill."""
    found = options if isinstance(options, tuple) else ()
    kinds = {one.kind for one in found if isinstance(one, TcpOption)}
    return kinds - {tcp.NOP}


def _cited(what: str, settings: Sequence[EndSetting]) -> str:
    nodes = " and ".join(dict.fromkeys(one.node for one in settings))
    return f"{what} at {nodes} ({settings[0].default} by default)"
