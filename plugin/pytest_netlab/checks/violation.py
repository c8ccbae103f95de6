"""What a host did to packets that no host may do, as a value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not happen to packets, and did.

    A check knows rows alone; whoever tells conversations apart places what it found.

    Attributes:
        field: the packet's field that is wrong, or the name of what is forbidden.
        want: what had to be seen, in words.
        got: what was seen.
        rows: of the packets that show it: of one packet in the capture that was
            checked; of a pair, inside and outside, each in its own capture. Where a
            packet stands in a capture is none of a trace's: they are not compared.
        point: name of the capture point of the first row; "" until it is placed.
        reply: whether that packet travelled to the initiator; False until placed.
        flow: name of its conversation; "" where that goes without saying.

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
        """Return the same of other rows: those of the capture it was cut from."""
        return replace(self, rows=rows)
