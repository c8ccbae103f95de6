"""What a datagram is, and whether there is enough of it to tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import C1, HOST01, Packet, error

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.replay.arrived import (
    differing,
    embedded_of,
    identity_of,
    is_whole,
    seen,
)
from pytest_netlab.replay.tuple_codec import pack, unpack

ASK = Packet(key=Tuple5(UDP, C1, 5555, HOST01, 53), data=b"who?", ip_id=1)
PING = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7))


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        ASK.datagram[:19],
        ASK.datagram[:24],
        b"\x44" + ASK.datagram[1:],
        b"\x65" + ASK.datagram[1:],
        bytes(28),
        PING.datagram[:20],
    ],
)
def test_no_whole_header(datagram: bytes) -> None:
    """A datagram without its headers is none."""
    assert not is_whole(datagram)


@pytest.mark.parametrize("size", range(28, 57))
def test_any_quote(size: int) -> None:
    """However little an error quotes, it is told, or left out."""
    datagram = error(HOST01, ASK).datagram[:size]

    assert is_whole(datagram)
    assert (embedded_of(datagram) == pack(ASK.key)) == (size == 56)
    assert unpack(seen(datagram).key).proto == ICMP


def test_other_icmp() -> None:
    """A timestamp request quotes nothing (RFC 792)."""
    data = bytearray(PING.datagram)
    data[20] = 13

    found = seen(bytes(data))

    assert found.embedded is None
    assert unpack(found.flow_tuple) == Tuple5(ICMP, C1, 0, HOST01, 0)


def test_differing() -> None:
    """Fields are told by name."""
    segment = Packet(key=Tuple5(TCP, C1, 1, HOST01, 2), data=b"x")
    one = segment.datagram
    other = bytearray(one)
    other[1], other[34] = 8, 9

    assert differing(one, bytes(other)) == ["tos", "tcp window"]


def test_ids_are_told_apart() -> None:
    """All 16 bits of an IP id are part of what a datagram is."""
    found = {
        identity_of(replace(ASK, ip_id=number).datagram)[0]
        for number in (0x0005, 0x0105, 0x0205, 0xFF05)
    }

    assert len(found) == 4
