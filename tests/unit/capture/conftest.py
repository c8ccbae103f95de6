"""Captures that every test of this layer needs."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from pytest_netlab.capture import Capture, Frame, Interface, write
from pytest_netlab.wire import assigned, ethernet, icmp, ipv4, ipv6, tcp, udp

DATA = Path(__file__).parents[2] / "data" / "pcapng"
FILES = sorted(DATA.glob("*.pcapng"))

A, B = "172.17.0.2", "10.0.0.1"
A6, B6 = "2001:db8::1", "2001:db8::2"
MACS = ("02:42:ac:11:00:02", "02:42:ac:11:00:01")
QUOTED = ipv4.build(A, B, 17, udp.build(A, B, 1000, 53, b"abc"), ttl=1)
DATAGRAMS = (
    ipv4.build(A, B, 6, tcp.build(A, B, 43210, 80, b"GET /", seq=5, flags=0x18)),
    QUOTED,
    ipv4.build(A, B, 1, icmp.build_echo(8, 7, 1, bytes(56))),
    ipv4.build(B, A, 1, icmp.build_error(11, 0, QUOTED)),
)
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def frames() -> list[Frame]:
    """Return one frame of each kind, alternating between two interfaces."""
    made = [ethernet.build(*MACS, datagram) for datagram in DATAGRAMS]
    made.append(
        ethernet.build(
            *MACS, ipv6.build(A6, B6, 47, b"gre"), ethertype=assigned.IPV6, vlan=9
        )
    )
    made.append(ethernet.build(*MACS, b"unknown", ethertype=0x88B5))
    return [
        Frame(row % 2, START + row, data, len(data), direction=row % 3)
        for row, data in enumerate(made)
    ]


@pytest.fixture
def capture() -> Capture:
    """Return a small capture that uses everything a file can say."""
    some = frames()
    some[0] = some[0]._replace(comment="first")
    some[1] = some[1]._replace(status=16)
    cut = some[2].data[:50]
    some[2] = some[2]._replace(data=cut)
    interfaces = (
        Interface(name="docker0", snaplen=262144, received=9, dropped=0),
        Interface(name="uplink", comment="to the world"),
    )
    return Capture.from_frames(some, interfaces, {B: "host01", A6: "c6"}, "a test")


@pytest.fixture
def written(capture: Capture) -> bytes:
    """Return the small capture as a file."""
    file = io.BytesIO()
    write(file, capture)
    return file.getvalue()


@pytest.fixture
def tshark() -> str:
    """Return the path of tshark, or skip."""
    path = shutil.which("tshark")
    if path is None:
        pytest.skip("tshark is not installed")
    return path


@pytest.fixture
def editcap() -> str:
    """Return the path of editcap, or skip."""
    path = shutil.which("editcap")
    if path is None:
        pytest.skip("editcap is not installed")
    return path
