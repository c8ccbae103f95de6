"""The canonical trace as values: typed fields, symbols for what differs by run.

Their text is made in `text`; no code parses it.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pytest_netlab.flows import (
    ECHO_REPLIES,
    ECHO_REQUESTS,
    ICMP,
    ICMP6,
    PROTOCOL_NAMES,
    Role,
)
from pytest_netlab.wire import assigned, tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Disposition

IDS = (ICMP, ICMP6)
# The words of traces and stored files (format 1): `hairpin` is a rewrite of both ends.
Kind = Literal["none", "snat", "dnat", "hairpin", "proxied"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol for a value that differs between any two runs: port#1, addr#2.

    `kind` is port, id or addr; `number` counts from 1 in each conversation.
    """

    kind: str
    number: int

    def __str__(self) -> str:
        """Return kind and number."""
        return f"{self.kind}#{self.number}"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a packet, or of a flow.

    Attributes:
        node: name of a node of the lab, or the symbol of another address.
        port: a number for the responder's, which names a service; a symbol for the
            initiator's in a packet, None in a flow; None without ports.

    """

    node: str | Symbol
    port: int | Symbol | None = None

    def __str__(self) -> str:
        """Return node and port."""
        return f"{self.node}" if self.port is None else f"{self.node}:{self.port}"


class TcpFlags(enum.IntFlag):
    """The flags of a segment (RFC 9293, 3.1; RFC 3168; RFC 9768 for AE)."""

    FIN = tcp.FIN
    SYN = tcp.SYN
    RST = tcp.RST
    PSH = tcp.PSH
    ACK = tcp.ACK
    URG = tcp.URG
    ECE = tcp.ECE
    CWR = tcp.CWR
    AE = tcp.AE


ECN = TcpFlags.ECE | TcpFlags.CWR | TcpFlags.AE


@dataclass(frozen=True, slots=True)
class TcpOption:
    """An option of a segment; `value` is the MSS in octets, None for all others.

    Timestamps and the window scale depend on the sender's clock and memory.
    """

    kind: int
    value: int | None = None


@dataclass(frozen=True, slots=True)
class What:
    """What a packet is: packets are aligned by it.

    Attributes:
        proto: IP protocol number.
        role: of a TCP segment; None for others.
        icmp: (type, code) of ICMP and ICMPv6; the code of an echo is 0, and a field.
        error: it is an ICMP error with an embedded packet.

    """

    proto: int
    role: Role | None = None
    icmp: tuple[int, int] | None = None
    error: bool = False

    @property
    def is_echo(self) -> bool:
        """Whether it is an echo request or its reply."""
        kind = self.proto, self.icmp[0] if self.icmp else -1
        return not self.error and (kind in ECHO_REQUESTS or kind in ECHO_REPLIES)

    @property
    def asks_for_less(self) -> bool:
        """Whether it says that a packet is too large for a link (RFC 1191, 8201)."""
        return self.error and (self.proto, self.icmp) in _TOO_LARGE

    @property
    def refuses(self) -> bool:
        """Whether it is an ICMP error other than time exceeded and packet too big."""
        return self.error and (self.proto, self.icmp) not in (*_TOO_LARGE, *_TOO_LATE)


_TOO_LARGE = (
    (ICMP, (assigned.UNREACHABLE, assigned.FRAGMENTATION_NEEDED)),
    (ICMP6, (assigned.TOO_BIG6, 0)),
)
_TOO_LATE = (
    (ICMP, (assigned.TIME_EXCEEDED, 0)),
    (ICMP6, (assigned.TIME_EXCEEDED6, 0)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields of a packet that a golden compares; None where it has no such field.

    In the order of story.txt.

    Attributes:
        id: of an echo.
        code: of an echo, where it is not 0 (RFC 792 knows no other).
        seq: of an echo.
        length: octets above IP, of ICMP queries; of other datagrams, of their payload.
        quotes: source and destination of the packet embedded in an ICMP error.
        mtu: of an ICMP error, in octets.
        flags: of handshakes and resets.
        options: of handshakes, in order.
        vlan: the tag.
        fragment: True for the first fragment of a datagram.
        df: False for an IPv4 packet that may be fragmented.
        ip_options: kinds of IPv4 options, or of IPv6 extension headers, in order.
        reserved: bits that no standard has given a meaning: of IP, then of TCP or of an
            ICMP error.
        urgent: an urgent pointer that no flag makes one.
        tos: the octet, where it is not 0: DSCP and ECN.
        via: the neighbour that it came by or went to, where that is none of its ends;
            for an address that no node has, where it is not the gateway.
        ttl: or hop limit.

    """

    id: Symbol | None = None
    code: int | None = None
    seq: int | None = None
    length: int | None = None
    quotes: tuple[End, End] | None = None
    mtu: int | None = None
    flags: TcpFlags | None = None
    options: tuple[TcpOption, ...] | None = None
    vlan: int | None = None
    fragment: bool | None = None
    df: bool | None = None
    ip_options: tuple[int, ...] | None = None
    reserved: tuple[int, int] | None = None
    urgent: int | None = None
    tos: int | None = None
    via: str | None = None
    ttl: int | None = None

    def named(self) -> Iterator[tuple[str, object]]:
        """Yield the name and value of each field that the packet has."""
        for name in FIELD_NAMES:
            value = getattr(self, name)
            if value is not None:
                yield name, value


