"""Every packet that crossed the host: its rows on both sides, direction and delay.

Knows captures in memory and what was learned of them; refuses to know how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.flows import FlowTable

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat.translations import Flow, Translations

    Numbers = npt.NDArray[np.int64]
    Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedPackets:
    """Pairs as columns, ascending by their inside row, then by their outside row.

    Several packets of one side have the same counterpart where segments were joined or
    cut (GRO, TSO).

    Attributes:
        flow: index into `Translations.flows`.
        reply: the packet travelled to the initiator.
        inside: row of the inside capture.
        outside: row of the outside capture.
        delay: ns from the point that it passed first to the other; None where no
            clock could be estimated.
        ambiguous: packets of this flow may have been paired with those of another.

    """

    flow: Numbers
    reply: Truths
    inside: Numbers
    outside: Numbers
    delay: Numbers | None
    ambiguous: Truths


def paired_packets(
    found: Translations, inside: Capture, outside: Capture
) -> PairedPackets:
    """Return the pairs of translations learned from these two captures."""
    flows = found.flows
    counts = [len(flow.pairs) for flow in flows]
    pairs = [pair for flow in flows for pair in flow.pairs]
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    flow = np.repeat(np.arange(len(flows)), counts)
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    flow, near, far = flow[order], rows[order, 0], rows[order, 1]
    reply = _replies(flows, inside, flow, near)
    from_inside = np.array([one.initiated == "inside" for one in flows], dtype=np.bool_)
    delay = None
    if found.account.clock is not None:
        times = inside.ts[near], outside.ts[far]
        delay = found.account.clock.took(*times, from_inside[flow] != reply)
    doubtful = np.array([one.ambiguous > 0 for one in flows], dtype=np.bool_)
    return PairedPackets(
        flow=flow,
        reply=reply,
        inside=near,
        outside=far,
        delay=delay,
        ambiguous=doubtful[flow],
    )


def _replies(
    flows: tuple[Flow, ...], inside: Capture, flow: Numbers, near: Numbers
) -> Truths:
    """Return whether each packet travelled to the initiator of its flow.

    The inside's conversations are numbered once more: `learn` keeps no direction. Which
    of the two ends of a conversation is the initiator, the flow decides.
    """
    table = FlowTable()
    added = [table.add(block.columns, block.rows) for block in inside.blocks()]
    uniflows = np.concatenate([np.empty(0, dtype=np.int32), *added])[near]
    turned = np.zeros(len(flows), dtype=np.int32)
    numbers, firsts = np.unique(flow, return_index=True)
    for number, first in zip(numbers.tolist(), firsts.tolist(), strict=True):
        original = table.key(int(uniflows[first]) & ~1)
        turned[number] = original != flows[number].inside
    found: Truths = (uniflows & 1) != turned[flow]
    return found
