"""What a TCP segment is for in its connection. Knows one packet at a time."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture


class Role(enum.StrEnum):
    """What a segment is listed as; one that carries data and FIN is listed twice."""

    SYN = "SYN"
    SYN_ACK = "SYN-ACK"
    RST = "RST"
    FIN = "FIN"
    DATA = "data"
    ACK = "ack"
    DUPLICATE = "duplicate"


def role_of(capture: Capture, row: int) -> Role:
    """Return SYN, SYN-ACK, RST, FIN, data or ack, whichever says most."""
    flags = int(capture.tcp_flags[row])
    if flags & tcp.RST:
        return Role.RST
    if flags & tcp.SYN:
        return Role.SYN_ACK if flags & tcp.ACK else Role.SYN
    if capture.payload_len[row]:
        return Role.DATA
    return Role.FIN if flags & tcp.FIN else Role.ACK
