"""Conntrack entries and events as the kernel sends them over netlink: bytes to values.

pyroute2 decodes these too, but takes 80 µs for each: a verdict would wait half a minute
for a full table of 262144. Attributes and states are those of the kernel's
include/uapi/linux/netfilter/nfnetlink_conntrack.h and nf_conntrack_*.h.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pytest_netlab.flows import ICMP, ICMP6, Tuple5
from pytest_netlab.host.tracking.conntrack import Counters, Entry, Event, Icmp, Zone
from pytest_netlab.wire import address_text
from pytest_netlab.wire.address import MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_netlab.host.tracking.conntrack import Change, Standing

    Attributes = Mapping[int, bytes]
    T = TypeVar("T")

# nfnetlink's subsystem in the upper byte of a message's type, the message below.
CTNETLINK, GET, DELETE = 0x100, 1, 2
CREATED = 0x400  # NLM_F_CREATE
_NFGENMSG = 4  # family, version and resource id

_TUPLE_ORIG, _TUPLE_REPLY, _STATUS, _PROTOINFO, _HELP = 1, 2, 3, 4, 5
_TIMEOUT, _MARK, _COUNTERS, _USE = 7, 8, (9, 10), 11
_ZONE, _SECCTX, _LABELS = 18, 19, 22
_TUPLE_IP, _TUPLE_PROTO, _TUPLE_ZONE = 1, 2, 3
_IP4, _IP6 = (1, 2), (3, 4)
_NUM, _PORTS = 1, (2, 3)
_ICMP = {ICMP: (4, 5, 6), ICMP6: (7, 8, 9)}  # id, type, code
_COUNTED = (1, 2)  # packets and octets, of 64 bits
_FIRST = 1  # the state in each protocol's part, a helper's name, a security context
_SEEN_REPLY = 1 << 1
_STANDING: tuple[tuple[int, Standing], ...] = (
    *((1 << 15, "HW_OFFLOAD"), (1 << 14, "OFFLOAD"), (1 << 2, "ASSURED")),
)
_TCP = "NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE"
_DCCP = "NONE REQUEST RESPOND PARTOPEN OPEN CLOSEREQ CLOSING TIMEWAIT IGNORE INVALID"
_SCTP = (
    "NONE CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT SHUTDOWN_RECD "
    "SHUTDOWN_ACK_SENT HEARTBEAT_SENT HEARTBEAT_ACKED"
)
_STATES = {1: (*_TCP.split(), "SYN_SENT2"), 2: _DCCP.split(), 3: _SCTP.split()}

_HEADER = Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ATTRIBUTE, _HEAD = Struct("=HH").unpack_from, 4  # nlattr: length, type
_KIND = 0x3FFF  # the upper bits of a type say how its value is encoded


class Message(NamedTuple):
    """A netlink message; `kind` is its type, the subsystem's number included."""

    kind: int
    flags: int
    body: bytes


