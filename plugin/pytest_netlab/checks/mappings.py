"""What a NAT's mapping must be: one function, one-to-one, reversed for replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.checks.pairs import Mismatch
    from pytest_netlab.flows import Tuple5

# Two keys that had to be the same: the expected one and the one seen.
Keys = tuple["Tuple5", "Tuple5"]


def check_mapping(
    changed: Keys | None, shared: Keys | None, *, reply: bool
) -> Iterator[Mismatch]:
    """Yield where a mapping is not one function, not one-to-one, or not reversed.

    Args:
        changed: the outside key that a flow was mapped to before, and the one now; None
            for a mapping that did not change (RFC 4787, REQ-1).
        shared: the inside key that is mapped to this outside key already, and the one
            now; None for an outside key of its own.
        reply: the packet is a reply, which had to be reverse-translated.

    """
    if changed:
        want, got = changed
        yield "undone" if reply else "mapping", str(want), str(got)
    if shared:
        want, got = shared
        yield "undone" if reply else "one-to-one", str(want), str(got)
