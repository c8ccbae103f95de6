"""The checks of one conversation, at each capture point and across all of them.

To forbid something else in conversations, write a check and list it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.checks import embedded, forwarding, links, streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_netlab.checks.observed import Observed
    from pytest_netlab.checks.violation import Violation

AT_A_POINT: tuple[Callable[[Observed, Sequence[int]], Iterator[Violation]], ...] = (
    streams.connections,
    streams.echoes,
    streams.damage,
    embedded.unknown,
    links.trailing,
    links.others,
    links.neighbours,
)
ACROSS: tuple[Callable[[Observed], Iterator[Violation]], ...] = (
    forwarding.not_forwarded_intact,
    forwarding.reversed_direction,
    embedded.changed,
    forwarding.unpaired,
    forwarding.reordered,
    forwarding.bridged,
)


def check_conversation(seen: Observed) -> Iterator[Violation]:
    """Yield the violations that one point shows by itself, then those across points."""
    for rows in seen.points:
        for check in AT_A_POINT:
            yield from check(seen, rows)
    for across in ACROSS:
        yield from across(seen)
