"""Addresses that must not leave the host on the uplink, in whatever packet."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.checks.forbidden import CONTAINER, LOOPBACK
from pytest_netlab.checks.violation import Violation
from pytest_netlab.wire import Direction, address_text, ipv4
from pytest_netlab.wire.address import MAPPED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from pytest_netlab.capture import Capture

    Network = IPv4Network | IPv6Network

_LOOPBACKS = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
_IPV4_AT = 8 * len(MAPPED)  # bits before a mapped address


def leaks(
    capture: Capture,
    inside: Collection[str],
    outside: Collection[str],
    nodes: Mapping[str, str],
) -> Iterator[Violation]:
    """Yield each forbidden address that the host sends on the uplink, once.

    Sources and destinations of IPv4, IPv6 and ARP are checked, and those of embedded
    packets. What others send on the uplink is not; if a packet's direction is unknown,
    only its source is. A container that is no node of the lab, and sends on docker0, is
    unrelated: leaks from it are out of scope.

    Args:
        capture: the addresses of its inside interfaces tell the containers' networks.
        inside: names of the points on the containers' side.
        outside: names of the points beyond the NAT.
        nodes: address -> name; a container's may have several.

    """
    names = [interface.name for interface in capture.interfaces]
    here = [number for number, name in enumerate(names) if name in outside]
    leaves = np.isin(capture.point, here) & (capture.direction != Direction.INBOUND)
    rows = np.flatnonzero(leaves)
    found: dict[tuple[str, str], int] = {}
    for field, networks in (
        (CONTAINER, _containers(_networks(capture, inside), nodes)),
        (LOOPBACK, _LOOPBACKS),
    ):
        for row, address in _within(capture, rows, networks):
            found.setdefault((field, address), row)
    others = _senders(capture, inside) - set(nodes) if found else set()
    for (field, address), row in found.items():
        if field == LOOPBACK or address not in others:
            yield Violation(field, "never", address, (row,))


def _networks(capture: Capture, inside: Collection[str]) -> list[Network]:
    """Return the networks of the inside interfaces, which are the containers'."""
    own = [
        ip_interface(address)
        for interface in capture.interfaces
        if interface.name in inside
        for address in interface.addresses
    ]
    return [one.network for one in own if not one.is_link_local]


def _containers(networks: list[Network], nodes: Mapping[str, str]) -> list[Network]:
    """Return these networks, and the other addresses of whom they have an address.

    An IPv6 address may have been added to a container of which its bridge knows none.
    """
    known = {text: ip_address(text) for text in nodes}
    inside = {
        nodes[text]
        for text, address in known.items()
        if any(address in network for network in networks)
    }
    others = (known[text] for text in nodes if nodes[text] in inside)
    return networks + [
        ip_network(one) for one in others if not any(one in net for net in networks)
    ]


def _within(
    capture: Capture, rows: NDArray[np.intp], networks: Collection[Network]
) -> Iterator[tuple[int, str]]:
    """Yield the rows with an address of these networks, and the address."""
    sent = capture.direction[rows] == Direction.OUTBOUND
    sources, *others = (
        column[rows]
        for column in (
            capture.src,
            capture.dst,
            capture.quoted_src,
            capture.quoted_dst,
        )
    )
    for network in networks:
        hits = [(sources, _in_network(sources, network))]
        hits += [(column, sent & _in_network(column, network)) for column in others]
        for column, hit in hits:
            for place in np.flatnonzero(hit).tolist():
                yield int(rows[place]), address_text(bytes(column[place]))


def _in_network(addresses: NDArray[np.uint8], network: Network) -> NDArray[np.bool_]:
    mapped = network.version == ipv4.VERSION
    length = network.prefixlen + (_IPV4_AT if mapped else 0)
    start = (MAPPED if mapped else b"") + network.network_address.packed
    mask = np.packbits(np.arange(8 * len(start)) < length)
    wanted = np.frombuffer(start, np.uint8) & mask
    return np.asarray(((addresses & mask) == wanted).all(axis=1))


def _senders(capture: Capture, inside: Collection[str]) -> set[str]:
    """Return the addresses that sent anything into the host at the inside."""
    names = [interface.name for interface in capture.interfaces]
    here = [number for number, name in enumerate(names) if name in inside]
    came = np.isin(capture.point, here) & (capture.direction == Direction.INBOUND)
    if not came.any():
        return set()
    return {address_text(bytes(one)) for one in np.unique(capture.src[came], axis=0)}
