"""What a TCP segment is for in its connection. Knows one packet at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture


def role_of(capture: Capture, row: int) -> str:
    """Return SYN, SYN-ACK, RST, FIN, data or ack, whichever says most."""
    flags = int(capture.tcp_flags[row])
    if flags & tcp.RST:
        return "RST"
    if flags & tcp.SYN:
        return "SYN-ACK" if flags & tcp.ACK else "SYN"
    if capture.payload_len[row]:
        return "data"
    return "FIN" if flags & tcp.FIN else "ack"
