"""Linux cooked captures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import CookedLinux, CookedLinuxV2

from pytest_netlab.wire import Direction, Status, cooked, ipv4

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

MAC = b"\x02\x42\xac\x11\x00\x02"
MAC_NUMBER = int.from_bytes(MAC, "big")
DATAGRAM = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / ICMP(id=7))


@pytest.mark.parametrize(
    ("kind", "direction"), [(0, Direction.INBOUND), (4, Direction.OUTBOUND)]
)
def test_take_apart_v1(decoded: Decoder, kind: int, direction: int) -> None:
    """SLL, made by scapy: source, type, direction, and IP behind."""
    head = CookedLinux(pkttype=kind, lladdrlen=6, src=MAC + b"\0\0", proto=0x0800)
    row = decoded(bytes(head) + DATAGRAM, 113)

    assert (row["eth_src"], row["ethertype"]) == (MAC_NUMBER, 0x0800)
    assert (direction, 16, 7) == (row["direction"], row["ip_offset"], row["icmp_id"])


@pytest.mark.parametrize(
    ("kind", "direction"), [(0, Direction.INBOUND), (4, Direction.OUTBOUND)]
)
def test_take_apart_v2(decoded: Decoder, kind: int, direction: int) -> None:
    """SLL2, made by scapy: the same from other places."""
    head = CookedLinuxV2(pkttype=kind, lladdrlen=6, src=MAC + b"\0\0", proto=0x0800)
    row = decoded(bytes(head) + DATAGRAM, 276)

    assert (row["eth_src"], row["ethertype"]) == (MAC_NUMBER, 0x0800)
    assert (direction, 20, 7) == (row["direction"], row["ip_offset"], row["icmp_id"])


def test_put_together(decoded: Decoder) -> None:
    """What build makes, decode takes apart."""
    datagram = ipv4.build("10.0.0.1", "10.0.0.2", 47, b"x")
    row = decoded(cooked.build(0x0800, datagram, outgoing=True), 113)

    assert (row["direction"], row["proto"]) == (Direction.OUTBOUND, 47)


@pytest.mark.parametrize(("linktype", "size"), [(113, 15), (276, 19)])
def test_a_header_that_is_not_all_there(
    decoded: Decoder, linktype: int, size: int
) -> None:
    """One byte less than a header is malformed."""
    assert decoded(bytes(size), linktype)["status"] == Status.MALFORMED
