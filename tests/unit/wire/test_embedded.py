"""What an ICMP error quotes: the tuple a NAT must translate back, as far as it is."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.wire import Status, assigned, icmp, icmpv6, ipv4, ipv6, tcp, udp

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

A, B, R, OTHER = "172.17.0.2", "10.0.0.1", "192.0.2.1", "198.51.100.7"
A6, B6 = "2001:db8::1", "2001:db8::2"
R6, OTHER6 = "2001:db8::ff", "2001:db8::77"
UDP = ipv4.build(A, B, 17, udp.build(A, B, 1234, 53, b"data"), ttl=9, ip_id=77)
TCP6 = ipv6.build(A6, B6, 6, tcp.build(A6, B6, 1234, 80), ttl=7)
NO_PORTS = (0, 0, 0)


def error(quoted: bytes) -> bytes:
    """Return an error about this packet, of its IP version, to somebody else."""
    if quoted[:1] >= b"\x60":
        body = icmpv6.build(R6, OTHER6, 1, 0, bytes(4) + quoted)
        return ipv6.build(R6, OTHER6, 58, body)
    return ipv4.build(R, OTHER, 1, icmp.build_error(3, 4, quoted))


def ends(row: dict[str, int | str]) -> tuple[int | str, ...]:
    """Return the quoted ports and echo id."""
    return row["quoted_sport"], row["quoted_dport"], row["quoted_icmp_id"]


def tuple_of(row: dict[str, int | str]) -> tuple[int | str, ...]:
    """Return what the quoted IP header says."""
    return tuple(row[f"quoted_{k}"] for k in ("proto", "src", "dst", "ttl", "ip_id"))


def test_ipv4(decoded: Decoder) -> None:
    """Protocol, addresses, ttl, IP id and ports are the quoted packet's own."""
    row = decoded(error(UDP))

    assert tuple_of(row) == (17, A, B, 9, 77)
    assert ends(row) == (1234, 53, 0)
    assert row["status"] == 0


def test_ipv6(decoded: Decoder) -> None:
    """Likewise for IPv6, whose header has no id."""
    row = decoded(error(TCP6))

    assert tuple_of(row) == (6, A6, B6, 7, 0)
    assert ends(row) == (1234, 80, 0)
    assert row["status"] == 0


def test_nothing_is_quoted(decoded: Decoder) -> None:
    """An error that ends with its own header quotes nothing, and is whole."""
    row = decoded(error(b""))

    assert tuple_of(row) == (0, "::", "::", 0, 0)
    assert row["status"] == 0


@pytest.mark.parametrize("quoted", [UDP[:1], UDP[:19], TCP6[:1], TCP6[:39]], ids=len)
def test_half_a_header(decoded: Decoder, quoted: bytes) -> None:
    """Half an IP header is no quote; RFC 792 promises all of it and eight bytes."""
    row = decoded(error(quoted))

    assert (row["quoted_proto"], row["status"]) == (0, Status.MALFORMED)


def test_half_a_header_that_the_capture_cut(decoded: Decoder) -> None:
    """Where the capture cut it the sender is not to blame."""
    frame = error(UDP)
    row = decoded(frame[:39], wirelen=len(frame))

    assert (row["quoted_proto"], row["status"]) == (0, Status.TRUNCATED)


@pytest.mark.parametrize("first", [0x00, 0x15, 0x55, 0x75, 0xF5])
def test_another_version(decoded: Decoder, first: int) -> None:
    """What is neither IPv4 nor IPv6 is no quote."""
    quoted = bytes((first,)) + bytes(60)
    row = decoded(ipv4.build(R, A, 1, icmp.build_error(3, 4, quoted)))

    assert (row["quoted_proto"], row["status"]) == (0, Status.MALFORMED)


@pytest.mark.parametrize(("quoted", "header"), [(UDP, 20), (TCP6, 40)], ids=["4", "6"])
@pytest.mark.parametrize(("more", "has_ports"), [(0, 0), (3, 0), (4, 1), (8, 1)])
def test_ports_need_four_bytes(
    decoded: Decoder, quoted: bytes, header: int, more: int, has_ports: int
) -> None:
    """The ports are there or not, never half of them; the rest of the quote is."""
    row = decoded(error(quoted[: header + more]))

    assert tuple_of(row) == tuple_of(decoded(error(quoted)))
    assert (ends(row) != NO_PORTS) == bool(has_ports)
    assert row["status"] == 0


@pytest.mark.parametrize("kind", [assigned.ECHO_REQUEST, assigned.ECHO_REPLY])
@pytest.mark.parametrize(("more", "expected"), [(5, 0), (6, 0xABCD), (8, 0xABCD)])
def test_echo_id_needs_six_bytes(
    decoded: Decoder, kind: int, more: int, expected: int
) -> None:
    """Id of an echo request or reply, if the quote reaches that far."""
    quoted = ipv4.build(A, B, 1, icmp.build_echo(kind, 0xABCD, 0x1111))

    assert ends(decoded(error(quoted[: 20 + more]))) == (0, 0, expected)


