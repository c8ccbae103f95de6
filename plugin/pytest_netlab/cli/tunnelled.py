"""Whether captures have tunnels that may hide the packets to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows import UDP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Translations

# IANA's numbers of protocols, and UDP ports.
_PROTOCOLS = {4: "IP in IP", 41: "IP in IP", 47: "GRE"}
_PORTS = {4789: "VXLAN", 8472: "VXLAN", 6081: "GENEVE"}


def tunnels(found: Translations) -> list[str]:
    """Return which tunnels are among what one side alone saw, and can be opened."""
    keys = (
        flow.inside or flow.outside
        for flow in found.flows
        if not (flow.inside and flow.outside)
    )
    return sorted(set(_kinds(keys)))


def _kinds(keys: Iterable[Tuple5 | None]) -> Iterable[str]:
    for key in keys:
        if key is None:
            continue
        if key.proto in _PROTOCOLS:
            yield _PROTOCOLS[key.proto]
        elif key.proto == UDP:
            yield from (_PORTS[port] for port in key[2::2] if port in _PORTS)


def crossed(found: Translations) -> int:
    """Return how many pairs of packets there are."""
    return sum(
        flow.packets or len(flow.pairs)
        for flow in found.flows
        if flow.inside and flow.outside
    )
