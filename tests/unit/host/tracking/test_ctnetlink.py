"""Netlink messages about connections; pyroute2 is who writes them."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.nfnetlink.nfctsocket import nfct_msg
from tests.unit.host.tracked import PING, QUERY, WEB, entries

from pytest_netlab.flows import ICMP, ICMP6, Tuple5
from pytest_netlab.host.tracking import ctnetlink
from pytest_netlab.host.tracking.conntrack import NAMES, Entry, Event, Zone
from pytest_netlab.host.tracking.ctnetlink import Message

if TYPE_CHECKING:
    from pytest_netlab.host.tracking.conntrack import Change, Counters, Icmp

NUMBERS = {"NONE": 0, "SYN_SENT": 1, "TIME_WAIT": 7, "SYN_SENT2": 9}
NUMBERS |= {"COOKIE_WAIT": 2, "PARTOPEN": 3, "INVALID": 9}
INFO = {6: "TCP", 33: "DCCP", 132: "SCTP"}
BITS = {"": 0, "ASSURED": 4, "OFFLOAD": 1 << 14, "HW_OFFLOAD": 1 << 15}
CREATED = 0x400


def nest(**values: Any) -> dict[str, Any]:
    """Return attributes of one attribute; None is left out."""
    return {"attrs": [[k, v] for k, v in values.items() if v is not None]}


def half(tuple_: Tuple5, icmp: Icmp | None) -> dict[str, Any]:
    """Return the attributes of one direction."""
    version = 6 if ":" in tuple_.src else 4
    ends = {f"CTA_IP_V{version}_SRC": tuple_.src, f"CTA_IP_V{version}_DST": tuple_.dst}
    rest: dict[str, Any] = {}
    if icmp is not None:
        name = {ICMP: "CTA_PROTO_ICMP", ICMP6: "CTA_PROTO_ICMPV6"}[tuple_.proto]
        rest = {f"{name}_ID": tuple_.sport, f"{name}_TYPE": icmp.type}
        rest[f"{name}_CODE"] = icmp.code
    elif tuple_.proto in NAMES:
        rest = {"CTA_PROTO_SRC_PORT": tuple_.sport, "CTA_PROTO_DST_PORT": tuple_.dport}
    return nest(
        CTA_TUPLE_IP=nest(**ends),
        CTA_TUPLE_PROTO=nest(CTA_PROTO_NUM=tuple_.proto, **rest),
    )


def counted(counters: Counters) -> dict[str, Any]:
    """Return the attributes of what passed."""
    return nest(
        CTA_COUNTERS_PACKETS=counters.packets, CTA_COUNTERS_BYTES=counters.bytes
    )


def message(entry: Entry, kind: int = 0, flags: int = 0) -> bytes:
    """Return what a kernel sends of an entry."""
    there, back = entry.icmp or (None, None)
    passed = entry.counters
    status = (2 if entry.replied else 0) | BITS[entry.standing]
    one = nfct_msg()
    one["attrs"] = nest(
        CTA_TUPLE_ORIG=half(entry.original, there),
        CTA_TUPLE_REPLY=half(entry.reply, back),
        CTA_STATUS=status,
        CTA_PROTOINFO=info(entry),
        CTA_TIMEOUT=entry.timeout,
        CTA_MARK=entry.mark,
        CTA_COUNTERS_ORIG=counted(passed[0]) if passed else None,
        CTA_COUNTERS_REPLY=counted(passed[1]) if passed else None,
        CTA_USE=entry.use,
        CTA_ZONE=entry.zone and entry.zone.number,
        CTA_SECCTX=nest(CTA_SECCTX_NAME=entry.secctx) if entry.secctx else None,
        CTA_LABELS=entry.labels or None,
    )["attrs"]
    one["header"]["type"], one["header"]["flags"] = 0x100 | kind, flags
    one.encode()
    return bytes(one.data)


def info(entry: Entry) -> dict[str, Any] | None:
    """Return what is told of a protocol's state."""
    name = INFO.get(entry.original.proto)
    if name is None:
        return None
    state = {f"CTA_PROTOINFO_{name}_STATE": NUMBERS[entry.state]}
    return nest(**{f"CTA_PROTOINFO_{name}": nest(**state)})


