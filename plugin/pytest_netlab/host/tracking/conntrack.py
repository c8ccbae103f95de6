"""Conntrack entries and events as values; their text, and back.

The text is that of `conntrack -L -o extended` (libnetfilter_conntrack,
src/conntrack/snprintf_default.c); events are lines like those of `conntrack -E`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, cast, get_args

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    T = TypeVar("T")

GRE = 47
NAMES = {
    ICMP: "icmp",
    TCP: "tcp",
    UDP: "udp",
    33: "dccp",
    GRE: "gre",
    ICMP6: "icmpv6",
    132: "sctp",
    136: "udplite",
}
Standing = Literal["", "ASSURED", "OFFLOAD", "HW_OFFLOAD"]
Change = Literal["NEW", "UPDATE", "DESTROY"]
Direction = Literal["", "orig", "reply"]

# Protocols whose tuples have ports; GRE has keys, and ICMP has ids.
WITH_PORTS = frozenset(NAMES) - {ICMP, ICMP6, GRE}
_LOST = "(the kernel's queue overflowed here: events are missing)"
_NUMBERS = {name: str(number) for number, name in NAMES.items()}
_UNKNOWN = "unknown"  # what a protocol without a name is called
_DIGITS = 20  # of 64 bits; Python is slow at parsing thousands of them


class Icmp(NamedTuple):
    """Type and code of the messages of one direction."""

    type: int
    code: int


class Counters(NamedTuple):
    """How much was counted in one direction."""

    packets: int
    bytes: int


class Zone(NamedTuple):
    """A conntrack zone, a part of the table; `direction` is "" for both directions."""

    number: int
    direction: Direction = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A connection in the kernel's table.

    Attributes:
        original: the tuple as the initiator sends it, before translation.
        reply: the tuple of replies when they reach the host. Of ICMP and ICMPv6 the id
            is both ports, of GRE the keys are the ports.
        icmp: of original and reply; None unless the protocol is ICMP or ICMPv6.
        timeout: seconds until it is removed; None where the kernel does not say.
        state: TCP's, SCTP's or DCCP's state; "" for any other protocol.
        replied: whether the responder sent anything.
        standing: an ASSURED entry is not dropped early where the table is full; an
            offloaded one bypasses the rules; "" for neither.
        counters: of original and reply; None without accounting (nf_conntrack_acct).
        mark: connmark; None where the kernel does not say.
        secctx: security context; "" for none.
        zone: None for the default one.
        use: references to it; None where the kernel does not say.
        helper: the conntrack helper that reads its payload; "" for none.
        labels: 128 bits of connlabels.

    """

    original: Tuple5
    reply: Tuple5
    icmp: tuple[Icmp, Icmp] | None = None
    timeout: int | None = None
    state: str = ""
    replied: bool = True
    standing: Standing = ""
    counters: tuple[Counters, Counters] | None = None
    mark: int | None = None
    secctx: str = ""
    zone: Zone | None = None
    use: int | None = None
    helper: str = ""
    labels: int = 0

    def __str__(self) -> str:
        """Render as `conntrack -L -o extended` does, and labels in hexadecimal."""
        return " ".join(self._tokens())

    def _tokens(self) -> Iterator[str]:
        proto = self.original.proto
        family = "ipv6     10" if ":" in self.original.src else "ipv4     2"
        yield f"{family} {NAMES.get(proto, _UNKNOWN):8} {proto}"
        if self.timeout is not None:
            yield f"{self.timeout}"
        if self.state:
            yield self.state
        yield from self._half(0)
        if not self.replied:
            yield "[UNREPLIED]"
        yield from self._half(1)
        if self.standing:
            yield f"[{self.standing}]"
        yield from self._marks()

    def _half(self, number: Literal[0, 1]) -> Iterator[str]:
        direction = ("orig", "reply")[number]
        tuple_ = (self.original, self.reply)[number]
        yield _ends(tuple_, self.icmp[number] if self.icmp else None)
        if self.zone is not None and self.zone.direction == direction:
            yield f"zone-{direction}={self.zone.number}"
        if self.counters is not None:
            yield "packets={} bytes={}".format(*self.counters[number])

    def _marks(self) -> Iterator[str]:
        if self.mark is not None:
            yield f"mark={self.mark}"
        if self.secctx:
            yield f"secctx={self.secctx}"
        if self.zone is not None and not self.zone.direction:
            yield f"zone={self.zone.number}"
        if self.use is not None:
            yield f"use={self.use}"
        if self.helper:
            yield f"helper={self.helper}"
        if self.labels:
            yield f"labels=0x{self.labels:032x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change of a conntrack entry; tuples and ICMP as in `Entry`."""

    change: Change
    original: Tuple5
    reply: Tuple5
    icmp: tuple[Icmp, Icmp] | None = None

    def __str__(self) -> str:
        """Render like a line of `conntrack -E`, with what identifies the connection."""
        proto = self.original.proto
        there, back = self.icmp or (None, None)
        ends = f"{_ends(self.original, there)} {_ends(self.reply, back)}"
        return f"{f'[{self.change}]':>9} {NAMES.get(proto, proto)} {ends}"