FIELD_NAMES = tuple(one.name for one in dataclasses.fields(Fields))


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What was rewritten between two observations of a packet.

    Attributes:
        kind: the flow's, or `undone` for a reply that was reverse-translated.
        changes: of each end that changed, before and after; without ports where only
            the node did.

    """

    kind: Kind | Literal["undone"]
    changes: tuple[tuple[End, End], ...]


def without_kept_port(old: End, new: End) -> tuple[End, End]:
    """Return an end before and after a rewrite, without a port that was kept."""
    return (End(old.node), End(new.node)) if old.port == new.port else (old, new)


class Step(enum.Enum):
    """What is between two observations of a packet."""

    BRIDGED = "bridged"  # nothing may change
    FORWARDED = "forwarded"  # ttl - 1, NAT as learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet at one capture point, in symbols: one observation of its traversal.

    Attributes:
        point: name of the capture point.
        reply: it travels to the initiator.
        src: where it is from.
        dst: where it is for.
        what: what it is.
        fields: those that a golden compares.
        step: how it came here from the observation before; None for a first one.
        rewrite: what was rewritten on that step.
        ignored: why it is listed and not compared: the network beyond the host, or
            timing, caused it; "" if it is compared.
        row: of the capture, from 0.

    """

    point: str
    reply: bool
    src: End
    dst: End
    what: What
    fields: Fields
    step: Step | None = None
    rewrite: Rewrite | None = None
    ignored: str = ""
    row: int = dataclasses.field(default=-1, compare=False)

    @property
    def number(self) -> int:
        """Return its number in the capture, from 1."""
        return self.row + 1

    def symbols(self) -> Iterator[Symbol]:
        """Yield every symbol in it, in the order of the text."""
        yield from symbols_in((self.src, self.dst, self.fields.id, self.fields.quotes))
        yield from symbols_in(self.rewrite)


def symbols_in(value: object) -> Iterator[Symbol]:
    """Yield every symbol in a value of a trace."""
    if isinstance(value, Symbol):
        yield value
    elif isinstance(value, End):
        yield from symbols_in((value.node, value.port))
    elif isinstance(value, Rewrite):
        yield from symbols_in(value.changes)
    elif isinstance(value, tuple):
        for one in value:
            yield from symbols_in(one)


