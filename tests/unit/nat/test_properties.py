"""Of any traffic through any NAT, what is learned is what that NAT did.

Knows what may go wrong between a packet and its two observations; translates with
`nat.model.Nat`, and with one more NAT that Docker has no rules for.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.traffic import (
    BRIDGE,
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    UNKNOWN,
    WEB,
    Packet,
    capture,
    routed,
)

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.nat import Nat, learn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Translations

CLIENT = "172.16.211.9"
PUBLISHED = {1: (WEB, 80), 2: (C1, 1), 81: (WEB, 80)}
INSIDE6, HOST6, OUTSIDE6 = ("fd00::2", "fd00::3"), "2001:db8::9", "2001:db8::1"
ANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


class Translator(Protocol):
    """What `Nat` promises."""

    def outbound(self, key: Tuple5) -> Tuple5:
        """Return the key of a packet of docker0 as it leaves on the uplink."""

    def inbound(self, key: Tuple5) -> Tuple5 | None:
        """Return the key of a packet of the uplink on docker0; None: not forwarded."""


@dataclass
class Hairpin:
    """A NAT that hides the client of a published port as well: both ends are new."""

    behind: Nat
    ports: dict[Tuple5, int] = field(default_factory=dict)

    def outbound(self, key: Tuple5) -> Tuple5:
        """Return the key outside."""
        return self.behind.outbound(key)

    def inbound(self, key: Tuple5) -> Tuple5 | None:
        """Return the key inside, sent by the bridge from a port of its own."""
        translated = self.behind.inbound(key)
        port = self.ports.setdefault(key, 30_000 + len(self.ports))
        return translated and translated._replace(src=BRIDGE, sport=port)


def _docker(*, masquerade: bool) -> Nat:
    return Nat(
        subnet=IPv4Network("172.17.0.0/16"),
        address=HOST,
        published=PUBLISHED,
        masquerade=masquerade,
    )


def _nat66() -> Nat:
    subnet = cast("IPv4Network", IPv6Network("fd00::/64"))
    return Nat(subnet=subnet, address=HOST6, published={1: (INSIDE6[0], 80)})


class Flow(NamedTuple):
    """A flow's key where the host met it and where it left, and from which side."""

    side: str
    original: Tuple5
    translated: Tuple5

    @property
    def kind(self) -> str:
        """Return what RFC 2663 calls the rewrite."""
        original, translated = self.original, self.translated
        ends = [(original.src, original.sport) != (translated.src, translated.sport)]
        is_echo = original.proto in (ICMP, ICMP6)
        ends.append(
            original.dst != translated.dst
            or (original.dport != translated.dport and not is_echo)
        )
        names = {(0, 0): "none", (1, 0): "snat", (0, 1): "dnat", (1, 1): "twice-nat"}
        return names[ends[0], ends[1]]


class Event(NamedTuple):
    """A packet to be sent: of which flow, which way, and what happens to it."""

    flow: int
    reply: bool
    common: bool  # as others have it; else its content is its own
    ip_id: int  # 0 as for packets that cannot be fragmented, or used again and again
    lost: str  # "", or the side whose tap missed it
    copies: int
    padding: int  # bytes that the outside's link adds


KEYS4 = st.builds(
    Tuple5,
    st.sampled_from([TCP, UDP, ICMP]),
    st.sampled_from([C1, C2, WEB]),
    st.integers(1, 4),
    st.sampled_from([HOST01, CLIENT]),
    st.integers(1, 3),
)
KEYS6 = st.builds(
    Tuple5,
    st.sampled_from([TCP, UDP]),
    st.sampled_from(INSIDE6),
    st.integers(1, 4),
    st.just(OUTSIDE6),
    st.integers(1, 3),
)
EVENTS = st.lists(
    st.builds(
        Event,
        st.integers(0, 7),
        st.booleans(),
        st.booleans(),
        st.sampled_from([0, 0, 1, 2]),
        st.sampled_from(["", "", "", "inside", "outside"]),
        st.sampled_from([1, 1, 1, 2, 3]),
        st.sampled_from([0, 0, 18]),
    ),
    max_size=24,
)


class Wanted(NamedTuple):
    """A key that somebody uses, and whether it is used from outside."""

    key: Tuple5
    inwards: bool


def _flows(nat: Translator, address: str, wanted: Sequence[Wanted]) -> list[Flow]:
    """Return what the NAT makes of the keys, each used by one flow only."""
    flows: list[Flow] = []
    used: set[tuple[str, Tuple5]] = set()
    for key, inwards in wanted:
        original = _aligned(key._replace(src=key.dst, dst=address) if inwards else key)
        near, far = ("outside", "inside") if inwards else ("inside", "outside")
        ends = {(near, original), (near, original.reply)}
        if ends & used:
            continue
        translated = nat.inbound(original) if inwards else nat.outbound(original)
        if translated is None or {(far, translated), (far, translated.reply)} & used:
            continue
        used |= ends | {(far, translated), (far, translated.reply)}
        flows.append(Flow(near, original, translated))
    return flows


