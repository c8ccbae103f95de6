"""A segment has one role, whichever says most."""

from __future__ import annotations

import pytest
from tests.traffic import C1, FIN_ACK, HOST01, SYN, SYN_ACK, Packet, capture

from pytest_netlab.flows import TCP, Tuple5, role_of
from pytest_netlab.wire import tcp

WEB = Tuple5(TCP, C1, 40000, HOST01, 80)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (Packet(key=WEB, flags=SYN), "SYN"),
        (Packet(key=WEB, flags=SYN_ACK), "SYN-ACK"),
        (Packet(key=WEB, flags=tcp.RST | tcp.ACK, data=b"x"), "RST"),
        (Packet(key=WEB, flags=tcp.RST | tcp.SYN), "RST"),
        (Packet(key=WEB, flags=FIN_ACK), "FIN"),
        (Packet(key=WEB, flags=FIN_ACK, data=b"last"), "data"),
        (Packet(key=WEB, data=b"x"), "data"),
        (Packet(key=WEB), "ack"),
    ],
)
def test_role(packet: Packet, expected: str) -> None:
    """A segment's role is whatever says most."""
    assert role_of(capture([packet]), 0) == expected
