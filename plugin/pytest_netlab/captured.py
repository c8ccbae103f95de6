"""What one capture saw, as a scenario's author reads it. Knows no lab and no golden."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_netlab.errors import LabError
from pytest_netlab.spec import DOCKER0, UPLINK
from pytest_netlab.trace import canonicalize, protocol_name, what_text
from pytest_netlab.trace.points import rows_of, two_points

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Translations
    from pytest_netlab.trace import CanonicalFlow, CanonicalTrace, End, FlowFact


class Trace:
    """What one capture saw. Filled when the `with` block ends.

    Attributes:
        judged: whether it passed a check, or the test has read what it holds.

    """

    def __init__(self, capture: Capture | None = None) -> None:
        """Wrap a capture; None while it is still running."""
        self._capture = capture
        self.judged = False

    @property
    def capture(self) -> Capture:
        """Return the packets of every point as columns."""
        if self._capture is None:
            raise LabError("the trace is still being captured: leave the with block")
        self.judged = True
        return self._capture

    @property
    def canonical(self) -> CanonicalTrace:
        """Return the canonical form."""
        self.judged = True
        return self._canonical

    @cached_property
    def _canonical(self) -> CanonicalTrace:
        return canonicalize(self.capture)

    @property
    def translations(self) -> Translations:
        """Return what the host did to each flow."""
        return self.canonical.learned

    @property
    def table(self) -> list[tuple[str, str, str, str, int]]:
        """Return (point, source, destination, what, ttl) of every compared packet.

        Ignored packets and flows of containers that are not lab nodes are left out.
        """
        return [
            (
                one.point,
                str(one.src),
                str(one.dst),
                what_text(one.what),
                one.fields.ttl or 0,
            )
            for flow in self._of_nodes
            for one in flow.compared
        ]

    def rewrites(self, proto: str) -> list[tuple[str, str, str]]:
        """Return (kind, from, to) of each rewritten flow, in symbols.

        For dnat, the destination before and after; for any other kind, the source (of
        a proxied flow, the client's address and the proxy's).
        """
        found = [flow.fact for flow in self._of_nodes]
        facts = [fact for fact in found if protocol_name(fact.proto) == proto]
        return [
            (fact.kind, f"{before}", f"{after or ''}")
            for fact in facts
            if fact.kind != "none"
            for before, after in [_rewritten(fact)]
        ]

    @property
    def lost(self) -> list[tuple[str, str, str, list[int]]]:
        """Return (point, flow, status, packets) of what one point only saw.

        The flow is the original tuple; the status is one of `nat.translations.Status`,
        so what was not captured is here too. Packets are numbers in the capture, from
        1. Flows of the host itself lose nothing.
        """
        learned = self.translations
        inside, outside = two_points(DOCKER0.name, UPLINK.name)
        found = []
        for loss in learned.account.losses:
            point = inside if loss.side == "inside" else outside
            numbers = rows_of(self.capture, [point])[list(loss.rows)] + 1
            key = learned.flows[loss.flow].original
            found.append((point.name, f"{key}", f"{loss.status}", numbers.tolist()))
        return found

    @property
    def _of_nodes(self) -> list[CanonicalFlow]:
        return [flow for flow in self.canonical.flows if not flow.unrelated]


def _rewritten(fact: FlowFact) -> tuple[End, End | None]:
    """Return the rewritten end before and after; None where nothing was sent on."""
    if fact.kind == "dnat":
        return fact.responder, fact.target
    return fact.initiator, fact.sender
