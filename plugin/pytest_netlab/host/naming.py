"""Names in place of a host's addresses, so that rules compare on any address plan."""

from __future__ import annotations

import re
from ipaddress import IPv6Interface
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# What begins the name of a container that is no node of the lab.
CONTAINER = "container/"
_ADDRESS = re.compile(r"\b(\d+\.\d+\.\d+\.\d+)(?:/(\d+))?")
_IN_BRACKETS = re.compile(r"\[([0-9a-fA-F:]+)\]")
_TWO_COLONS = 2


def container(port: int | None) -> str:
    """Return what a container that is no node is called: by the port it publishes.

    Its own name and address may differ in every run.
    """
    return f"{CONTAINER}{port or 'none'}"


def is_node(name: str | None) -> bool:
    """Return whether a name is of a node: not of another container, nor None."""
    return name is not None and not name.startswith(CONTAINER)


def named(rule: str, symbols: Mapping[str, str]) -> str:
    """Return a line with names for its addresses, and `net` for a network.

    Args:
        rule: a line, as its tool prints it.
        symbols: address -> name.

    """

    def name(found: re.Match[str]) -> str:
        address, length = found.groups()
        if length not in (None, "32"):
            return found.group() if address.startswith("127.") else "net"
        return symbols.get(address, address)

    tokens = _ADDRESS.sub(name, rule).split(" ")
    return " ".join(_named6(word, symbols) for word in tokens)


def _named6(word: str, symbols: Mapping[str, str]) -> str:
    """Return a word with names for IPv6 addresses; any other word as it is."""
    if word.count(":") < _TWO_COLONS:
        return word
    bare = _IN_BRACKETS.search(word)
    try:
        found = IPv6Interface(bare[1] if bare else word)
    except ValueError:
        return word
    if found.network.prefixlen < found.max_prefixlen:
        return "net"
    known = symbols.get(str(found.ip), str(found.ip))
    return word.replace(bare[0], known) if bare else known
