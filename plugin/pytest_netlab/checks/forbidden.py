"""What no scenario may show, whatever its golden has, unless it waives it by name.

Names and their meaning only. `leaks` finds the two that are about addresses; checks of
a conversation and the comparison of traces find the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONTAINER, LOOPBACK = "container-address-on-uplink", "loopback-on-uplink"
REFUSAL, UNPAIRED = "unexplained-refusal", "unpaired-forwarded"
MADE, REORDERED = "made-by-host", "reordered-by-host"
CHECKSUM, EMPTY = "bad-checksum", "empty-capture"

FORBIDDEN: Mapping[str, str] = {
    CONTAINER: "an address of the containers' network left the host on the uplink",
    LOOPBACK: "a loopback address left the host on the uplink (RFC 1122, 3.2.1.3)",
    REFUSAL: "the host refused something, and the golden has no such refusal",
    UNPAIRED: "the host forwards this conversation, and not this packet of it",
    MADE: "the host sent a packet of a conversation that it only forwards",
    REORDERED: "the host sent segments of a connection in another order than they came",
    CHECKSUM: "a checksum does not fit its packet: who receives it throws it away",
    EMPTY: "no packet of a lab's node was captured: nothing was judged",
}
# A violation's field -> the name by which it is forbidden, if that differs.
FORBIDDEN_BY = {"ip_checksum": CHECKSUM, "l4_checksum": CHECKSUM}


def forbids(field: str) -> bool:
    """Return whether a difference in this field is that something is forbidden."""
    return FORBIDDEN_BY.get(field, field) in FORBIDDEN


def unrecordable(fields: Iterable[str]) -> str:
    """Return that no golden can have these violations, and what to do."""
    names = sorted({FORBIDDEN_BY.get(name, name) for name in fields})
    listed = ", ".join(f'"{name}"' for name in names)
    return (
        f"every run would reject it for {', '.join(names)}: mend the host or the "
        f"scenario, or waive it by name: @pytest.mark.netlab(waive=[{listed}])"
    )
