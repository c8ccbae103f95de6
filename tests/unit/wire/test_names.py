"""What is not decoded has a name."""

from __future__ import annotations

import pytest

from pytest_netlab.wire.names import ether_name, frame_name, link_name, ppp_name


@pytest.mark.parametrize(
    ("linktype", "name"),
    [
        (1, "Ethernet"),
        (105, "IEEE 802.11"),
        (127, "IEEE 802.11 plus radiotap header"),
        (150, "user-defined DLT 150"),
        (227, "CAN"),
        (253, "Linux Netlink"),
        (65535, "link type 65535"),
    ],
)
def test_link_types(linktype: int, name: str) -> None:
    """A number without a name is said as it is."""
    assert link_name(linktype) == name


@pytest.mark.parametrize(
    ("ethertype", "name"),
    [
        (0x88CC, "LLDP"),
        (0x8863, "PPPoE Discovery"),
        (0x888E, "EAPOL (802.1X)"),
        (0x1234, "ethertype 0x1234"),
    ],
)
def test_ethertypes(ethertype: int, name: str) -> None:
    """A number without a name is said as a frame has it, in hexadecimal."""
    assert ether_name(ethertype) == name
    assert frame_name(1, ethertype) == frame_name(113, ethertype) == name


@pytest.mark.parametrize(
    ("linktype", "name"),
    [(1, "802.2 LLC"), (276, "802.2 LLC"), (105, "IEEE 802.11"), (9, "PPP")],
)
def test_a_frame_without_an_ethertype_is_its_link(linktype: int, name: str) -> None:
    """Ethernet and cooked frames without one have a length, and LLC behind it."""
    assert frame_name(linktype, 0) == name


def test_ppp_protocols() -> None:
    """Of a session, control messages are what is not decoded."""
    assert [ppp_name(0xC021), ppp_name(0x4001)] == ["LCP", "PPP 0x4001"]
