"""What a header says beyond its fixed fields, and what of it a router leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.wire import fill, ip_options, ipv4, ipv6, tcp, udp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B = "172.17.0.2", "10.0.0.1"
A6, B6 = "fd00::2", "fd00::1"
QUERY = udp.build(A, B, 5, 6, b"data")
ALERT, RECORD = bytes.fromhex("94040000"), bytes.fromhex("0707040a000001")
FILLED = bytes.fromhex("0707080a0000fe")


def v4(options: bytes = b"") -> bytes:
    """Return a datagram with these options."""
    return ipv4.build(A, B, 17, QUERY, options=options)


def v6(*, label: int = 0) -> bytes:
    """Return a datagram with a flow label."""
    return ipv6.build(A6, B6, 17, udp.build(A6, B6, 5, 6, b"data"), flow_label=label)


@pytest.mark.parametrize(
    ("datagram", "kinds", "kept"),
    [
        (v4(), (), ""),
        (v4(ALERT), (148,), "94040000"),
        (v4(b"\1" + RECORD), (7,), "01 07(7)"),
        (v4(b"\x88\x09"), (136,), "88090000"),
        (v6(), (), ""),
        (ip_options.added(v6()), (0,), "1100010400000000"),
        (ip_options.added(v4()), (148,), "94040000"),
    ],
    ids=["none", "alert", "record route", "lies", "v6", "added6", "added"],
)
def test_options(datagram: bytes, kinds: tuple[int, ...], kept: str) -> None:
    """Options and extensions are named by their kinds; what routers fill in is not."""
    assert ip_options.kinds(datagram) == kinds
    assert ip_options.kept(datagram) == kept


def test_flow_label() -> None:
    """Only IPv6 has one."""
    assert ip_options.flow_label(v6(label=0x12345)) == 0x12345
    assert ip_options.flow_label(v4()) == 0


@pytest.mark.parametrize("datagram", [v4(), v6()], ids=["v4", "v6"])
def test_one_more(decoded: Decoder, datagram: bytes) -> None:
    """A datagram with one more carries the same, and is whole."""
    before, after = decoded(datagram), decoded(fill(ip_options.added(datagram)))

    same = ("payload_len", "payload_hash", "sport", "status", "l4_checksum")
    assert [before[key] for key in same] == [after[key] for key in same]
    assert before["options_hash"] != after["options_hash"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (v4(RECORD), v4(FILLED), True),
        (v4(ALERT), v4(b"\x94\4\0\1"), False),
        (v4(RECORD), v4(b"\1" * 8), False),
        (v4(b"\0\0\0\0"), v4(b"\0\0\0\1"), False),
        (v6(), v6(label=1), False),
    ],
    ids=["filled in", "value", "kind", "behind the end", "flow label"],
)
def test_digest(decoded: Decoder, one: bytes, other: bytes, same: bool) -> None:  # noqa: FBT001
    """The digest is of what a router leaves alone, and of all of it."""
    hashes = {decoded(datagram)["options_hash"] for datagram in (one, other)}

    assert (len(hashes) == 1) is same


def test_bits_without_a_meaning(decoded: Decoder) -> None:
    """The reserved flag of IP and TCP's reserved bits are in the flags' columns."""
    segment = bytearray(tcp.build(A, B, 5, 6, flags=tcp.SYN | 0xA00))
    segment[tcp.URGENT + 1] = 7
    datagram = bytearray(ipv4.build(A, B, 6, bytes(segment)))
    datagram[ipv4.FRAGMENT] |= ipv4.RESERVED << 5

    row = decoded(fill(bytes(datagram)))

    assert row["ip_flags"] == ipv4.RESERVED | ipv4.DF
    assert row["tcp_flags"] == tcp.SYN | 0xA00
    assert row["tcp_urgent"] == 7
    assert tcp.flag_text(int(row["tcp_flags"])) == "S+0xa00"
