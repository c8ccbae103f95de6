"""Addresses of a host's links, as values, and which of them it sends from."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

GLOBAL = 0
_SECONDARY = "secondary"


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a link.

    Attributes:
        device: the name of the link.
        text: ADDRESS/LENGTH.
        scope: how far it is valid: 0 everywhere, 253 on the link, 254 on the host.
        secondary: another address of the link's is of the same network, and older.

    """

    device: str
    text: str
    scope: int = GLOBAL
    secondary: bool = False

    @property
    def ip(self) -> str:
        """Return it without its length."""
        return self.text.partition("/")[0]

    def __str__(self) -> str:
        """Render as `parse` reads it."""
        words = (self.device, self.text, f"scope {self.scope}")
        return " ".join((*words, _SECONDARY) if self.secondary else words)


def addresses(listed: str) -> tuple[Address, ...]:
    """Return the addresses, one a line; other lines are left out."""
    found = []
    for line in listed.splitlines():
        match line.split(" "):
            case [device, text, "scope", scope, *flags] if scope.isdecimal():
                with suppress(ValueError):
                    ip_interface(text)
                    known = flags == [_SECONDARY]
                    found.append(Address(device, text, int(scope[:3]), known))
    return tuple(found)


def masqueraded(known: Iterable[Address], device: str, hop: str) -> Address | None:
    """Return the address that masquerading takes for what leaves by a link.

    It is the first of the next hop's network, else the first (devinet.c,
    inet_select_addr); None where the link has none.

    Args:
        known: of all links, in the kernel's order.
        device: the name of the link.
        hop: the address of the next hop.

    """
    version = ip_address(hop).version
    able = [
        one
        for one in known
        if one.device == device
        and not one.secondary
        and one.scope == GLOBAL
        and ip_address(one.ip).version == version
    ]
    near = (one for one in able if ip_address(hop) in ip_interface(one.text).network)
    return next(near, able[0] if able else None)
