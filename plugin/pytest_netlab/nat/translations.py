"""What `learn` returns. Values only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_netlab.flows import ICMP, ICMP6

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat.clocks.clock import Clock

Kind = Literal[
    "none", "snat", "dnat", "twice-nat", "hairpin", "nat64", "nat46", "proxied"
]
Disposition = Literal["forwarded", "dropped", "local", "leaked", "proxied"]
Side = Literal["inside", "outside"]
Status = Literal["lost", "lost or not captured", "not captured", "not looked for"]


class Delay(NamedTuple):
    """How long a flow's packets took between the two points, by the inside's clock.

    Attributes:
        least: of all packets, in ns.
        median: in ns.
        most: in ns.

    """

    least: int
    median: int
    most: int


class Renewal(NamedTuple):
    """The end of a mapping, and how long after it a flow took over one of its keys.

    RFC 4787 REQ-5 (UDP) and RFC 5382 REQ-5 (TCP) say when a mapping may end.

    Attributes:
        shared: the side on which the two flows have the same key.
        idle: ns between the last packet of the mapping that ended and the next one.
        closed: a FIN or RST had ended its connection; otherwise it was idle for long.

    """

    shared: Side
    idle: int
    closed: bool


class Hops(NamedTuple):
    """By how much the ttl is lowered between the points: routers, or 0 of a bridge.

    Attributes:
        outward: of packets that left the inside; None without a pair.
        inward: of those that came from outside, likewise.
        learned: by most pairs; otherwise it was demanded.

    """

    outward: int | None
    inward: int | None
    learned: bool


class Change(NamedTuple):
    """What was rewritten of a flow's packets that a middlebox may rewrite.

    Attributes:
        field: the packet's field, or `payload`.
        text: what became of it, as text, once for all packets.
        packets: of how many; 0: of all.

    """

    field: str
    text: str
    packets: int


class Flow(NamedTuple):
    """One conversation as the NAT saw it.

    A tuple, because a capture may have a million of them: a frozen dataclass takes four
    times as long.

    Attributes:
        kind: what was rewritten in the initiator's direction: `snat`, `dnat` and
            `twice-nat` (RFC 2663, 4); `nat64` where an initiator that speaks IPv6
            reaches one that speaks IPv4, `nat46` the reverse (RFC 6146); `hairpin` from
            inside to inside by an address of the outside (RFC 4787, 6).
        disposition: forwarded, or why no packet of it has a counterpart.
        initiated: the side that its first packet came from.
        inside: its key inside, oriented from the initiator; None if not seen there.
        outside: its key outside, likewise.
        answered: the responder sent something.
        returned: that was seen on the initiator's side; valid iff forwarded.
        pairs: (inside row, outside row) of each packet that crossed the host.
        inside_rows: rows of the inside capture given to `learn`; none of a stream.
        outside_rows: rows of the outside capture, likewise.
        packets: how many crossed the host.
        ambiguous: of how many the counterpart may as well be that of another flow; all
            of them: what the flow was translated to is a guess.
        delay: of those that crossed; None where no clock could be estimated.
        renewal: of the mapping that this flow's replaced; None if it replaced none.
        changes: what was rewritten beside addresses and ports, and may be.
        guessed: neither a SYN nor an echo shows who began it, so its ports decided.

    """

    kind: Kind
    disposition: Disposition
    initiated: Side
    inside: Tuple5 | None
    outside: Tuple5 | None
    answered: bool
    returned: bool = True
    pairs: tuple[tuple[int, int], ...] = ()
    inside_rows: tuple[int, ...] = ()
    outside_rows: tuple[int, ...] = ()
    packets: int = 0
    ambiguous: int = 0
    delay: Delay | None = None
    renewal: Renewal | None = None
    changes: tuple[Change, ...] = ()
    guessed: bool = False

    @property
    def original(self) -> Tuple5:
        """Return the key of the initiator's packets before translation."""
        near, far = self.inside, self.outside
        first = near or far if self.initiated == "inside" else far or near
        if first is None:
            raise ValueError("a flow was seen on no side")
        return first

    @property
    def translated(self) -> Tuple5 | None:
        """Return that key after translation; None if only one side saw the flow."""
        if self.inside is None or self.outside is None:
            return None
        return self.outside if self.initiated == "inside" else self.inside


