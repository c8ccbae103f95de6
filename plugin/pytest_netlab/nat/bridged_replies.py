"""Join a conversation with its replies that a bridge translated back before its tap.

With br_netfilter, a bridge hands frames to netfilter before its own tap sees them: what
the host sends a container has the translated source, and the container's reply shows
the original one. The learner reads two conversations, of which the second is not the
first's reverse.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.nat.translations import Translations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat.translations import Account, Flow

_REVERSED = "undone"  # the violation of a reply that is not translated back


def join_replies(learned: Translations) -> Translations:
    """Return what was learned, with such replies in the flow that they answer."""
    of_flow: dict[int, Flow] = {}
    joined: dict[int, int] = {}
    flows = learned.flows
    for number, other in _alike(flows):
        if _answers(flows[other], flows[number]):
            of_flow[number] = _both(of_flow.get(number, flows[number]), flows[other])
            joined[other] = number
    if not joined:
        return learned
    rows = {row for number in joined for row in flows[number].inside_rows}
    kept = [number for number in range(len(flows)) if number not in joined]
    return Translations(
        tuple(of_flow.get(number, flows[number]) for number in kept),
        tuple(
            bad
            for bad in learned.violations
            if bad.field != _REVERSED or bad.inside_row not in rows
        ),
        learned.pairs,
        _renumbered(learned.account, kept, joined),
        hops=learned.hops,
    )


def _renumbered(
    account: Account, kept: Sequence[int], joined: Mapping[int, int]
) -> Account:
    """Return the account with the numbers that the flows have now."""
    numbers = {old: new for new, old in enumerate(kept)}
    losses = []
    for one in account.losses:
        is_reply = one.reply or one.flow in joined
        flow = numbers[joined.get(one.flow, one.flow)]
        losses.append(one._replace(flow=flow, reply=is_reply))
    return replace(account, losses=tuple(losses))


def _alike(flows: Sequence[Flow]) -> Iterator[tuple[int, int]]:
    """Yield pairs of forwarded flows between the same ends outside, in both orders."""
    known: dict[Tuple5, list[int]] = defaultdict(list)
    for number, flow in enumerate(flows):
        _, outside = _from_outside(flow)
        if outside is None or flow.inside is None:
            continue
        for other in known[outside]:
            yield from ((other, number), (number, other))
        known[outside].append(number)


def _from_outside(flow: Flow) -> tuple[Tuple5 | None, Tuple5 | None]:
    """Return a flow's keys inside and outside, oriented to the inside.

    Replies of datagrams alone look like requests from inside.
    """
    if flow.initiated == "outside" or flow.inside is None or flow.outside is None:
        return flow.inside, flow.outside
    return flow.inside.reply, flow.outside.reply


def _answers(replies: Flow, asked: Flow) -> bool:
    """Return whether a flow has nothing but the replies of another.

    Its target is the same, and its source is the original one.
    """
    mapped, original = asked.inside, asked.outside
    back, _ = _from_outside(replies)
    if mapped is None or back is None or original is None:
        return False
    same_target = (back.dst, back.dport) == (mapped.dst, mapped.dport)
    is_original = (back.src, back.sport) == (original.src, original.sport)
    was_translated = (mapped.src, mapped.sport) != (original.src, original.sport)
    asked_inwards = asked.initiated == "outside"
    return asked_inwards and same_target and is_original and was_translated


def _both(asked: Flow, replies: Flow) -> Flow:
    return asked._replace(
        answered=True,
        returned=True,
        pairs=tuple(sorted((*asked.pairs, *replies.pairs))),
        inside_rows=tuple(sorted((*asked.inside_rows, *replies.inside_rows))),
        outside_rows=tuple(sorted({*asked.outside_rows, *replies.outside_rows})),
        packets=asked.packets + replies.packets,
    )
