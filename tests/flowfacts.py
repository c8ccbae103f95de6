"""Facts of flows for tests, their ends written as text has them: host01, web:80."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_netlab.flows import ICMP, TCP, UDP, Role
from pytest_netlab.trace import End, FlowFact, Refusal, What

if TYPE_CHECKING:
    from pytest_netlab.nat import Disposition
    from pytest_netlab.trace.values import Kind

_PROTOCOLS = {"tcp": (TCP, False), "udp": (UDP, False), "icmp echo": (ICMP, True)}


def end(text: str) -> End:
    """Return the end that is written so."""
    node, _, port = text.partition(":")
    return End(node, int(port) if port else None)


def fact(
    protocol: str,
    initiator: str,
    responder: str,
    *sent: str,
    kind: Kind = "none",
    disposition: Disposition = "local",
    **more: Any,
) -> FlowFact:
    """Return a flow; `sent` are its ends as it was sent on, if it was."""
    proto, echo = _PROTOCOLS[protocol]
    sender, target = map(end, sent) if sent else (None, None)
    return FlowFact(
        proto=proto,
        echo=echo,
        initiator=end(initiator),
        responder=end(responder),
        sender=sender,
        target=target,
        kind=kind,
        disposition=disposition,
        **more,
    )


def reset(by: str) -> Refusal:
    """Return a reset of a node's."""
    return Refusal(What(TCP, role=Role.RST), by)


def refusal(by: str, kind: int = 3, code: int = 10) -> Refusal:
    """Return a node's ICMP error, by default: this host is prohibited."""
    return Refusal(What(ICMP, icmp=(kind, code), error=True), by)
