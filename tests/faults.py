"""A document with one thing in it changed to another type, for each thing in it."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    Steps = tuple[str | int, ...]

VALUES: tuple[Any, ...] = (None, True, 5, 1.5, "x", [], {})


def faults(
    table: Any, *, free: Collection[str], nullable: Collection[str], seed: int
) -> Iterator[tuple[str, Any]]:
    """Yield the path of each part of a document, and the document with it broken.

    Args:
        table: what a document holds.
        free: tables in it whose keys are the document's own.
        nullable: keys that may have no value.
        seed: of what is put in place.

    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    for steps, value in _parts(table, ()):
        fits = {type(value)} | ({type(None)} if steps[-1] in nullable else set())
        # No document has floats; what is null may be anything else that it has.
        others = [1.5] if value is None else [x for x in VALUES if type(x) not in fits]
        broken = copy.deepcopy(table)
        place = broken
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = draw.choice(others)
        yield _path(steps, free), broken


def _parts(node: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    inner: Any = ()
    if isinstance(node, dict):
        inner = node.items()
    elif isinstance(node, list):
        inner = enumerate(node)
    for step, value in inner:
        yield (*steps, step), value
        yield from _parts(value, (*steps, step))


def _path(steps: Steps, free: Collection[str]) -> str:
    """Return a path as an error has it."""
    told = "$"
    for before, step in zip(("", *steps), steps, strict=False):
        named = isinstance(step, str) and before not in free
        told += f".{step}" if named else f"[{step!r}]"
    return told
