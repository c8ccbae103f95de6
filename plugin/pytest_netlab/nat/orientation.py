"""Who began a flow that was captured from its middle, by what all flows show.

Knows keys of both points, and services that other flows were seen to call; refuses to
know packets. `FlowTable` has guessed by the ports of one point already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows.table import answers_by_port
from pytest_netlab.nat.translations import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat.translations import Flow

    Service = tuple[int, str, int]  # protocol, address, port


def against_evidence(flows: Sequence[Flow]) -> frozenset[int]:
    """Return the numbers of the flows whose guessed direction is the wrong one.

    An end is the responder's if others are seen to begin connections to it, or if it
    has the port of a service at either point: what is published as 80 may be 8080
    inside.
    """
    guessed = [number for number, flow in enumerate(flows) if flow.guessed]
    known = _services(flows) if guessed else frozenset()
    return frozenset(n for n in guessed if _is_reversed(flows[n], known))


def reverse(flow: Flow) -> Flow:
    """Return a flow as if its other end had begun it."""
    inside = flow.inside and flow.inside.reply
    outside = flow.outside and flow.outside.reply
    return flow._replace(
        kind=kind_of(inside, outside) if inside and outside else flow.kind,
        initiated="outside" if flow.initiated == "inside" else "inside",
        inside=inside,
        outside=outside,
        answered=True,
        returned=True,
    )


def _services(flows: Iterable[Flow]) -> frozenset[Service]:
    """Return the ends, at either point, that answered what was seen to begin."""
    return frozenset(
        (key.proto, key.dst, key.dport)
        for flow in flows
        if flow.answered and not flow.guessed
        for key in _keys(flow)
    )


def _is_reversed(flow: Flow, known: frozenset[Service]) -> bool:
    """Return whether the initiator of a flow is rather its responder."""
    if flow.inside is None or flow.outside is None:
        return False
    keys = tuple(_keys(flow))
    called = any((key.proto, key.dst, key.dport) in known for key in keys)
    calls = any((key.proto, key.src, key.sport) in known for key in keys)
    if called != calls:
        return calls
    ports = min(key.sport for key in keys), min(key.dport for key in keys)
    return bool(answers_by_port(*ports))


def _keys(flow: Flow) -> Iterator[Tuple5]:
    yield from (key for key in (flow.inside, flow.outside) if key is not None)
