"""What `learn` returns. Values only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_netlab.flows import ICMP, ICMP6

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from pytest_netlab.checks import Violation
    from pytest_netlab.flows import Tuple5

Kind = Literal["none", "snat", "dnat", "hairpin", "proxied"]
Disposition = Literal["forwarded", "dropped", "local", "leaked", "proxied"]
Side = Literal["inside", "outside"]


class Flow(NamedTuple):
    """One conversation as the NAT saw it.

    A tuple, because a capture may have a million of them: a frozen dataclass takes four
    times as long.

    Attributes:
        kind: what was rewritten in the initiator's direction (RFC 2663 names).
        disposition: forwarded, or why no packet of it has a counterpart.
        initiated: the side that its first packet came from.
        inside: its key inside, oriented from the initiator; None if not seen there.
        outside: its key outside, likewise.
        answered: the responder sent something.
        returned: that was seen on the initiator's side; valid iff forwarded.
        pairs: (inside row, outside row) of each packet that crossed the host.
        inside_rows: rows of the inside capture given to `learn`; none of a stream.
        outside_rows: rows of the outside capture, likewise.
        packets: how many crossed the host.

    """

    kind: Kind
    disposition: Disposition
    initiated: Side
    inside: Tuple5 | None
    outside: Tuple5 | None
    answered: bool
    returned: bool = True
    pairs: tuple[tuple[int, int], ...] = ()
    inside_rows: tuple[int, ...] = ()
    outside_rows: tuple[int, ...] = ()
    packets: int = 0

    @property
    def original(self) -> Tuple5:
        """Return the key of the initiator's packets before translation."""
        near, far = self.inside, self.outside
        first = near or far if self.initiated == "inside" else far or near
        if first is None:
            raise ValueError("a flow was seen on no side")
        return first

    @property
    def translated(self) -> Tuple5 | None:
        """Return that key after translation; None if only one side saw the flow."""
        if self.inside is None or self.outside is None:
            return None
        return self.outside if self.initiated == "inside" else self.inside


class Translations:
    """What a NAT did to each flow, and what it did that no NAT may do.

    `pairs` is an (n, 2) array of (inside row, outside row) of one packet, None where
    the captures were read in chunks; then flows have no rows either.
    """

    def __init__(
        self,
        flows: tuple[Flow, ...] | Callable[[], tuple[Flow, ...]] = (),
        violations: tuple[Violation, ...] = (),
        pairs: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Keep what was learned; a callable makes the flows when they are asked for."""
        self._flows = flows
        self.violations = violations
        self.pairs = pairs

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Return the flows: forwarded ones by their first packet, then the rest."""
        if not isinstance(self._flows, tuple):
            self._flows = self._flows()
        return self._flows

    @property
    def unpaired(self) -> dict[Disposition, int]:
        """Return how many conversations have no counterpart, by disposition."""
        return Counter(
            flow.disposition for flow in self.flows if flow.disposition != "forwarded"
        )

    def __eq__(self, other: object) -> bool:
        """Compare flows, violations and the rows that show them."""
        if not isinstance(other, Translations):
            return NotImplemented
        rows = ([bad.rows for bad in one.violations] for one in (self, other))
        same = (self.flows, self.violations) == (other.flows, other.violations)
        return same and next(rows) == next(rows)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Show flows and violations."""
        return f"Translations({self.flows!r}, {self.violations!r})"


def kind_of(original: Tuple5, translated: Tuple5) -> Kind:
    """Name the rewrite between two keys of one direction, in either order.

    An ICMP id is one field, stored in both ports of a key: it counts as the source's.
    """
    source = (original.src, original.sport) != (translated.src, translated.sport)
    has_ports = original.proto not in (ICMP, ICMP6)
    target = original.dst != translated.dst or (
        has_ports and original.dport != translated.dport
    )
    if source and target:
        return "hairpin"
    if target:
        return "dnat"
    return "snat" if source else "none"
