"""Capture files <-> `Capture`: packets as columns, beside their raw bytes.

It reads pcap and pcapng, whole or in chunks and in bounded memory, and writes pcapng.
Knows wire, no flow and no NAT.
"""

from pytest_netlab.capture.budget import Budget
from pytest_netlab.capture.model import Capture
from pytest_netlab.capture.packet import Packet
from pytest_netlab.capture.read import Chunks, open_capture, read
from pytest_netlab.capture.values import Frame, Interface
from pytest_netlab.capture.write import write

__all__ = [
    "Budget",
    "Capture",
    "Chunks",
    "Frame",
    "Interface",
    "Packet",
    "open_capture",
    "read",
    "write",
]
