"""One packet, for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.unit.capture.conftest import DATAGRAMS, A, B

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.wire import COLUMNS, address_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_text(capture: Capture) -> None:
    """Time, interface, direction, symbols for addresses."""
    assert capture[1].text == (
        "1700000000.000000001 uplink In IP 172.17.0.2.1000 > host01.53: "
        "UDP, length 3 [checksum_not_ready]"
    )


def test_row(capture: Capture) -> None:
    """Every column, as JSON likes it."""
    row = capture[0].row

    assert list(row) == [column.name for column in COLUMNS]
    assert (row["src"], row["dst"], row["sport"], row["quoted_src"]) == (
        A,
        B,
        43210,
        "",
    )
    assert json.loads(json.dumps(row)) == row


def test_addresses_only_where_there_are(capture: Capture) -> None:
    """A quoted one in an error, none in what is not IP."""
    assert (capture[3].row["quoted_src"], capture[3].row["quoted_dst"]) == (A, B)
    assert (capture[5].row["src"], capture[5].row["dst"]) == ("", "")


def _layers(linktype: int, data: bytes) -> Sequence[str]:
    """Return the layers scapy finds in a packet of this link type."""
    pytest.importorskip("scapy")
    frame = Frame(0, 0, data, len(data))
    capture = Capture.from_frames([frame], [Interface(name="", linktype=linktype)])
    return [layer.__name__ for layer in capture[0].to_scapy().layers()]


def test_to_scapy(capture: Capture) -> None:
    """Dissected from the link header on."""
    pytest.importorskip("scapy")
    packet = capture[0].to_scapy()

    assert packet["IP"].dst == address_text(capture.dst[0].tobytes())
    assert packet["TCP"].seq == 5


@pytest.mark.parametrize(
    ("linktype", "head", "layers"),
    [
        (101, b"", ["IP", "UDP"]),
        (228, b"", ["IP", "UDP"]),
        (0, b"\2\0\0\0", ["Loopback", "IP", "UDP"]),
        (113, bytes(14) + b"\x08\0", ["CookedLinux", "IP", "UDP"]),
        (276, b"\x08\0" + bytes(18), ["CookedLinuxV2", "IP", "UDP"]),
        (147, b"", ["Raw"]),
    ],
)
def test_to_scapy_by_link_type(linktype: int, head: bytes, layers: list[str]) -> None:
    """Scapy is told which header comes first."""
    assert _layers(linktype, head + DATAGRAMS[1])[: len(layers)] == layers