def _aligned(key: Tuple5) -> Tuple5:
    """Return the key as it is in a flow: an ICMP echo has one id."""
    return key._replace(dport=key.sport) if key.proto in (ICMP, ICMP6) else key


class Sent(NamedTuple):
    """One packet: of which flow, and where it was seen."""

    flow: Flow
    near: Packet | None
    far: Packet | None


def _packets(
    flows: Sequence[Flow], events: Sequence[Event], *, taps: bool
) -> list[Sent]:
    """Return every packet; the first of each flow is no other's, and is seen twice."""
    first = [Event(n, False, False, n % 3, "", 1, 0) for n in range(len(flows))]  # noqa: FBT003
    rest = [event for event in events if event.flow < len(flows)]
    made = []
    for number, event in enumerate((*first, *rest), 1):
        flow = flows[event.flow]
        lost = "" if event.common else event.lost
        packet = Packet(
            key=flow.translated.reply if event.reply else flow.original,
            data=b"same" if event.common else f"#{number}".encode(),
            seq=7 if event.common else number * 1000 % 65_536,
            ip_id=1000 + number if lost else event.ip_id,
            reply=event.reply,
            direction=IN if taps else UNKNOWN,
        )
        made += [_seen(flow, packet, event, lost)] * event.copies
    return made


def _seen(flow: Flow, packet: Packet, event: Event, lost: str) -> Sent:
    """Return where a packet was seen on its way through the host."""
    key = flow.original.reply if packet.reply else flow.translated
    beyond = routed(packet, key)
    if packet.direction == UNKNOWN:
        beyond = replace(beyond, direction=UNKNOWN)
    outwards = (flow.side == "inside") != packet.reply
    near, far = (packet, beyond) if outwards else (beyond, packet)
    far = replace(far, tail=bytes(event.padding))
    return Sent(
        flow, None if lost == "inside" else near, None if lost == "outside" else far
    )


def _interleaved(translated: Sequence[Sent], random: Random) -> list[Sent]:
    """Return the packets in another order; each flow's own order stays."""
    queues: dict[Flow, deque[Sent]] = defaultdict(deque)
    for packet in translated:
        queues[packet.flow].append(packet)
    order = [packet.flow for packet in translated]
    random.shuffle(order)
    return [queues[flow].popleft() for flow in order]


def _captures(translated: Sequence[Sent], random: Random) -> tuple[Capture, Capture]:
    """Return what both taps saw; their clocks differ by up to some days."""
    ahead = random.randrange(10**15)
    inside = [packet.near for packet in translated if packet.near]
    outside = [packet.far for packet in _interleaved(translated, random) if packet.far]
    return capture(inside), capture(outside, start=ahead)


def _check(found: Translations, translated: Sequence[Sent]) -> None:
    """Fail unless exactly what the NAT did was found."""
    crossed: dict[Flow, int] = dict.fromkeys((packet.flow for packet in translated), 0)
    for packet in translated:
        crossed[packet.flow] += bool(packet.near and packet.far)

    assert {
        (f.side, f.original, f.translated, f.kind): n for f, n in crossed.items()
    } == {
        (f.initiated, f.original, f.translated, f.kind): f.packets for f in found.flows
    }
    assert found.violations == ()
    assert found.unpaired == {}


WANTED4 = st.lists(st.builds(Wanted, KEYS4, st.booleans()), max_size=8)
WANTED6 = st.lists(st.builds(Wanted, KEYS6, st.booleans()), max_size=8)


@ANY
@given(
    wanted=WANTED4,
    events=EVENTS,
    taps=st.booleans(),
    masquerade=st.booleans(),
    hairpin=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_learns_any_nat(
    *,
    wanted: list[Wanted],
    events: list[Event],
    taps: bool,
    masquerade: bool,
    hairpin: bool,
    random: Random,
) -> None:
    """Masquerade, published ports, both at once, and ports that were taken."""
    nat = _docker(masquerade=masquerade)
    flows = _flows(Hairpin(nat) if hairpin else nat, HOST, wanted)
    translated = _packets(flows, events, taps=taps)

    _check(learn(*_captures(translated, random)), translated)


@ANY
@given(
    wanted=WANTED6,
    events=EVENTS,
    taps=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_learns_nat66(
    *, wanted: list[Wanted], events: list[Event], taps: bool, random: Random
) -> None:
    """The same where packets have no IP id and no header checksum."""
    translated = _packets(_flows(_nat66(), HOST6, wanted), events, taps=taps)

    _check(learn(*_captures(translated, random)), translated)