@pytest.mark.parametrize("kind", [assigned.ECHO_REQUEST6, assigned.ECHO_REPLY6])
def test_echo_id6(decoded: Decoder, kind: int) -> None:
    """Likewise for ICMPv6."""
    quoted = ipv6.build(A6, B6, 58, icmpv6.build_echo(A6, B6, kind, 0xABCD, 1))

    assert ends(decoded(error(quoted))) == (0, 0, 0xABCD)


@pytest.mark.parametrize("kind", [3, 5, 11, 13, 128, 129])
def test_no_id_of_other_messages(decoded: Decoder, kind: int) -> None:
    """Bytes 4 and 5 of what is no echo mean something else."""
    quoted = ipv4.build(A, B, 1, icmp.build(kind, 0, 0xABCD0000))

    assert ends(decoded(error(quoted))) == NO_PORTS


@pytest.mark.parametrize("kind", [0, 1, 8, 130, 133])
def test_no_id_of_other_messages6(decoded: Decoder, kind: int) -> None:
    """Types of ICMP mean something else in ICMPv6."""
    message = icmpv6.build(A6, B6, kind, 0, b"\xab\xcd" + bytes(2))

    assert ends(decoded(error(ipv6.build(A6, B6, 58, message)))) == NO_PORTS


@pytest.mark.parametrize("proto", [47, 50, 132])
def test_no_ports_of_other_protocols(decoded: Decoder, proto: int) -> None:
    """Only TCP and UDP have ports here; a first byte of 8 makes no echo of the rest."""
    quoted = ipv4.build(A, B, proto, bytes((8, 0)) + b"\x11" * 18)
    row = decoded(error(quoted))

    assert (row["quoted_proto"], ends(row)) == (proto, NO_PORTS)


def test_options_of_the_quoted_header(decoded: Decoder) -> None:
    """The ports are behind the options."""
    body = udp.build(A, B, 1234, 53, b"")
    quoted = ipv4.build(A, B, 17, body, options=bytes.fromhex("0707040000000000"))

    assert ends(decoded(error(quoted))) == (1234, 53, 0)
    assert ends(decoded(error(quoted[:31]))) == NO_PORTS


@pytest.mark.parametrize("length", [0, 4])
def test_header_length_below_the_least(decoded: Decoder, length: int) -> None:
    """A header that claims less than twenty bytes has twenty."""
    quoted = bytes((0x40 | length,)) + UDP[1:]

    assert ends(decoded(error(quoted))) == (1234, 53, 0)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"mf": True, "df": False}, (1234, 53, 0)),
        ({"df": True}, (1234, 53, 0)),
        ({"df": False, "frag_offset": 8}, NO_PORTS),
        ({"df": False, "frag_offset": 65528}, NO_PORTS),
    ],
    ids=["first fragment", "DF", "second fragment", "last fragment there is"],
)
def test_fragments(
    decoded: Decoder, fields: ipv4.Header, expected: tuple[int, ...]
) -> None:
    """Only the first fragment has ports; the flags are no offset."""
    body = udp.build(A, B, 1234, 53, bytes(8))

    assert ends(decoded(error(ipv4.build(A, B, 17, body, **fields)))) == expected


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [(1, (1234, 80, 0)), (0, (1234, 80, 0)), (8, NO_PORTS), (8 | 1, NO_PORTS)],
    ids=["first fragment", "atomic fragment", "last fragment", "middle fragment"],
)
def test_fragments6(decoded: Decoder, fragment: int, expected: tuple[int, ...]) -> None:
    """Likewise for IPv6, where a header of its own says which fragment it is."""
    segment = tcp.build(A6, B6, 1234, 80)
    header = pack(">BBHI", 6, 0, fragment, 5)
    row = decoded(error(ipv6.build(A6, B6, 44, header + segment)))

    assert (row["quoted_proto"], ends(row)) == (6, expected)


def test_extensions_of_the_quoted_header(decoded: Decoder) -> None:
    """The chain of a quoted IPv6 header is walked to its transport."""
    segment = tcp.build(A6, B6, 1234, 80)
    chain = bytes((60, 0)) + bytes(6) + bytes((6, 1)) + bytes(14)
    row = decoded(error(ipv6.build(A6, B6, 0, chain + segment)))

    assert (row["quoted_proto"], ends(row)) == (6, (1234, 80, 0))


@pytest.mark.parametrize(("size", "proto"), [(41, 0), (48, 6), (52, 6)])
def test_half_an_extension(decoded: Decoder, size: int, proto: int) -> None:
    """As far as the chain is there its last protocol is known."""
    segment = tcp.build(A6, B6, 1234, 80)
    quoted = ipv6.build(A6, B6, 0, bytes((6, 0)) + bytes(6) + segment)
    row = decoded(error(quoted[:size]))

    assert row["quoted_proto"] == proto
    assert ends(row) == ((1234, 80, 0) if size == 52 else NO_PORTS)


def test_a_quote_of_the_other_family(decoded: Decoder) -> None:
    """A version is what the quote itself says: translators quote both."""
    row = decoded(ipv4.build(R, A, 1, icmp.build_error(3, 4, TCP6)))

    assert tuple_of(row) == (6, A6, B6, 7, 0)
