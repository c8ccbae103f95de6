"""A violation: what a host did to packets that no host may do."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not happen to packets, and did.

    A check sets `field`, `want`, `got` and `rows`; the trace adds where it belongs.

    Attributes:
        field: the packet's field that is wrong, or the name of what is forbidden.
        want: what was expected, as text.
        got: what was seen, as text.
        rows: of the packets that show it, from 0: of one packet in the capture that was
            checked; of a pair, inside and outside, each in its own capture. They are
            not compared: two traces have their packets at different rows.
        point: name of the capture point of the first row; "" until the trace sets it.
        reply: that packet travelled to the initiator; False until the trace sets it.
        flow: name of its conversation; "" in a violation that a flow contains.

    """

    field: str
    want: str
    got: str
    rows: tuple[int, ...] = dataclasses.field(compare=False)
    point: str = ""
    reply: bool = False
    flow: str = ""

    @property
    def inside_row(self) -> int:
        """Return the row in the capture of the inside."""
        return self.rows[0]

    @property
    def outside_row(self) -> int:
        """Return the row in the capture of the outside."""
        return self.rows[-1]

    @property
    def packet(self) -> int:
        """Return the number of the first packet in its capture, from 1."""
        return self.rows[0] + 1

    def at(self, *rows: int) -> Violation:
        """Return the same violation at other rows: in the capture it was cut from."""
        return replace(self, rows=rows)
