"""Which requests of a conversation without TCP were in vain, and whose fault that is.

A request that left on the uplink and was never answered there was lost by the network;
one that reached the host and did not leave it was lost by the host.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.diff.passage import entered
from pytest_netlab.diff.repeats import DUPLICATE
from pytest_netlab.flows import ECHO_REPLIES, ICMP, ICMP6, is_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.diff.passage import Passage
    from pytest_netlab.nat import Flow

UNANSWERED = "unanswered"
_CROSSED = 2  # sightings


def told(capture: Capture, flow: Flow, found: Sequence[Passage]) -> list[Passage]:
    """Return the passages exchange by exchange, with what to leave aside marked.

    A request was in vain only if a later one was answered: whoever asked tried again.
    """
    marked = _without_doubles(capture, found)
    if any(is_error(capture, passage.rows[0]) for passage in marked):
        return marked
    is_echo = flow.met.proto in (ICMP, ICMP6) and bool(flow.met.sport)
    if is_echo:
        marked = _by_exchange(capture, marked)
    if flow.sent is None or flow.initiated != "inside":
        return marked
    vain = _vain_echoes if is_echo else _vain_datagrams
    return _aside(marked, vain(capture, marked))


def _without_doubles(capture: Capture, found: Sequence[Passage]) -> list[Passage]:
    """Mark what reached the host twice and was sent on twice: the network doubled it.

    A doubled request is answered twice, each answer with an IP id of its own.
    """
    seen: dict[tuple[int, ...], int] = {}
    marked = []
    for passage in found:
        row = passage.rows[0]
        kind = int(capture.proto[row]), int(capture.icmp_type[row])
        ip_id = -1 if kind in ECHO_REPLIES else int(capture.ip_id[row])
        key = (ip_id, passage.reply, *_content(capture, passage))
        doubled = ip_id and seen.setdefault(key, 0) == len(passage.rows)
        seen[key] = max(seen.get(key, 0), len(passage.rows))
        if doubled and entered(capture, passage):
            marked.append(replace(passage, aside=DUPLICATE))
        else:
            marked.append(passage)
    return marked


def _content(capture: Capture, passage: Passage) -> tuple[int, ...]:
    row = passage.rows[0]
    names = ("icmp_type", "icmp_seq", "payload_len", "payload_hash")
    return tuple(int(getattr(capture, name)[row]) for name in names)


def _by_exchange(capture: Capture, found: Sequence[Passage]) -> list[Passage]:
    """Put each reply behind its request: how long it took is the network's matter."""
    order: dict[int, int] = {}
    for passage in found:
        order.setdefault(_seq(capture, passage), len(order))
    return sorted(found, key=lambda p: (order[_seq(capture, p)], p.reply))


def _seq(capture: Capture, passage: Passage) -> int:
    return int(capture.icmp_seq[passage.rows[0]])


def _vain_echoes(capture: Capture, found: Sequence[Passage]) -> set[int]:
    """Return the places of requests that left and came to nothing."""
    answered = {_seq(capture, p) for p in found if p.reply}
    asked = {n: _seq(capture, p) for n, p in enumerate(found) if not p.reply}
    last = max((n for n, seq in asked.items() if seq in answered), default=0)
    return {
        number
        for number, seq in asked.items()
        if seq not in answered and number < last and _crossed(found[number])
    }


def _vain_datagrams(capture: Capture, found: Sequence[Passage]) -> set[int]:
    """Return the places of datagrams that were sent again before any answer came."""
    vain: set[int] = set()
    waiting: dict[tuple[int, ...], int] = {}
    tried: set[int] = set()
    for number, passage in enumerate(found):
        if passage.reply:
            vain |= tried
            waiting, tried = {}, set()
        elif _crossed(passage) and not passage.aside:
            content = _content(capture, passage)
            if content in waiting:
                tried.add(waiting[content])
            waiting[content] = number
    return vain


def _crossed(passage: Passage) -> bool:
    return len(passage.rows) == _CROSSED


def _aside(found: Sequence[Passage], vain: set[int]) -> list[Passage]:
    """Mark attempts in vain, and tell those behind them how many there are."""
    marked = []
    for number, passage in enumerate(found):
        skipped = sum(place < number for place in vain)
        if number in vain:
            marked.append(replace(passage, aside=UNANSWERED))
        else:
            marked.append(replace(passage, skipped=skipped))
    return marked
