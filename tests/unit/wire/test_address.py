"""Addresses as text and as the columns hold them."""

from __future__ import annotations

import pytest

from pytest_netlab.wire import address_bytes, address_text, mac_bytes, mac_text


@pytest.mark.parametrize(
    "text", ["172.17.0.2", "255.255.255.255", "2001:db8::1", "::", "::1"]
)
def test_text_and_bytes_undo_each_other(text: str) -> None:
    """An address survives the way into a column and back."""
    packed = address_bytes(text)

    assert len(packed) == 16
    assert text == address_text(packed)


def test_ipv4_is_mapped() -> None:
    """IPv4 addresses are held as ::ffff:a.b.c.d."""
    assert bytes(10) + b"\xff\xff\x0a\x00\x00\x01" == address_bytes("10.0.0.1")


@pytest.mark.parametrize("text", ["x", "10.0.0", "host", "10.0.0.256", "1::2::3"])
def test_other_text_is_refused(text: str) -> None:
    """What is no address raises instead of becoming one."""
    with pytest.raises(ValueError, match=text):
        address_bytes(text)


def test_mac_text_and_bytes() -> None:
    """An Ethernet address is text, six bytes, or an integer."""
    packed = mac_bytes("02:42:ac:11:00:02")

    assert packed == b"\x02\x42\xac\x11\x00\x02"
    assert mac_text(int.from_bytes(packed, "big")) == "02:42:ac:11:00:02"


@pytest.mark.parametrize("text", ["", "02:42", "02:42:ac:11:00:0g", "02-42-ac-11-0-2"])
def test_other_macs_are_refused(text: str) -> None:
    """What is no Ethernet address raises instead of becoming one."""
    with pytest.raises(ValueError, match="not an Ethernet address"):
        mac_bytes(text)