@given(entries())
def test_any_entry(entry: Entry) -> None:
    """Any entry is decoded as it was encoded."""
    # What pyroute2 cannot encode has a test of its own below.
    entry = replace(entry, helper="", zone=entry.zone and Zone(entry.zone.number))
    (found,) = ctnetlink.messages(message(entry))

    assert ctnetlink.entry(found) == entry


@pytest.mark.parametrize(
    ("kind", "flags", "change"),
    [(0, CREATED, "NEW"), (0, 0, "UPDATE"), (2, 0, "DESTROY"), (2, CREATED, "DESTROY")],
)
@pytest.mark.parametrize("entry", [WEB, PING, QUERY], ids=["tcp", "icmp", "udp"])
def test_event(entry: Entry, kind: int, flags: int, change: Change) -> None:
    """The kind of a message and its flags say what became of the connection."""
    (found,) = ctnetlink.messages(message(entry, kind, flags))

    assert ctnetlink.event(found) == Event(
        change=change, original=entry.original, reply=entry.reply, icmp=entry.icmp
    )


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute."""
    size = 4 + len(value)
    return struct.pack("=HH", size, kind) + value + bytes(-size % 4)


def tuple_of(*more: bytes) -> bytes:
    """Return the attributes of a direction: 10.0.0.1 to 10.0.0.2, UDP, port 5 to 6."""
    ends = attribute(1, bytes([10, 0, 0, 1])) + attribute(2, bytes([10, 0, 0, 2]))
    ports = attribute(1, b"\x11") + attribute(2, b"\0\x05") + attribute(3, b"\0\x06")
    return attribute(NESTED | 1, ends) + attribute(NESTED | 2, ports) + b"".join(more)


NESTED = 0x8000
ZONE = attribute(3, b"\0\x04")
UDP_ENDS = Tuple5(17, "10.0.0.1", 5, "10.0.0.2", 6)
PLAIN = Entry(original=UDP_ENDS, reply=UDP_ENDS, replied=False)


@pytest.mark.parametrize(
    ("body", "entry"),
    [
        (attribute(1, tuple_of()) + attribute(2, tuple_of()), PLAIN),
        (
            attribute(1, tuple_of(ZONE)) + attribute(2, tuple_of()),
            replace(PLAIN, zone=Zone(4, "orig")),
        ),
        (
            attribute(1, tuple_of()) + attribute(2, tuple_of(ZONE)),
            replace(PLAIN, zone=Zone(4, "reply")),
        ),
        (
            attribute(1, tuple_of())
            + attribute(2, tuple_of())
            + attribute(NESTED | 5, attribute(1, b"ftp\0")),
            replace(PLAIN, helper="ftp"),
        ),
        (
            attribute(1, tuple_of())
            + attribute(2, tuple_of())
            + attribute(4, attribute(1, attribute(1, b"\x0e"))),
            replace(PLAIN, state="STATE_14"),
        ),
        (
            attribute(1, tuple_of())
            + attribute(2, tuple_of())
            + attribute(3, (1 << 14 | 1 << 2).to_bytes(4, "big")),
            replace(PLAIN, standing="OFFLOAD"),
        ),
    ],
    ids=[
        *("plain", "zone", "zone of replies", "helper", "a state of later"),
        "offloaded, and assured",
    ],
)
def test_parts(body: bytes, entry: Entry) -> None:
    """What pyroute2 does not write is decoded too."""
    assert ctnetlink.entry(Message(0x100, 0, bytes(4) + body)) == entry


def test_several() -> None:
    """A datagram has several messages; what is damaged ends it."""
    both = message(WEB) + message(PING)
    found = [ctnetlink.entry(one) for one in ctnetlink.messages(both)]

    assert found == [WEB, PING]
    assert [*ctnetlink.messages(b"")] == [*ctnetlink.messages(bytes(16))] == []
    assert len([*ctnetlink.messages(message(WEB) + b"\1\0")]) == 1


@given(st.binary(max_size=200))
def test_damage(data: bytes) -> None:
    """Whatever is sent, decoding ends."""
    for one in ctnetlink.messages(data):
        with suppress(LookupError, ValueError):
            ctnetlink.entry(one)


def test_about_nothing() -> None:
    """A message without tuples is about no connection."""
    with pytest.raises(KeyError):
        ctnetlink.entry(Message(0x100, 0, bytes(4)))


def test_request() -> None:
    """What asks for all is a message to the kernel's table, of any family."""
    (found,) = ctnetlink.messages(ctnetlink.request(0x301))

    assert found == Message(0x101, 0x301, bytes(4))
