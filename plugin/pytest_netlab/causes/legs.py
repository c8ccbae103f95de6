"""The packets of a flow as a host decides about them: there, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from pytest_netlab.flows import WITH_PORTS, Tuple5
from pytest_netlab.host import Rule, Sent
from pytest_netlab.host.firewall.conditions import meets
from pytest_netlab.host.routing.decision import Asked, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.causes.facts import Case
    from pytest_netlab.host.routing.decision import Decision
    from pytest_netlab.host.routing.network import NetworkChange

LOCAL, PROXIED = "local", "proxied"
_MARKS = ("--set-xmark", "--set-mark", "--or-mark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One direction of a flow, at one of the host's decisions.

    Attributes:
        sender: the node whose packets they are.
        receiver: the node that they are for.
        asked: the packet as it is when the host decides.
        untranslated: the packet without any translation.
        reply: it travels to the initiator.
        local: the host itself is one of its ends.
        marked_by: the rule that set its mark; None where it has none.

    """

    sender: str
    receiver: str
    asked: Asked
    untranslated: Asked
    reply: bool = False
    local: bool = False
    marked_by: Rule | None = None

    @property
    def own(self) -> bool:
        """Return whether the host itself sends it."""
        return not self.asked.incoming

    def now(self, known: NetworkChange) -> Decision:
        """Return what the host decides now."""
        return decide(known.now.routing, self.asked)

    def then(self, known: NetworkChange) -> Decision | None:
        """Return what it decided when its lab had started; None: nobody knows."""
        before = replace(self.asked, mark=0)
        return decide(known.then.routing, before) if known.then else None


def legs(case: Case) -> Iterator[Leg]:
    """Yield both directions of a flow, as the host decides about them.

    Where a rule marks its packets, or may, they are also yielded with that mark.
    """
    known = case.host.network
    key = case.got.key or case.want.key
    if known is None or key is None:
        return
    for leg in _legs(case, known, key):
        sure = False
        for mark, rule in _marks(case, leg):
            sure |= _meets(case, rule, leg) is True
            asked = replace(leg.asked, mark=mark)
            yield replace(leg, asked=asked, marked_by=rule)
        if not sure:
            yield leg


def _legs(case: Case, known: NetworkChange, key: Tuple5) -> Iterator[Leg]:
    want = case.want
    initiator, responder = f"{want.initiator.node}", f"{want.responder.node}"
    if want.disposition == LOCAL and _are_bridged(case, initiator, responder):
        return
    whole = _asked(key, key.dst, key.dport, link(case, known, initiator, key.src))
    local = Leg(
        sender=initiator,
        receiver=responder,
        asked=whole,
        untranslated=whole,
        local=True,
    )
    target = case.got.target or want.target
    where = address(known, f"{target.node}", key) if target else ""
    is_local = want.disposition in (LOCAL, PROXIED)
    if is_local or not where:
        yield from (local, _back(local, ""))
    if target is None or not where or want.disposition == LOCAL:
        return
    port = target.port if isinstance(target.port, int) else key.dport
    asked = _asked(key, where, port, whole.incoming)
    leg = replace(local, receiver=f"{target.node}", asked=asked, local=False)
    if is_local:
        leg = _proxy(case, known, leg)
    yield from (leg, _back(leg, link(case, known, leg.receiver, where)))


def _are_bridged(case: Case, one: str, other: str) -> bool:
    """Return whether two nodes are on one link: then no route decides about them."""
    places = {case.host.devices.get(node, "") for node in (one, other)}
    return len(places) == 1 and "" not in places


def _proxy(case: Case, known: NetworkChange, leg: Leg) -> Leg:
    """Return what docker-proxy sends itself, of a direction that it carries."""
    sender = f"{case.want.sender.node}" if case.want.sender else ""
    key = Tuple5(leg.asked.protocol, leg.asked.source, 0, leg.asked.destination, 0)
    own = replace(
        leg.asked,
        source=address(known, sender, key) or leg.asked.destination,
        incoming="",
        sport=0,
    )
    return replace(leg, sender=sender, asked=own, untranslated=own, local=True)


def link(case: Case, known: NetworkChange, node: str, where: str) -> str:
    """Return the name of the host's link that leads to a node, as it should be."""
    if place := case.host.devices.get(node, ""):
        name = known.link(place)
        if any(one and one.link(name) for one in (known.now, known.then)):
            return name
    expected = (known.then or known.now).routing
    own = Asked(source=where, destination=where)
    return next(iter(decide(expected, own).devices), "")


def _asked(key: Tuple5, destination: str, port: int, incoming: str) -> Asked:
    ports = key.proto in WITH_PORTS
    return Asked(
        source=key.src,
        destination=destination,
        incoming=incoming,
        protocol=key.proto,
        sport=key.sport if ports else 0,
        dport=port if ports else 0,
    )


def _back(leg: Leg, incoming: str) -> Leg:
    """Return the replies of a direction; the host's own where nothing brings them."""
    asked, whole = leg.asked, leg.untranslated
    return replace(
        leg,
        sender=leg.receiver,
        receiver=leg.sender,
        asked=_reversed(asked, incoming),
        untranslated=_reversed(whole, incoming),
        reply=True,
    )


def _reversed(asked: Asked, incoming: str) -> Asked:
    return replace(
        asked,
        source=asked.destination,
        destination=asked.source,
        sport=asked.dport,
        dport=asked.sport,
        incoming=incoming,
    )


def address(known: NetworkChange, node: str, like: Tuple5) -> str:
    """Return a node's address, of the version that a flow has."""
    version = ip_address(like.src).version
    able = (text for text, name in known.names.items() if name == node)
    return next((text for text in able if ip_address(text).version == version), "")


def _marks(case: Case, leg: Leg) -> Iterator[tuple[int, Rule]]:
    """Yield the marks that rules set which counted packets and may be met here."""
    for rule in case.host.acted:
        if not isinstance(rule, Rule) or _meets(case, rule, leg) is False:
            continue
        if (mark := _mark(rule)) is not None:
            yield mark, rule


def _mark(rule: Rule) -> int | None:
    """Return the mark that a rule sets; None where it sets none."""
    words = [word for one in rule.actions for word in (one.name, *one.tokens)]
    text = " ".join(words)
    if "meta mark set" in text:
        value = text.partition("meta mark set ")[2].split()[0]
    else:
        found = (words[n + 1] for n, word in enumerate(words[:-1]) if word in _MARKS)
        value = next(found, "").partition("/")[0]
    try:
        return int(value, 0)
    except ValueError:
        return None


def _meets(case: Case, rule: Rule, leg: Leg) -> bool | None:
    """Return whether a rule's matches are met by a direction's packets, in names."""
    asked = leg.asked if leg.reply else leg.untranslated
    receiver = leg.receiver if leg.reply else f"{case.want.responder.node}"
    ends = leg.sender, asked.sport, receiver, asked.dport
    sent = Sent(Tuple5(asked.protocol, *ends), "", asked.incoming, case.version)
    return meets(rule, sent)
