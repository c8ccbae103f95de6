"""Super-frames as the pieces a sender makes, put together again by scapy."""

from __future__ import annotations

import pytest
from scapy.layers import inet
from scapy.packet import Raw

from pytest_netlab.replay.segmentation import segment

ENDS = {"src": "172.17.0.2", "dst": "172.16.211.1"}


def right(piece: bytes) -> bool:
    """Tell whether scapy computes the same checksums and lengths."""
    again = inet.IP(piece)
    del again.chksum, again.len
    if inet.TCP in again:
        del again[inet.TCP].chksum
    return bytes(again) == piece


@pytest.mark.parametrize("size", [1461, 4000, 60000])
def test_segments(size: int) -> None:
    """Bytes, numbers and ids go on; only the last segment pushes or ends."""
    data = bytes(number % 251 for number in range(size))
    tcp = inet.TCP(sport=4, dport=5, seq=0xFFFFFF00, flags="FPA")
    whole = bytes(inet.IP(**ENDS, id=0xFFFE) / tcp / Raw(data))

    found = [inet.IP(piece) for piece in segment(whole, 1500)]

    assert all(right(bytes(one)) for one in found)
    assert b"".join(bytes(one[inet.TCP].payload) for one in found) == data
    assert [one.id for one in found[:3]] == [0xFFFE, 0xFFFF, 0][: len(found)]
    assert found[1][inet.TCP].seq == (0xFFFFFF00 + 1460) % (1 << 32)
    assert {str(one[inet.TCP].flags) for one in found[:-1]} == {"A"}
    assert str(found[-1][inet.TCP].flags) == "FPA"


def test_fragments() -> None:
    """Anything else is cut by IP."""
    data = bytes(number % 251 for number in range(4000))
    whole = bytes(inet.IP(**ENDS, id=7) / inet.UDP(sport=4, dport=5) / Raw(data))

    found = segment(whole, 1500)

    assert len(found) == 3
    assert all(right(one) for one in found)
    packets = [inet.IP(one) for one in found]
    assert bytes(inet.defragment(packets)[0])[20:] == whole[20:]


def test_small() -> None:
    """What fits is left as it is."""
    whole = bytes(inet.IP(**ENDS) / inet.UDP(sport=4, dport=5) / Raw(bytes(1472)))

    assert segment(whole, 1500) == [whole]
