"""Another tuple for a datagram, checked against scapy, which computes from nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import inet
from scapy.packet import Raw

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.replay.arrived import is_whole, seen
from pytest_netlab.replay.rewrite import rewritten
from pytest_netlab.replay.tuple_codec import pack
from pytest_netlab.wire import checksum, fill

OLD = {"src": "172.17.0.2", "dst": "172.16.211.1"}
PORTS = st.integers(1, 65535)
ADDRESSES = st.ip_addresses(v=4).map(str)
DATA = st.binary(max_size=64)


def fresh(packet: inet.IP) -> bytes:
    """Return a packet with checksums that scapy computes."""
    return bytes(packet)


@given(ADDRESSES, ADDRESSES, PORTS, PORTS, DATA, st.integers(0, 255))
def test_transport(
    src: str, dst: str, sport: int, dport: int, data: bytes, ttl: int
) -> None:
    """Addresses, ports and ttl are others; checksums are right, all else is kept."""
    for proto, layer in ((TCP, inet.TCP), (UDP, inet.UDP)):
        key = Tuple5(proto, src, sport, dst, dport)
        old = fresh(inet.IP(**OLD, id=7) / layer(sport=4, dport=5) / Raw(data))
        want = fresh(
            inet.IP(src=src, dst=dst, id=7, ttl=ttl)
            / layer(sport=sport, dport=dport)
            / Raw(data)
        )

        assert rewritten(old, pack(key), ttl=ttl) == want


@given(ADDRESSES, PORTS, DATA)
def test_echo(src: str, number: int, data: bytes) -> None:
    """An echo has an id in place of ports, and no pseudo-header."""
    old = fresh(inet.IP(**OLD) / inet.ICMP(type=8, id=3, seq=9) / Raw(data))
    want = fresh(
        inet.IP(src=src, dst="10.0.0.1")
        / inet.ICMP(type=8, id=number, seq=9)
        / Raw(data)
    )

    key = Tuple5(ICMP, src, number, "10.0.0.1", number)
    assert rewritten(old, pack(key)) == want


def test_quote() -> None:
    """What an ICMP error quotes gets the tuple that was on the wire."""
    inner = inet.IP(**OLD, id=5) / inet.UDP(sport=4, dport=53, len=12)
    outer = inet.IP(src="172.16.211.1", dst="172.17.0.2")
    old = fresh(outer / inet.ICMP(type=3, code=3) / Raw(fresh(inner)[:28]))
    sent = Tuple5(UDP, "172.16.211.128", 9, "172.16.211.1", 53)
    inner = inet.IP(src=sent.src, dst=sent.dst, id=5) / inet.UDP(
        sport=9, dport=53, len=12
    )
    outer = inet.IP(src="172.16.211.1", dst="172.16.211.128")
    want = fresh(outer / inet.ICMP(type=3, code=3) / Raw(fresh(inner)[:28]))

    key = Tuple5(ICMP, "172.16.211.1", 0, "172.16.211.128", 0)
    assert rewritten(old, pack(key), embedded=pack(sent)) == want


@pytest.mark.parametrize("layer", [inet.TCP, inet.UDP])
def test_bad_stays_bad(layer: type) -> None:
    """A checksum that was wrong is wrong by as much, and may be put right again."""
    good = fresh(inet.IP(**OLD) / layer(sport=4, dport=5) / Raw(b"data"))
    proto = TCP if layer is inet.TCP else UDP
    at = 20 + checksum.field(proto)
    bad = bytearray(good)
    bad[at] ^= 0x40
    there = pack(Tuple5(proto, "10.0.0.1", 6, "10.0.0.2", 7))
    back = pack(Tuple5(proto, OLD["src"], 4, OLD["dst"], 5))

    assert rewritten(bytes(bad), there) != rewritten(good, there)
    assert rewritten(rewritten(bytes(bad), there), back) == bytes(bad)


def test_absent_stays_absent() -> None:
    """A UDP datagram without a checksum stays without one."""
    old = fresh(inet.IP(**OLD) / inet.UDP(sport=4, dport=5, chksum=0) / Raw(b"data"))

    new = rewritten(old, pack(Tuple5(UDP, "10.0.0.1", 6, "10.0.0.2", 7)))

    assert new[26:28] == b"\0\0"


HEADS = st.tuples(
    st.sampled_from([0x45, 0x46, 0x4F, 0x44, 0x65]),
    st.sampled_from([1, 6, 17, 47]),
    st.sampled_from([b"\0\0", b"\x40\0", b"\x20\0", b"\0\x07"]),
)


@given(HEADS, st.binary(max_size=90), ADDRESSES, PORTS)
def test_anything(
    head: tuple[int, int, bytes], rest: bytes, src: str, port: int
) -> None:
    """Whatever the bytes are, nothing but a tuple and its checksums changes."""
    first, proto, fragment = head
    whole = bytes([first, 0, 0, 0, 0, 0]) + fragment + b"\x40" + bytes([proto])
    datagram = whole + bytes(10) + rest
    route_to = pack(Tuple5(proto, src, port, "10.0.0.9", port))

    made = rewritten(datagram, route_to, embedded=route_to)

    assert len(made) == len(datagram)
    assert made[:10] == datagram[:10]
    if is_whole(datagram):
        assert seen(made)[3] == seen(datagram)[3]
        if proto in (TCP, UDP) and fragment != b"\0\x07":
            assert seen(made).flow_tuple == route_to


@pytest.mark.parametrize("size", [8, 18, 19, 20, 24])
def test_quoted_checksum(size: int) -> None:
    """A quoted checksum of TCP changes where its header is all quoted, as in Linux."""
    quoted = inet.IP(**OLD) / inet.TCP(sport=4, dport=5, options=[("MSS", 1460)])
    sent = pack(Tuple5(TCP, "10.0.0.1", 6, "10.0.0.2", 7))
    route_to = pack(Tuple5(ICMP, "10.0.0.2", 0, "10.0.0.1", 0))
    old = fresh(inet.IP(src="1.1.1.1", dst="2.2.2.2") / inet.ICMP(type=3, code=1))
    whole = fresh(quoted)[: 20 + size]
    error = fill(old[:2] + (28 + len(whole)).to_bytes(2, "big") + old[4:] + whole)

    made = rewritten(error, route_to, embedded=sent)

    changed = made[28 + 36 : 28 + 38] != error[28 + 36 : 28 + 38]
    assert changed == (size >= 20)
    assert made == fill(made)
