"""Losses by flow and direction, by number of packet, and by range of octets."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pytest_netlab.report.translations import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_netlab.nat.translations import Loss

Lost = tuple[int, int]
NONE: Lost = (0, 0)
CROSSED = "a resend crossed"


def by_flow(losses: Sequence[Loss]) -> Mapping[int, Lost]:
    """Return flow number -> packets lost in the original and the reply direction.

    A packet of which only a part was lost counts as well. Numbers begin at 1.
    """
    found: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for loss in losses:
        found[loss.flow + 1][loss.reply] += len(loss.rows)
    return {flow: (there, back) for flow, (there, back) in found.items()}


def of_flow(lost: Lost) -> str:
    """Return how many packets were lost: by direction if some were lost in both."""
    if all(lost):
        return f"{lost[0]} original, {lost[1]} reply"
    return str(sum(lost))


def total(losses: Sequence[Loss]) -> str:
    """Return how many packets were lost, and of how many that is not certain."""
    certain, other = (
        sum(len(loss.rows) for loss in losses if (loss.status == "lost") is wanted)
        for wanted in (True, False)
    )
    counts = [f"{words.count(certain, 'packet')} lost"] if certain else []
    if other:
        thing = f"{other:,}" if certain else words.count(other, "packet")
        counts.append(f"{thing} lost or not captured")
    return ", ".join(counts) or "none lost"


def numbers(loss: Loss) -> list[int]:
    """Return the numbers of the packets, from 1, as Wireshark counts."""
    return [row + 1 for row in loss.rows]


def row(loss: Loss) -> tuple[str, ...]:
    """Return the cells of a table: flow, direction, seen, status, packets, octets."""
    packets = words.packets(numbers(loss))
    return (
        str(loss.flow + 1),
        words.direction(reply=loss.reply),
        loss.side,
        loss.status,
        f"part of {packets}" if loss.part else packets,
        words.octets(loss.octets),
        CROSSED if loss.resent else "",
    )


def entries(loss: Loss) -> Iterator[dict[str, Any]]:
    """Yield what JSON has of a loss: its packets, and apart the octets of them."""
    head = {
        "flow": loss.flow + 1,
        "direction": words.direction(reply=loss.reply),
        "side": loss.side,
        "status": loss.status,
    }
    if not loss.part:
        yield {**head, "packets": numbers(loss), "resent": loss.resent}
    if loss.octets:
        octets = {**head, "octets": list(map(list, loss.octets)), "resent": False}
        yield {**octets, "in_packets": numbers(loss)} if loss.part else octets


def comment(loss: Loss) -> str:
    """Return what is said of each packet of a loss in a capture for Wireshark."""
    octets = f"octets {words.octets(loss.octets)}" if loss.octets else ""
    if loss.part:
        return f"{loss.status}: {octets} of this packet"
    said = [CROSSED] if loss.resent else []
    said += [f"{octets} crossed in no transmission"] if octets else []
    return ": ".join([str(loss.status), *([", ".join(said)] if said else [])])
