"""What a comparison of two captures covered: flows compared, packets left out and why.

So that no verdict is called the same where nothing was compared.
"""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.diff.fragments import Fragments
from pytest_netlab.diff.unrelated import without_unrelated
from pytest_netlab.wire import Status, icmpv6
from pytest_netlab.wire.address import FIRST_GROUP, GROUP6, MAPPED
from pytest_netlab.wire.assigned import ICMP6

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.trace import CanonicalFlow, CanonicalTrace

    Mask = npt.NDArray[np.bool_]
    Flows = list[CanonicalFlow]


def compared(golden: CanonicalTrace, observed: CanonicalTrace) -> tuple[Flows, Flows]:
    """Return the flows of both traces of which packets were compared."""
    seen = without_unrelated(golden, observed)
    both = [Counter(f.fact.name for f in one.flows) for one in (golden, seen)]
    kept: list[Flows] = []
    for trace in (golden, seen):
        left = both[0] & both[1]
        flows: Flows = []
        for flow in trace.flows:
            if left[flow.fact.name] > 0:
                left[flow.fact.name] -= 1
                flows.append(flow)
        kept.append(sorted(flows, key=lambda flow: flow.fact.name))
    pairs = [
        (one, other)
        for one, other in zip_longest(*kept)
        if one.compared or other.compared
    ]
    return [one for one, _ in pairs], [other for _, other in pairs]


def left_out(
    capture: Capture, flows: Collection[CanonicalFlow], points: Collection[str]
) -> dict[str, int]:
    """Return why packets were not compared -> how many; each has one reason.

    `points` are the interfaces that were compared.
    """
    open_ = np.ones(len(capture), dtype=bool)
    rows = [row for flow in flows for row in flow.rows]
    fragments = Fragments(capture)
    open_[rows] = False
    open_[[later for row in rows for _, later in fragments.behind(row)]] = False
    found = {}
    for reason, mask in _reasons(capture, points):
        if count := int(np.count_nonzero(open_ & mask)):
            found[reason] = count
        open_ &= ~mask
    return found


def _reasons(capture: Capture, points: Collection[str]) -> Iterator[tuple[str, Mask]]:
    """Yield reasons with the packets that they hold for, the strongest first."""
    names = [one.name for one in capture.interfaces]
    here = [n for n, name in enumerate(names) if name in points]
    yield "of other interfaces", ~np.isin(capture.point, here)
    yield "undecoded", (capture.status & int(Status.UNDECODED)) != 0
    yield "ARP", capture.arp_op != 0
    yield "not IP", capture.ip_version == 0
    headless = capture.l4_offset == 0
    yield "later fragments without the first", headless & (capture.frag_offset != 0)
    yield "without a whole header", headless
    yield "multicast or broadcast", _to_groups(capture)
    kinds = np.array([icmpv6.is_of_link(kind) for kind in range(256)], dtype=bool)
    yield "neighbour discovery", (capture.proto == ICMP6) & kinds[capture.icmp_type]
    yield "of conversations without a node, or of none", np.ones(len(capture), bool)


def _to_groups(capture: Capture) -> Mask:
    """Return which packets are for a group (RFC 1112, RFC 4291), as in a flow's key."""
    size = len(MAPPED)
    v4 = (capture.dst[:, :size] == np.frombuffer(MAPPED, np.uint8)).all(axis=1)
    groups = capture.dst[:, size] >= FIRST_GROUP, capture.dst[:, 0] == GROUP6
    return np.where(v4, *groups)


def rendered(golden: dict[str, int], observed: dict[str, int]) -> str:
    """Return as text what was not compared; empty if there is nothing."""
    texts = []
    for whose, counts in (("golden", golden), ("observed capture", observed)):
        if counts:
            listed = ", ".join(f"{count} {why}" for why, count in counts.items())
            texts.append(f"packets of the {whose}: {listed}")
    return "; ".join(texts)
