"""ARP messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scapy.layers.l2 import ARP as SCAPY_ARP

from pytest_netlab.wire import Status, arp, assigned, ethernet

if TYPE_CHECKING:
    from tests.unit.wire.conftest import Decoder

SRC, DST = "02:42:ac:11:00:02", "02:42:ac:11:00:01"
MESSAGE = arp.build(arp.REPLY, "172.17.0.2", "172.17.0.1", SRC, DST)


def _frame(message: bytes) -> bytes:
    """Return the message in a frame."""
    return ethernet.build(SRC, DST, message, ethertype=assigned.ARP)


def test_take_apart(decoded: Decoder) -> None:
    """Operation, sender and target."""
    row = decoded(_frame(MESSAGE), 1)

    assert (row["arp_op"], row["src"], row["dst"]) == (2, "172.17.0.2", "172.17.0.1")
    assert (row["ip_version"], row["status"]) == (0, 0)


def test_put_together() -> None:
    """The same bytes as scapy makes."""
    theirs = SCAPY_ARP(op=2, psrc="172.17.0.2", pdst="172.17.0.1", hwsrc=SRC, hwdst=DST)

    assert bytes(theirs) == MESSAGE


def test_other_address_kinds_have_an_operation_only(decoded: Decoder) -> None:
    """ARP for another protocol has no address that fits a column."""
    row = decoded(_frame(MESSAGE[:2] + b"\x86\xdd" + MESSAGE[4:]), 1)

    assert (row["arp_op"], row["src"], row["status"]) == (2, "::", 0)


def test_a_message_that_is_not_all_there(decoded: Decoder) -> None:
    """Cut in the fixed part, or in the addresses."""
    assert decoded(_frame(MESSAGE[:7]), 1)["status"] == Status.MALFORMED
    assert decoded(_frame(MESSAGE[:27]), 1)["status"] == Status.MALFORMED
