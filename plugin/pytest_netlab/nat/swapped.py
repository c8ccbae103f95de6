"""Whether two captures were taken for the wrong sides of a NAT.

Knows which end of a flow is rewritten on which side, and which addresses are private;
refuses to know files.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Literal

from pytest_netlab.flows import WITH_PORTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat.translations import Flow

Evidence = Literal["none", "possible", "certain"]
# RFC 1918, 6598, 3927, 4193, 4291; `is_private` has networks of documentation as well.
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    )
)
_WELL_KNOWN = 1024  # ports below it are services' (RFC 6335)


def evidence(flows: Iterable[Flow]) -> Evidence:
    """Return whether inside and outside were exchanged.

    A NAT rewrites the source of what comes from inside, and the destination of what
    comes from outside. `certain`: a flow is the other way round by its source, and none
    is as it should be. `possible`: only destinations are, of flows from inside; a
    service's address (Kubernetes) and a redirect are translated like that, too.
    """
    found: Evidence = "none"
    for flow in flows:
        if (flow.kind, flow.initiated) in (("snat", "inside"), ("dnat", "outside")):
            return "none"
        if flow.kind == "snat" and _hides_a_client(flow):
            found = "certain"
        elif flow.kind == "dnat" and found == "none":
            found = "possible"
    return found


def _hides_a_client(flow: Flow) -> bool:
    """Return whether a flow from outside has its source rewritten as from inside.

    Not where private addresses are inside as promised: then a gateway masquerades
    inbound. Not for what a service sent: that is a reply, its request was not captured.
    """
    hidden, shown = flow.outside, flow.inside
    if hidden is None or shown is None or _is_service(hidden):
        return False
    return _is_private(hidden.src) or not _is_private(shown.src)


def _is_service(key: Tuple5) -> bool:
    return key.proto in WITH_PORTS and key.sport < _WELL_KNOWN <= key.dport


def _is_private(address: str) -> bool:
    known = ip_address(address)
    return any(known in one for one in _PRIVATE)
