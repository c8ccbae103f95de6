"""Addresses as the columns have them: 16 bytes, IPv4 mapped into IPv6."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

MAPPED = bytes(10) + b"\xff\xff"
# First octets: 224/4 is multicast (RFC 1112), 240/4 reserved or broadcast;
# ff00::/8 is multicast (RFC 4291).
FIRST_GROUP, GROUP6 = 224, 255
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}")


def address_text(packed: bytes) -> str:
    """Return 16 bytes as text; an IPv4-mapped address is dotted."""
    packed = bytes(packed)
    if packed.startswith(MAPPED):
        a, b, c, d = packed[12:]
        return f"{a}.{b}.{c}.{d}"  # several times as fast as ipaddress
    return str(IPv6Address(packed))


def as_ipv6(text: str) -> str:
    """Return an address of an IPv6 packet: what looks like IPv4 is a mapped one."""
    return text if not text or ":" in text else f"::ffff:{text}"


def address_bytes(text: str) -> bytes:
    """Return the 16 bytes of an IPv4 or IPv6 address.

    Raises:
        ValueError: the text is no address.

    """
    try:
        return MAPPED + IPv4Address(text).packed
    except AddressValueError:
        return IPv6Address(text).packed


def mac_text(number: int) -> str:
    """Return a 48-bit Ethernet address as text."""
    return int(number).to_bytes(6, "big").hex(":")


def is_mac(text: str) -> bool:
    """Return whether a text is an Ethernet address."""
    return _MAC.fullmatch(text) is not None


def mac_bytes(text: str) -> bytes:
    """Return the six bytes of an Ethernet address.

    Raises:
        ValueError: the text is no Ethernet address.

    """
    if not is_mac(text):
        raise ValueError(f"not an Ethernet address: {text!r}")
    return bytes(int(part, 16) for part in text.split(":"))
