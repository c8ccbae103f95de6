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
from pytest_netlab.wire.fill import fill
from pytest_netlab.wire.stack import decode
from pytest_netlab.wire.text import render
from pytest_netlab.wire.validity import UNTAGGED, Condition

__all__ = [
    "ADDRESS_BYTES",
    "COLUMNS",
    "UNTAGGED",
    "Checksum",
    "Column",
    "Columns",
    "Condition",
    "Direction",
    "Status",
    "address_bytes",
    "address_text",
    "decode",
    "fill",
    "is_mac",
    "mac_bytes",
    "mac_text",
    "render",
]
