"""Every pair of packets, one a line: as text, CSV and JSON, and as an Arrow table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_netlab.report.translations import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.nat.paired_packets import PairedPackets

FIELDS = (
    "flow",
    "direction",
    "inside_packet",
    "outside_packet",
    "delay_ns",
    "ambiguous",
)
_HEAD = (
    f"{'flow':>7}  {'direction':9}  {'inside':>9}  {'outside':>9}  {'delay (s)':>14}"
)
_PIECE = 1 << 16  # pairs that are text at one time
_DIRECTIONS = tuple(words.direction(reply=reply) for reply in (False, True))

Pair = tuple[int, bool, int, int, int | None, bool]


def to_lines(pairs: PairedPackets) -> Iterator[str]:
    """Yield a line a pair below a head; packets are numbered from 1, delays in s."""
    yield _HEAD
    for flow, reply, inside, outside, delay, ambiguous in _rows(pairs):
        took = "" if delay is None else f"{delay / words.S:.9f}"
        line = f"{flow:7}  {_DIRECTIONS[reply]:9}  {inside:9}  {outside:9}  {took:>14}"
        yield f"{line}  ambiguous" if ambiguous else line.rstrip()


def to_csv(pairs: PairedPackets) -> Iterator[str]:
    """Yield lines of CSV: a line a pair; the delay is empty where no clock is known."""
    yield f"{','.join(FIELDS)}\n"
    for flow, reply, inside, outside, delay, ambiguous in _rows(pairs):
        took = "" if delay is None else delay
        doubt = "true" if ambiguous else "false"
        yield f"{flow},{_DIRECTIONS[reply]},{inside},{outside},{took},{doubt}\n"


def to_json(pairs: PairedPackets) -> Iterator[str]:
    """Yield pieces of one JSON object with a list of pairs, one a line."""
    before = '{"pairs": [\n'
    for flow, reply, inside, outside, delay, ambiguous in _rows(pairs):
        took = "null" if delay is None else delay
        yield (
            f'{before}{{"flow": {flow}, "direction": "{_DIRECTIONS[reply]}", '
            f'"inside_packet": {inside}, "outside_packet": {outside}, '
            f'"delay_ns": {took}, "ambiguous": {"true" if ambiguous else "false"}}}'
        )
        before = ",\n"
    yield '{"pairs": []}\n' if before.startswith("{") else "\n]}\n"


def to_arrow(pairs: PairedPackets) -> Any:
    """Return the pairs as a pyarrow.Table with the columns of `FIELDS`.

    Raises:
        ImportError: pyarrow is missing.

    """
    arrow = import_module("pyarrow")
    directions = arrow.DictionaryArray.from_arrays(
        pairs.reply.astype(np.int8), list(_DIRECTIONS)
    )
    delay = pairs.delay
    if delay is None:
        delay = arrow.nulls(len(pairs.flow), arrow.int64())
    columns = (pairs.flow + 1, directions, pairs.inside + 1, pairs.outside + 1, delay)
    arrays = [arrow.array(column) for column in (*columns, pairs.ambiguous)]
    return arrow.Table.from_arrays(arrays, names=list(FIELDS))


def _rows(pairs: PairedPackets) -> Iterator[Pair]:
    """Yield the pairs with numbers from 1, a piece of the columns at a time."""
    for at in range(0, len(pairs.flow), _PIECE):
        piece = slice(at, at + _PIECE)
        flows, replies = (pairs.flow[piece] + 1).tolist(), pairs.reply[piece].tolist()
        inside = (pairs.inside[piece] + 1).tolist()
        outside = (pairs.outside[piece] + 1).tolist()
        delays = [None] * len(flows)
        if pairs.delay is not None:
            delays = pairs.delay[piece].tolist()
        doubtful = pairs.ambiguous[piece].tolist()
        yield from zip(flows, replies, inside, outside, delays, doubtful, strict=True)