def map_symbols(value: Any, change: Callable[[Symbol], Symbol]) -> Any:
    """Return a value of a trace with every symbol in it changed by a function."""
    if isinstance(value, Symbol):
        return change(value)
    if isinstance(value, End):
        return End(map_symbols(value.node, change), map_symbols(value.port, change))
    if isinstance(value, Rewrite):
        return replace(value, changes=map_symbols(value.changes, change))
    if isinstance(value, tuple):
        return tuple(map_symbols(one, change) for one in value)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class PortTranslation:
    """A source port or ICMP id that NAT did not keep (RFC 4787, 4.2).

    Attributes:
        field: `port` or `id`.
        original: what the initiator sent.
        mapped: what left the host.
        in_use: the tuple with the original value was in use by another flow.
        in_port_range: it is one of the same range of ports (nf_nat_core.c), or an id.
        wanted: the reply tuple if the original had been kept.
        chosen_for: the tuple that rules for sources see: its source is the original,
            its destination is translated.
        random: a rule of the host that applies to the flow asks for any value.

    """

    field: str
    original: Symbol
    mapped: Symbol
    in_use: bool
    in_port_range: bool
    wanted: Tuple5 | None = dataclasses.field(default=None, compare=False)
    chosen_for: Tuple5 | None = dataclasses.field(default=None, compare=False)
    random: bool = False

    @property
    def violation(
        self,
    ) -> Literal["", "remapped although free", "remapped out of its class"]:
        """Return what is wrong with it; "" where Linux may do just this."""
        if self.random:
            return ""
        if not self.in_port_range:
            return "remapped out of its class"
        return "" if self.in_use else "remapped although free"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reset or ICMP error that refused a flow, and the node that sent it."""

    what: What
    by: str | Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFact:
    """One flow in symbols, before and after translation.

    Ephemeral ports and ICMP ids are left out: they differ between any two runs. Sizes
    and counts differ too: they are evidence, and not compared.

    Attributes:
        proto: IP protocol number.
        echo: it consists of ICMP echoes.
        initiator: the end that began, without a port.
        responder: the end that the initiator addressed.
        sender: the initiator after translation; None if nothing was sent on.
        target: the responder after translation; None if nothing was sent on.
        kind: what was rewritten.
        disposition: forwarded, or what became of it instead.
        answered: the responder sent something.
        returned: that came back to the initiator.
        refusal: the first packet that came back and refused it; None for none.
        passed: the largest IP packet that was sent on, in octets; 0 for none.
        stuck: the smallest IP packet that was not sent on, in octets; 0 for none.
        copies: how many packets were seen again at one point, with the same IP id.
        unasked: nothing that the initiator sent was seen, only what it got.
        key: the tuple as the initiator sends it; None where it is not known.

    """

    proto: int
    echo: bool = False
    initiator: End
    responder: End
    sender: End | None
    target: End | None
    kind: Kind
    disposition: Disposition
    answered: bool = True
    returned: bool = True
    refusal: Refusal | None = None
    passed: int = dataclasses.field(default=0, compare=False)
    stuck: int = dataclasses.field(default=0, compare=False)
    copies: int = dataclasses.field(default=0, compare=False)
    unasked: bool = dataclasses.field(default=False, compare=False)
    key: Tuple5 | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def protocol(self) -> str:
        """Return the protocol's name, followed by "echo" for ICMP echoes."""
        return protocol_name(self.proto, echo=self.echo)

    @property
    def name(self) -> str:
        """Return the flow's name: protocol initiator -> responder."""
        return self.between(self.initiator, self.responder)

    def between(self, initiator: End, responder: End) -> str:
        """Return the name of a flow of the same protocol between two ends."""
        return flow_name(self.proto, initiator, responder, echo=self.echo)

    def goes(self, initiator: End, responder: End | None) -> bool:
        """Return whether it goes from one end to the other, in this direction."""
        return (self.initiator, self.responder) == (initiator, responder)


def flow_name(proto: int, initiator: End, responder: End, *, echo: bool = False) -> str:
    """Return a flow's name: protocol initiator -> responder."""
    return f"{protocol_name(proto, echo=echo)} {initiator} -> {responder}"


def protocol_name(proto: int, *, echo: bool = False) -> str:
    """Return the name of an IP protocol, followed by "echo" for ICMP echoes."""
    name = PROTOCOL_NAMES.get(proto, f"protocol {proto}")
    return f"{name} echo" if echo else name


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalFlow:
    """One conversation, in symbols that are numbered within it.

    Attributes:
        fact: what it is, and what the host did with it.
        packets: in causal order; a packet's observations one after the other.
        violations: what no host may do to it, one for each field.
        translation: of its source port or ICMP id; None where that was kept.
        lost: the network beyond the host lost it: all of it was sent on, and nothing
            came back.
        unrelated: the container in it is no node of the lab.
        traversals: the rows of each packet's observations, of all its packets: also of
            those that are ignored or left out.

    """

    fact: FlowFact
    packets: tuple[Packet, ...]
    violations: tuple[Violation, ...] = ()
    translation: PortTranslation | None = None
    lost: bool = False
    unrelated: bool = False
    traversals: tuple[tuple[int, ...], ...] = dataclasses.field(
        default=(), compare=False, repr=False
    )

    @property
    def rows(self) -> list[int]:
        """Return the rows of all its packets, also those ignored or left out."""
        return [row for rows in self.traversals for row in rows]

    @property
    def compared(self) -> tuple[Packet, ...]:
        """Return the packets that are not ignored."""
        return tuple(one for one in self.packets if not one.ignored)
