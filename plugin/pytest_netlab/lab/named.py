"""Names for addresses that a lab's nodes have got since it started. Knows no links."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What the host translates sources to, and answers for: another address of it is not it.
HOST = ("host", "bridge")


def later(
    name: str, addresses: Iterable[str], known: Mapping[str, str]
) -> dict[str, str]:
    """Return address -> name of those of a node's addresses that have no name yet.

    The host has one name for one address of IPv4 and one of IPv6, the oldest: a source
    translated to any other is wrong.

    Args:
        name: the node's.
        addresses: of its link, each with the length of its network, newest first.
        known: address -> name, of all that have one.

    """
    found = [ip_interface(text).ip for text in addresses]
    new = [one for one in found if not one.is_link_local and str(one) not in known]
    if name not in HOST:
        return {str(one): name for one in new}
    versions = {ip_address(one).version for one, node in known.items() if node == name}
    oldest = {one.version: str(one) for one in new if one.version not in versions}
    return dict.fromkeys(oldest.values(), name)
