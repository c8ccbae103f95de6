"""Which requests of a conversation without TCP were lost beyond the host.

A request that left on the uplink and was never answered there was lost by the network;
one that reached the host and did not leave it was lost by the host.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.flows import ECHO_REPLIES, ICMP, ICMP6, is_error
from pytest_netlab.trace.retransmissions import DUPLICATE
from pytest_netlab.trace.traversal import entered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Flow
    from pytest_netlab.trace.traversal import Traversal

UNANSWERED = "unanswered"


def marked(capture: Capture, flow: Flow, found: Sequence[Traversal]) -> list[Traversal]:
    """Return the packets exchange by exchange, with those marked that are ignored.

    An unanswered request is ignored only if a later one was answered.
    """
    known = _without_doubles(capture, found)
    if any(is_error(capture, traversal.rows[0]) for traversal in known):
        return known
    is_echo = flow.original.proto in (ICMP, ICMP6) and bool(flow.original.sport)
    if is_echo:
        known = _by_exchange(capture, known)
    if flow.translated is None or flow.initiated != "inside":
        return known
    unanswered = _unanswered_echoes if is_echo else _unanswered_datagrams
    return _ignored(known, unanswered(capture, known))


def _without_doubles(capture: Capture, found: Sequence[Traversal]) -> list[Traversal]:
    """Mark what reached the host twice and was sent on twice: a network's duplicate.

    A duplicated request is answered twice, each answer with an IP id of its own.
    """
    seen: dict[tuple[int, ...], int] = {}
    marked = []
    for traversal in found:
        row = traversal.rows[0]
        kind = int(capture.proto[row]), int(capture.icmp_type[row])
        ip_id = -1 if kind in ECHO_REPLIES else int(capture.ip_id[row])
        key = (ip_id, traversal.reply, *_content(capture, traversal))
        doubled = ip_id and seen.setdefault(key, 0) == len(traversal.rows)
        seen[key] = max(seen.get(key, 0), len(traversal.rows))
        if doubled and entered(capture, traversal):
            marked.append(replace(traversal, ignored=DUPLICATE))
        else:
            marked.append(traversal)
    return marked


def _content(capture: Capture, traversal: Traversal) -> tuple[int, ...]:
    row = traversal.rows[0]
    names = ("icmp_type", "icmp_seq", "payload_len", "payload_hash")
    return tuple(int(getattr(capture, name)[row]) for name in names)


def _by_exchange(capture: Capture, found: Sequence[Traversal]) -> list[Traversal]:
    """Put each reply behind its request: the network decides how long it takes."""
    order: dict[int, int] = {}
    for traversal in found:
        order.setdefault(_seq(capture, traversal), len(order))
    return sorted(found, key=lambda p: (order[_seq(capture, p)], p.reply))


def _seq(capture: Capture, traversal: Traversal) -> int:
    return int(capture.icmp_seq[traversal.rows[0]])


def _unanswered_echoes(capture: Capture, found: Sequence[Traversal]) -> set[int]:
    """Return the indices of unanswered requests that crossed before an answered one."""
    answered = {_seq(capture, p) for p in found if p.reply}
    asked = {n: _seq(capture, p) for n, p in enumerate(found) if not p.reply}
    last = max((n for n, seq in asked.items() if seq in answered), default=0)
    return {
        number
        for number, seq in asked.items()
        if seq not in answered and number < last and found[number].crossed
    }


def _unanswered_datagrams(capture: Capture, found: Sequence[Traversal]) -> set[int]:
    """Return the indices of datagrams that were sent again before any answer came."""
    unanswered: set[int] = set()
    waiting: dict[tuple[int, ...], int] = {}
    tried: set[int] = set()
    for number, traversal in enumerate(found):
        if traversal.reply:
            unanswered |= tried
            waiting, tried = {}, set()
        elif traversal.crossed and not traversal.ignored:
            content = _content(capture, traversal)
            if content in waiting:
                tried.add(waiting[content])
            waiting[content] = number
    return unanswered


def _ignored(found: Sequence[Traversal], unanswered: set[int]) -> list[Traversal]:
    """Mark unanswered requests; note in each later packet how many there are."""
    marked = []
    for number, traversal in enumerate(found):
        skipped = sum(place < number for place in unanswered)
        if number in unanswered:
            marked.append(replace(traversal, ignored=UNANSWERED))
        else:
            marked.append(replace(traversal, skipped=skipped))
    return marked
