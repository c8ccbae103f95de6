"""Which programs write a host's rules, by the firewall that a user has chosen.

Knows names of programs and of Debian packages; starts none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NFT, LEGACY, NATIVE = "nft", "legacy", "native"
CHOICES = (NFT, LEGACY, NATIVE)
_PACKAGES = {"iptables": "iptables", "nft": "nftables"}
_FAMILIES = ("iptables", "ip6tables")
_TOOLS = ("", "-save", "-restore")


def program(name: str, chosen: str) -> str:
    """Return the program that an iptables tool is: `iptables-legacy-save`, say."""
    if chosen not in (NFT, LEGACY):
        return name
    family, dash, tool = name.partition("-")
    return f"{family}-{chosen}{dash}{tool}"


def writer(chosen: str) -> str:
    """Return the program that writes the rules."""
    return "nft" if chosen == NATIVE else program("iptables", chosen)


def programs(chosen: str, place: Callable[[str], str | None]) -> dict[str, str]:
    """Return the iptables tools that others stand in for: name -> path of the other.

    Args:
        chosen: the firewall; where it chooses no iptables, none stands in.
        place: returns a program's path.

    """
    if chosen not in (NFT, LEGACY):
        return {}
    names = [family + tool for family in _FAMILIES for tool in _TOOLS]
    return {name: place(program(name, chosen)) or "" for name in names}


def needed(chosen: str) -> dict[str, str]:
    """Return the programs that write the rules -> the Debian package of each."""
    if chosen == NATIVE:
        return {"nft": _PACKAGES["nft"]}
    names = ("iptables", "iptables-restore")
    return {program(name, chosen): _PACKAGES["iptables"] for name in names}
