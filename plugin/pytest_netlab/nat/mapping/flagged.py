"""Make violations of the bits by which the mapping table flags a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.checks import Violation, check_mapping, check_pair
from pytest_netlab.checks.pairs import checksum_mismatch, ttl_mismatch
from pytest_netlab.nat.mapping import packet_changes
from pytest_netlab.nat.mapping import table as mapping_table
from pytest_netlab.nat.pairing import observations
from pytest_netlab.nat.translations import Renewal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.checks import Observation
    from pytest_netlab.checks.pairs import Mismatch
    from pytest_netlab.flows import FlowTable
    from pytest_netlab.nat.mapping.steps import Deviation
    from pytest_netlab.nat.translations import Side


def of_mapping(
    bits: int,
    uniflows: Sequence[int],
    tables: tuple[FlowTable, FlowTable],
    rows: tuple[int, int],
) -> Iterator[Violation]:
    """Yield where the mapping is not one function, not one-to-one, or not reversed.

    Args:
        bits: what `MappingTable.enter` found wrong.
        uniflows: near and far one of the pair, then the far and near one expected.
        tables: the conversations inside and outside.
        rows: of the pair, inside and outside.

    """
    near, far = tables
    changed = shared = None
    if bits & mapping_table.CHANGED:
        changed = far.key(uniflows[2]), far.key(uniflows[1])
    if bits & mapping_table.SHARED:
        shared = near.key(uniflows[3]), near.key(uniflows[0])
    for mismatch in check_mapping(
        changed, shared, reply=bool(bits & mapping_table.UNDO)
    ):
        yield Violation(*mismatch, rows)


def of_renewal(bits: int, idle: int) -> Renewal | None:
    """Return which mapping a pair replaced rightly, after that long; None if none.

    Of a pair that took over both of its keys: that of the key inside.
    """
    if not bits & (mapping_table.RENEWED | mapping_table.TAKEN_OVER):
        return None
    shared: Side = "inside" if bits & mapping_table.RENEWED else "outside"
    return Renewal(shared, idle, bool(bits & mapping_table.CLOSED))


def of_deviation(one: Deviation) -> Violation:
    """Return that a ttl was not lowered by as much as between these points."""
    return Violation(*ttl_mismatch(*one.ttl, one.want), (one.inside, one.outside))


@dataclass(frozen=True, slots=True)
class Facts:
    """What `observations` keeps of a packet: its facts, and its TCP options' hash."""

    value: int
    options: int

    def of(self, name: str) -> int:
        """Return a column's value."""
        shift, mask = _FACTS[name]
        return self.value >> shift & mask


# The bits that are about packets, not about mappings.
_OF_MAPPING = mapping_table.CHANGED | mapping_table.SHARED | mapping_table.UNDO
_OF_RENEWAL = mapping_table.RENEWED | mapping_table.TAKEN_OVER | mapping_table.CLOSED
OF_PACKET = ~(_OF_MAPPING | _OF_RENEWAL)

_FACTS = {
    "tos": (observations.TOS, 255),
    "ip_flags": (observations.FLAGS, 7),
    "ip_checksum": (observations.IP_CHECKSUM, 7),
    "l4_checksum": (observations.L4_CHECKSUM, 7),
    "tcp_urgent": (observations.URGENT, 65535),
}
_BITS = (
    (packet_changes.TOS, "tos"),
    (packet_changes.FLAGS, "ip_flags"),
    (packet_changes.URGENT, "tcp_urgent"),
)
_SUMS = (
    (packet_changes.IP_CHECKSUM, "ip_checksum"),
    (packet_changes.L4_CHECKSUM, "l4_checksum"),
)
_FIELDS = {
    **dict.fromkeys(
        ("ip_options", "flow_label", "tcp_options"), packet_changes.OPTIONS
    ),
    "quotes": packet_changes.EMBEDDED,
    **{name: bit for bit, name in (*_BITS, *_SUMS)},
}


def of_packets(bits: int, near: Observation, far: Observation) -> Iterator[Violation]:
    """Yield the same as `of_facts`, described from the packets themselves."""
    for violation in check_pair(near, far):
        if _FIELDS.get(violation.field, 0) & bits:
            yield violation


def of_facts(
    bits: int, near: Facts, far: Facts, rows: tuple[int, int]
) -> Iterator[Violation]:
    """Yield what a router changed of a packet that it may not change.

    Options are described by their hashes and embedded packets not at all: the bytes
    may be gone.
    """
    for mismatch in _mismatches(bits, near, far):
        yield Violation(*mismatch, rows)


def _mismatches(bits: int, near: Facts, far: Facts) -> Iterator[Mismatch]:
    for bit, name in _BITS:
        if bits & bit:
            yield name, str(near.of(name)), str(far.of(name))
    if bits & packet_changes.OPTIONS:
        yield "options", _hash(near.options), _hash(far.options)
    for bit, name in _SUMS:
        if bits & bit:
            yield checksum_mismatch(name, near.of(name), far.of(name))
    if bits & packet_changes.EMBEDDED:
        yield "quotes", "what its receiver sent", "another packet"


def _hash(options: int) -> str:
    return f"hash {options:016x}" if options else "none"
