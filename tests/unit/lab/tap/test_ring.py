"""A block as the kernel lays it out, taken apart without one."""

from __future__ import annotations

from collections import deque
from struct import pack

from pytest_netlab.capture.values import Frame
from pytest_netlab.lab.tap.ring import Ring
from pytest_netlab.wire.columns import Direction, Status

OUTGOING, HOST = 4, 0
USER, CHECKSUM_NOT_READY, VLAN, VLAN_TPID = 1, 8, 16, 64
DATA = bytes(range(60))


def header(flags: int = USER, kind: int = HOST, tci: int = 0, wire: int = 60) -> bytes:
    """Return a tpacket3_hdr with its sockaddr_ll, 128 bytes before the next one."""
    mac = 68
    head = pack("=6I2H", 128, 1_700_000_000, 42, len(DATA), wire, flags, mac, mac + 14)
    vlan = pack("=2I2H8x", 0, tci, 0x88A8, 0)
    address = pack("=HHiHBB8x", 17, 0x88B6, 3, 1, kind, 6)
    return (head + vlan + address + DATA).ljust(128, b"\0")


def block(*frames: bytes) -> bytes:
    """Return a tpacket_block_desc with these frames."""
    used = 48 + 128 * len(frames)
    head = pack("=7IQ", 1, 48, USER, len(frames), 48, used, 0, 7)
    return head.ljust(48, b"\0") + b"".join(frames)


def ring(*blocks: bytes) -> Ring:
    """Return a ring that has drained these blocks and has no socket."""
    made = Ring.__new__(Ring)
    made._index = 2
    made._drained = deque(blocks)
    return made


def test_frame() -> None:
    """Point, time, bytes, length on the wire, direction and status are the kernel's."""
    data = block(header(kind=OUTGOING, wire=99), header(USER | CHECKSUM_NOT_READY))
    time = 1_700_000_000_000_000_042

    assert list(ring(data).frames()) == [
        Frame(2, time, DATA, 99, Direction.OUTBOUND),
        Frame(2, time, DATA, 60, Direction.INBOUND, Status.CHECKSUM_NOT_READY),
    ]


def test_vlan() -> None:
    """A tag is put back; a kernel that does not name its type means 802.1Q."""
    tagged = header(USER | VLAN | VLAN_TPID, tci=0xA005), header(USER | VLAN, tci=5)
    named, unnamed = ring(block(*tagged)).frames()

    assert named.data == DATA[:12] + bytes.fromhex("88a8a005") + DATA[12:]
    assert unnamed.data == DATA[:12] + bytes.fromhex("81000005") + DATA[12:]
    assert (named.wirelen, unnamed.wirelen) == (64, 64)


def test_drained_meanwhile() -> None:
    """Blocks that come while one looks are for the next look: each look ends."""
    flooded = ring(block(header()), block(header()))
    count = 0
    for _ in flooded.frames():
        count += 1
        flooded._drained.append(block(header()))
        if count > 10:
            break

    assert count == 2
    assert len(list(flooded.frames())) == 2