def messages(data: bytes) -> Iterator[Message]:
    """Yield the netlink messages of a datagram; stop at a damaged one."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, flags, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size:
            return
        yield Message(kind, flags, data[at + _HEADER.size : at + length])
        at += length + 3 & ~3


def request(flags: int) -> bytes:
    """Return a request for the conntrack entries of every family."""
    size = _HEADER.size + _NFGENMSG
    return _HEADER.pack(size, CTNETLINK | GET, flags, 0, 0) + bytes(_NFGENMSG)


def entry(message: Message) -> Entry:
    """Return the conntrack entry in a message.

    Raises:
        KeyError: there is none in it.

    """
    found = _attributes(message.body, _NFGENMSG)
    there, back = _half(found[_TUPLE_ORIG]), _half(found[_TUPLE_REPLY])
    status = _number(found.get(_STATUS, b""))
    return Entry(
        original=there.tuple,
        reply=back.tuple,
        icmp=_both(there.icmp, back.icmp),
        timeout=_maybe(found, _TIMEOUT),
        state=_state(found.get(_PROTOINFO, b"")),
        replied=bool(status & _SEEN_REPLY),
        standing=next((word for bit, word in _STANDING if status & bit), ""),
        counters=_counters(found),
        mark=_maybe(found, _MARK),
        secctx=_name(found, _SECCTX),
        zone=_zone(found.get(_ZONE), there.zone, back.zone),
        use=_maybe(found, _USE),
        helper=_name(found, _HELP),
        labels=int.from_bytes(found.get(_LABELS, b""), "little"),
    )


def event(message: Message) -> Event:
    """Return the change of a conntrack entry that a message reports.

    Raises:
        KeyError: there is no entry in it.

    """
    found = _attributes(message.body, _NFGENMSG)
    there, back = _half(found[_TUPLE_ORIG]), _half(found[_TUPLE_REPLY])
    return Event(
        change=_change(message),
        original=there.tuple,
        reply=back.tuple,
        icmp=_both(there.icmp, back.icmp),
    )


class _Half(NamedTuple):
    tuple: Tuple5
    icmp: Icmp | None
    zone: bytes | None


def _half(data: bytes) -> _Half:
    found = _attributes(data)
    src, dst = _ends(found[_TUPLE_IP])
    protocol = _attributes(found[_TUPLE_PROTO])
    proto, zone = protocol[_NUM][0], found.get(_TUPLE_ZONE)
    if proto in _ICMP:
        ident, kind, code = (_number(protocol[name]) for name in _ICMP[proto])
        return _Half(Tuple5(proto, src, ident, dst, ident), Icmp(kind, code), zone)
    if _PORTS[0] not in protocol:
        return _Half(Tuple5(proto, src, 0, dst, 0), None, zone)
    sport, dport = (_number(protocol[name]) for name in _PORTS)
    return _Half(Tuple5(proto, src, sport, dst, dport), None, zone)


@lru_cache(maxsize=1024)  # even a large table has few pairs of addresses
def _ends(data: bytes) -> tuple[str, str]:
    found = _attributes(data)
    if _IP4[0] in found:
        src, dst = (address_text(MAPPED + found[name]) for name in _IP4)
    else:
        src, dst = (address_text(found[name]) for name in _IP6)
    return src, dst


def _change(message: Message) -> Change:
    if message.kind & 0xFF == DELETE:
        return "DESTROY"
    return "NEW" if message.flags & CREATED else "UPDATE"


@lru_cache(maxsize=1024)
def _state(data: bytes) -> str:
    """Return a state's name; its number where the kernel has one not listed here."""
    for kind, part in _attributes(data).items():
        state, names = _number(_attributes(part)[_FIRST]), _STATES.get(kind, ())
        return names[state] if state < len(names) else f"STATE_{state}"
    return ""


def _counters(found: Attributes) -> tuple[Counters, Counters] | None:
    if _COUNTERS[0] not in found:
        return None
    there, back = (_attributes(found[name]) for name in _COUNTERS)
    return _counted(there), _counted(back)


def _counted(found: Attributes) -> Counters:
    packets, octets = (_number(found[name]) for name in _COUNTED)
    return Counters(packets, octets)


def _zone(both: bytes | None, there: bytes | None, back: bytes | None) -> Zone | None:
    if both is not None:
        return Zone(_number(both))
    if there is not None:
        return Zone(_number(there), "orig")
    return None if back is None else Zone(_number(back), "reply")


def _both(there: T | None, back: T | None) -> tuple[T, T] | None:
    return None if there is None or back is None else (there, back)


def _name(found: Attributes, name: int) -> str:
    if name not in found:
        return ""
    text = _attributes(found[name])[_FIRST]
    return text.rstrip(b"\0").decode(errors="replace")


def _maybe(found: Attributes, name: int) -> int | None:
    return _number(found[name]) if name in found else None


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _attributes(data: bytes, at: int = 0) -> dict[int, bytes]:
    """Return attribute -> value; stop at a damaged one."""
    found = {}
    last = len(data) - _HEAD
    while at <= last:
        length, kind = _ATTRIBUTE(data, at)
        if length < _HEAD:
            break
        found[kind & _KIND] = data[at + _HEAD : at + length]
        at += length + 3 & ~3
    return found
