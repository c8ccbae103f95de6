"""Packet bytes <-> numpy columns: one module a protocol, checksums, one-line text.

Knows nothing of capture files, flows or NAT.
"""

from pytest_netlab.wire.address import (
    address_bytes,
    address_text,
    is_mac,
    mac_bytes,
    mac_text,
)
from pytest_netlab.wire.columns import (
    ADDRESS_BYTES,
    COLUMNS,
    Checksum,
    Column,
    Columns,
    Direction,
    Status,
)
from pytest_netlab.wire.encapsulation import TUNNELS, Encapsulation
from pytest_netlab.wire.fill import fill
from pytest_netlab.wire.names import ether_name, frame_name, link_name
from pytest_netlab.wire.stack import decode
from pytest_netlab.wire.text import render
from pytest_netlab.wire.validity import UNTAGGED, Condition

__all__ = [
    "ADDRESS_BYTES",
    "COLUMNS",
    "TUNNELS",
    "UNTAGGED",
    "Checksum",
    "Column",
    "Columns",
    "Condition",
    "Direction",
    "Encapsulation",
    "Status",
    "address_bytes",
    "address_text",
    "decode",
    "ether_name",
    "fill",
    "frame_name",
    "is_mac",
    "link_name",
    "mac_bytes",
    "mac_text",
    "render",
]
