"""Hosts that differ, as tests write them: by lines of rules, routes and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_netlab.host import HostChange, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_netlab.host import Fact


def changed(
    *,
    missing: Iterable[str] = (),
    extra: Iterable[str] = (),
    moved: Iterable[str] = (),
    **others: Any,
) -> HostChange:
    """Return how a host differs: lines that it lacks, has, or has elsewhere."""
    return HostChange(
        missing=lines(*missing), extra=lines(*extra), moved=lines(*moved), **others
    )


def lines(*texts: str) -> tuple[Fact, ...]:
    """Return what lines say."""
    return tuple(map(read, texts))