class Loss(NamedTuple):
    """Packets of one direction of a flow that one side saw and the other did not.

    A transmission is one packet on the wire: its retransmission is another one.

    Attributes:
        flow: index into `Translations.flows`.
        reply: they travelled to the initiator.
        side: which saw them.
        status: `lost` between the points; `lost or not captured` where the other
            capture says that it dropped packets; `not captured` where later packets
            prove that they crossed; `not looked for` where the other capture had not
            begun or had ended.
        rows: of the packets, in the capture of that side, from 0.
        resent: what they carried crossed in another transmission.
        octets: of TCP, what never crossed in any transmission: first and last, as
            Wireshark's relative sequence numbers.
        part: the packets crossed but for these octets, in several pieces (TSO, GRO).

    """

    flow: int
    reply: bool
    side: Side
    status: Status
    rows: tuple[int, ...]
    resent: bool = False
    octets: tuple[tuple[int, int], ...] = ()
    part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When one side was captured, and how much of that the other side covers.

    Attributes:
        packets: that were captured.
        first: time of the first packet in ns, by the clock of that side.
        last: of the last, likewise.
        before: packets of flows that came before the other capture began.
        after: that came after the other capture had ended.
        dropped: packets that the capture says it dropped; None where nobody counted.

    """

    packets: int
    first: int
    last: int
    before: int = 0
    after: int = 0
    dropped: int | None = None


class Absent(NamedTuple):
    """A protocol or port that one side saw, and the other not at all.

    Attributes:
        side: which has none of it.
        proto: IANA's number.
        port: the responder's; None: nothing of the protocol at all.
        packets: that the other side saw.
        crossed: it was answered from beyond the host, so that capture seems filtered;
            otherwise it was lost, or that capture is filtered.

    """

    side: Side
    proto: int
    port: int | None
    packets: int
    crossed: bool


class Undecoded(NamedTuple):
    """Frames that are in no flow, since they are not decoded.

    Attributes:
        side: which has them.
        kind: what they are: a link type, an ethertype, or how they are broken.
        packets: how many there are.
        link: it is a link type.
        hides: they may carry IP packets, as LLDP never does.
        broken: they would be decoded, were they whole and well-formed.

    """

    side: Side
    kind: str
    packets: int
    link: bool = False
    hides: bool = False
    broken: bool = False


class Tunnel(NamedTuple):
    """Packets in a tunnel: taken out of it, or encrypted and without a counterpart.

    Attributes:
        side: which has them.
        kind: the tunnel's.
        packets: how many there are.
        encrypted: nobody can look into it; otherwise the inner packets are compared.

    """

    side: Side
    kind: str
    packets: int
    encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of the packets that have no counterpart.

    Attributes:
        losses: by flow, direction, side and status.
        clock: of the outside, against that of the inside; None without a pair.
        inside: when it was captured; None where it has no packet.
        outside: likewise.
        absent: what one capture has nothing of.
        undecoded: what was not understood, the most frequent of each side first.
        tunnels: those that were opened, and encrypted ones without a counterpart.

    """

    losses: tuple[Loss, ...] = ()
    clock: Clock | None = None
    inside: Span | None = None
    outside: Span | None = None
    absent: tuple[Absent, ...] = ()
    undecoded: tuple[Undecoded, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()

    @property
    def lost(self) -> tuple[Loss, ...]:
        """Return the losses that may be the host's: `lost`, also `or not captured`."""
        return tuple(one for one in self.losses if one.status.startswith("lost"))


Made = tuple[tuple[Flow, ...], "Account | Callable[[], Account]"]


class Translations:
    """What a NAT did to each flow, and what it did that no NAT may do.

    `pairs` is an (n, 2) array of (inside row, outside row) of one packet, None where
    the captures were read in chunks; then flows have no rows either. `hops` is by how
    much the ttl is lowered between the points.
    """

    def __init__(
        self,
        flows: tuple[Flow, ...] | Callable[[], Made] = (),
        violations: tuple[Violation, ...] = (),
        pairs: npt.NDArray[np.int64] | None = None,
        account: Account | None = None,
        *,
        hops: Hops | None = None,
    ) -> None:
        """Keep what was learned; callables make flows and account when asked for."""
        made = flows if isinstance(flows, tuple) else ()
        self._make = None if isinstance(flows, tuple) else flows
        self._made: Made = made, account or Account()
        self.violations = violations
        self.pairs = pairs
        self.hops = hops or Hops(None, None, learned=True)

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Return the flows: forwarded ones by their first packet, then the rest."""
        return self._all()[0]

    @property
    def account(self) -> Account:
        """Return what became of the packets without a counterpart."""
        flows, account = self._all()
        if not isinstance(account, Account):
            account = account()
            self._made = flows, account
        return account

    def _all(self) -> Made:
        if self._make is not None:
            self._made, self._make = self._make(), None
        return self._made

    @property
    def unpaired(self) -> dict[Disposition, int]:
        """Return how many conversations have no counterpart, by disposition."""
        return Counter(
            flow.disposition for flow in self.flows if flow.disposition != "forwarded"
        )

    def __eq__(self, other: object) -> bool:
        """Compare flows, violations and the rows that show them."""
        if not isinstance(other, Translations):
            return NotImplemented
        rows = ([bad.rows for bad in one.violations] for one in (self, other))
        same = (self.flows, self.violations) == (other.flows, other.violations)
        return same and next(rows) == next(rows)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Show flows and violations."""
        return f"Translations({self.flows!r}, {self.violations!r})"


def kind_of(original: Tuple5, translated: Tuple5) -> Kind:
    """Name the rewrite of a key of the initiator's direction.

    An ICMP id is one field, stored in both ports of a key: it counts as the source's.
    """
    families = ":" in original.src, ":" in translated.src
    if families[0] != families[1]:
        return "nat64" if families[0] else "nat46"
    source = (original.src, original.sport) != (translated.src, translated.sport)
    has_ports = original.proto not in (ICMP, ICMP6)
    target = original.dst != translated.dst or (
        has_ports and original.dport != translated.dport
    )
    if source and target:
        return "twice-nat"
    if target:
        return "dnat"
    return "snat" if source else "none"