def history(events: Iterable[Event | None]) -> str:
    """Render events, a line each; None stands for events that were lost."""
    return "".join(f"{_LOST if event is None else event}\n" for event in events)


def entries(listed: str) -> tuple[Entry, ...]:
    """Return what `conntrack -L` printed, extended or not; other lines are left out.

    So are timestamps and ids, which it prints only where it is asked to.
    """
    return tuple(_read(listed, _entry))


def events(text: str) -> tuple[Event, ...]:
    """Return the events of a text; other lines are left out."""
    return tuple(_read(text, _event))


def _ends(tuple_: Tuple5, icmp: Icmp | None) -> str:
    """Render a tuple: addresses, then ports, keys, or type, code and id."""
    proto, src, sport, dst, dport = tuple_
    ends = f"src={src} dst={dst}"
    if icmp is not None:
        return f"{ends} type={icmp.type} code={icmp.code} id={sport}"
    if proto == GRE:
        return f"{ends} srckey=0x{sport:x} dstkey=0x{dport:x}"
    return f"{ends} sport={sport} dport={dport}" if proto in WITH_PORTS else ends


class _Line:
    """The tokens of a line: those before the tuples, flags, and names with values."""

    def __init__(self, line: str) -> None:
        """Parse it; ValueError where it has no protocol, or not two tuples."""
        self.head: list[str] = []
        self.flags: list[str] = []
        tuples: list[dict[str, str]] = []
        for word in line.split():
            key, equals, value = word.partition("=")
            if word.startswith("["):
                self.flags.append(word.strip("[]"))
            elif key == "src":
                tuples.append({key: value})
            elif equals and tuples:
                tuples[-1][key] = value
            else:
                self.head.append(word)
        if self.head[:1] in (["ipv4"], ["ipv6"]):
            del self.head[:2]
        if not self.head:
            raise ValueError("no protocol")
        self.there, self.back = tuples

    def tuples(self, proto: int) -> tuple[Tuple5, Tuple5]:
        """Return both tuples."""
        return _tuple(proto, self.there), _tuple(proto, self.back)

    def icmp(self) -> tuple[Icmp, Icmp] | None:
        """Return types and codes; None where there are none."""
        if "type" not in self.there:
            return None
        there, back = (
            Icmp(_number(half["type"]), _number(half["code"]))
            for half in (self.there, self.back)
        )
        return there, back

    def counters(self) -> tuple[Counters, Counters] | None:
        """Return the counters; None without accounting."""
        if "packets" not in self.there:
            return None
        there, back = (
            Counters(_number(half["packets"]), _number(half["bytes"]))
            for half in (self.there, self.back)
        )
        return there, back

    def zone(self) -> Zone | None:
        """Return the zone; None for the default one."""
        both = {**self.there, **self.back}
        keys: Mapping[Direction, str]
        keys = {"": "zone", "orig": "zone-orig", "reply": "zone-reply"}
        found = (Zone(_number(both[k]), d) for d, k in keys.items() if k in both)
        return next(found, None)

    def value(self, key: str) -> int | None:
        """Return a number after the tuples; None where there is none."""
        return _number(self.back[key]) if key in self.back else None


def _entry(line: _Line) -> Entry:
    _, number, *rest = line.head
    original, reply = line.tuples(_number(number))
    standing = next((flag for flag in line.flags if flag in get_args(Standing)), "")
    return Entry(
        original=original,
        reply=reply,
        icmp=line.icmp(),
        timeout=next((_number(word) for word in rest if word.isdecimal()), None),
        state=next((word for word in rest if not word.isdecimal()), ""),
        replied="UNREPLIED" not in line.flags,
        standing=cast("Standing", standing),
        counters=line.counters(),
        mark=line.value("mark"),
        secctx=line.back.get("secctx", ""),
        zone=line.zone(),
        use=line.value("use"),
        helper=line.back.get("helper", ""),
        labels=int(line.back.get("labels", "0"), 16),
    )


def _event(line: _Line) -> Event:
    proto = _number(_NUMBERS.get(line.head[0], line.head[0]))
    original, reply = line.tuples(proto)
    change = next((flag for flag in line.flags if flag in get_args(Change)), None)
    if change is None:
        raise ValueError("no event")
    return Event(
        change=cast("Change", change), original=original, reply=reply, icmp=line.icmp()
    )


def _read(text: str, make: Callable[[_Line], T]) -> Iterator[T]:
    for line in text.splitlines():
        with suppress(ValueError, KeyError):
            yield make(_Line(line))


def _tuple(proto: int, half: Mapping[str, str]) -> Tuple5:
    src, dst = half["src"], half["dst"]
    if proto in (ICMP, ICMP6):
        ident = _number(half["id"])
        return Tuple5(proto, src, ident, dst, ident)
    if proto == GRE:
        keys = (int(half[name], 16) for name in ("srckey", "dstkey"))
        return Tuple5(proto, src, next(keys), dst, next(keys))
    ports = (_number(half.get(name, "0")) for name in ("sport", "dport"))
    return Tuple5(proto, src, next(ports), dst, next(ports))


def _number(text: str) -> int:
    """Return a number; ValueError for any other text."""
    if len(text) > _DIGITS or not (text.isascii() and text.isdecimal()):
        raise ValueError("no number")
    return int(text)
