"""Learn from two capture points what a NAT between them did to each flow.

Refuses to know what it should have done: addresses have no meaning here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.flows import Conversation, Tuple5, conversations, key_of, way_of
from pytest_netlab.nat.altered import pair_altered
from pytest_netlab.nat.pairing import pair
from pytest_netlab.nat.proxy import join_proxied
from pytest_netlab.nat.translations import Fate, Flow, Side, Translations, kind_of
from pytest_netlab.nat.violations import Sighting, check_mapping, check_pair
from pytest_netlab.wire import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Capture

Pair = tuple[int, int]


def learn(inside: Capture, outside: Capture) -> Translations:
    """Pair the packets of two capture points and return each flow's rewrite.

    Packets are paired by what NAT may not change, never by clock, so the captures may
    come from clocks that differ.

    Args:
        inside: the side with the private addresses (docker0).
        outside: the side beyond the NAT (the uplink).

    """
    pairs = pair(inside, outside)
    pairs = sorted([*pairs, *pair_altered(inside, outside, pairs)])
    near, far = conversations(inside), conversations(outside)
    groups = _group(pairs, near, far)
    rows_in, rows_out = (_rows(groups, found, i) for i, found in enumerate((near, far)))
    flows = [
        replace(
            _forwarded(inside, outside, near[group[0]], far[group[1]], tuple(found)),
            inside_rows=tuple(rows_in[group]),
            outside_rows=tuple(rows_out[group]),
        )
        for group, found in groups.items()
    ]
    alone = _alone_inside(inside, near, {i for i, _ in groups})
    alone += _alone_outside(outside, far, {k for _, k in groups}, _behind(inside))
    flows += join_proxied(inside, outside, alone)
    violations = [*check_mapping(inside, outside, pairs)]
    for row_in, row_out in pairs:
        violations += check_pair(Sighting(inside, row_in), Sighting(outside, row_out))
    return Translations(tuple(flows), tuple(violations))


def _group(
    pairs: Sequence[Pair], near: Sequence[Conversation], far: Sequence[Conversation]
) -> dict[Pair, list[Pair]]:
    """Return (index into near, index into far) -> the pairs that join the two."""
    inside, outside = _index(near), _index(far)
    groups: dict[Pair, list[Pair]] = defaultdict(list)
    for row_in, row_out in pairs:
        groups[inside[row_in], outside[row_out]].append((row_in, row_out))
    return groups


def _index(found: Sequence[Conversation]) -> dict[int, int]:
    """Return row -> index of the conversation it belongs to."""
    return {
        row: index
        for index, conversation in enumerate(found)
        for row in (*conversation.rows, *conversation.errors)
    }


def _rows(
    groups: dict[Pair, list[Pair]], found: Sequence[Conversation], side: int
) -> dict[Pair, list[int]]:
    """Return each group's rows on one side, every row in one group only.

    Where a conversation was split, because its mapping changed on the way, rows without
    a twin go to its first part.
    """
    owner = {pair[side]: group for group, pairs in groups.items() for pair in pairs}
    first: dict[int, Pair] = {}
    for group in groups:
        first.setdefault(group[side], group)
    rows: dict[Pair, list[int]] = defaultdict(list)
    for index, group in first.items():
        for row in (*found[index].rows, *found[index].errors):
            rows[owner.get(row, group)].append(row)
    return rows


def _forwarded(
    inside: Capture,
    outside: Capture,
    near: Conversation,
    far: Conversation,
    pairs: tuple[Pair, ...],
) -> Flow:
    """Return the flow of two conversations that share packets.

    The outside key takes its orientation from a packet seen on both sides: either
    capture may have begun in the middle of the conversation.
    """
    forth = [p for p in pairs if way_of(inside, p[0]) == near.key]
    row_in, row_out = (forth or pairs)[0]
    beyond = way_of(outside, row_out) or far.key
    beyond = beyond if forth else beyond.reply
    initiated: Side = "inside"
    if _left_inside(inside, row_in, outside, row_out) != bool(forth):
        initiated = "outside"
    return Flow(
        kind=kind_of(near.key, beyond),
        fate="forwarded",
        initiated=initiated,
        inside=near.key,
        outside=beyond,
        answered=near.answered or far.answered,
        returned=near.answered if initiated == "inside" else far.answered,
        pairs=pairs,
    )


def _left_inside(inside: Capture, row_in: int, outside: Capture, row_out: int) -> bool:
    """Tell whether a packet travelled outwards: the tap knows, or the ttl tells.

    A router lowers the ttl; a rule that sets it must not turn the flow around.
    """
    if inside.direction[row_in] != Direction.UNKNOWN:
        return bool(inside.direction[row_in] == Direction.INBOUND)
    return int(inside.ttl[row_in]) > int(outside.ttl[row_out])


def _alone_inside(
    capture: Capture, found: Sequence[Conversation], paired: set[int]
) -> list[Flow]:
    """Return the inside's conversations that no packet links to the outside."""
    return [
        Flow(
            kind="none",
            fate="local" if conversation.answered else "dropped",
            initiated="outside" if _sent_by_host(capture, conversation) else "inside",
            inside=conversation.key,
            outside=None,
            answered=conversation.answered,
            inside_rows=conversation.rows + conversation.errors,
        )
        for index, conversation in enumerate(found)
        if index not in paired
    ]


def _alone_outside(
    capture: Capture,
    found: Sequence[Conversation],
    paired: set[int],
    behind: frozenset[str],
) -> list[Flow]:
    """Return the outside's conversations without a twin; from `behind` they leaked."""
    flows = []
    for index, conversation in enumerate(found):
        if index in paired:
            continue
        fate: Fate = "local" if conversation.answered else "dropped"
        flows.append(
            Flow(
                kind="none",
                fate="leaked" if conversation.key.src in behind else fate,
                initiated="inside"
                if _sent_by_host(capture, conversation)
                else "outside",
                inside=None,
                outside=conversation.key,
                answered=conversation.answered,
                outside_rows=conversation.rows + conversation.errors,
            )
        )
    return flows


def _sent_by_host(capture: Capture, conversation: Conversation) -> bool:
    """Tell whether the initiator's packets left the host at this point."""
    forth = [r for r in conversation.rows if key_of(capture, r) == conversation.key]
    return bool(forth) and int(capture.direction[forth[0]]) == Direction.OUTBOUND


def _behind(inside: Capture) -> frozenset[str]:
    """Return the addresses that send into the host on its inside."""
    return frozenset(_senders(inside))


def _senders(inside: Capture) -> Iterator[str]:
    for row in range(len(inside)):
        key: Tuple5 | None = key_of(inside, row)
        if key is not None and inside.direction[row] == Direction.INBOUND:
            yield key.src
