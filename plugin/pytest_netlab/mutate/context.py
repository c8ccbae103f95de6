"""A golden's capture as mutations see it: what each packet is, and its rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_netlab.flows import (
    ECHO_REPLIES,
    ECHO_REQUESTS,
    PROTOCOL_NAMES,
    TCP,
    is_error,
    role_of,
    uniflow_of,
)
from pytest_netlab.wire import Direction, is_mac, mac_bytes, tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_netlab.capture import Capture, Frame
    from pytest_netlab.trace import CanonicalTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedPacket:
    """One packet in the canonical trace.

    Attributes:
        rows: of the capture: its observations at all points, in order of time.
        role: what it is: SYN, ack, echo request, ...
        proto: of IP, by name.
        flow: the index of its conversation in the trace, from 0.

    """

    rows: tuple[int, ...]
    role: str
    proto: str
    flow: int


class Context:
    """The mutation context: a capture, decoded once, and its canonical trace."""

    def __init__(self, capture: Capture, trace: CanonicalTrace) -> None:
        """Take the frames of a capture, and the canonical trace made of it."""
        self.capture = capture
        self.frames: list[Frame] = list(capture.frames())
        self.points = [interface.name for interface in capture.interfaces]
        self._trace = trace

    @cached_property
    def packets(self) -> tuple[TracedPacket, ...]:
        """Return the packets of the trace's conversations, in order of time."""
        found = [
            TracedPacket(
                rows=rows,
                role=self._role(rows[0]),
                proto=self._proto(rows[0]),
                flow=number,
            )
            for number, flow in enumerate(self._flows())
            for rows in flow
        ]
        return tuple(sorted(found, key=lambda packet: packet.rows))

    @cached_property
    def noise(self) -> tuple[int, ...]:
        """Return the rows that belong to no conversation of the trace."""
        packet = {row for packet in self.packets for row in packet.rows}
        return tuple(row for row in range(len(self.frames)) if row not in packet)

    def point(self, row: int) -> str:
        """Return the name of the point at which a row was seen."""
        return self.points[int(self.capture.point[row])]

    def other_point(self, row: int) -> int | None:
        """Return the index of the point at which a row was not seen."""
        other = [i for i in range(len(self.points)) if i != self.capture.point[row]]
        return other[0] if len(other) == 1 else None

    def is_reply(self, row: int, flow: Sequence[int]) -> bool:
        """Return whether a row travels against the flow's first packet at its point."""
        same = [other for other in flow if self.point(other) == self.point(row)]
        return uniflow_of(self.capture, row) != uniflow_of(self.capture, min(same))

    def of_flow(self, number: int) -> list[int]:
        """Return all rows of a conversation."""
        return [
            row
            for packet in self.packets
            if packet.flow == number
            for row in packet.rows
        ]

    @property
    def flows(self) -> int:
        """Return how many conversations the trace has."""
        return 1 + max((packet.flow for packet in self.packets), default=-1)

    def is_only_one(self, row: int) -> bool:
        """Return whether a packet is the only one of its conversation."""
        packet = next((one for one in self.packets if row in one.rows), None)
        return packet is not None and sorted(packet.rows) == sorted(
            self.of_flow(packet.flow)
        )

    def entered(self, packets: Iterable[int]) -> bool:
        """Return whether any of these packets entered the host."""
        seen = (int(self.capture.direction[number - 1]) for number in packets)
        return Direction.INBOUND in seen

    def left(self, packets: Iterable[int]) -> bool:
        """Return whether the host sent any of these packets."""
        seen = (int(self.capture.direction[number - 1]) for number in packets)
        return Direction.OUTBOUND in seen

    @cached_property
    def stations(self) -> tuple[int, ...]:
        """Return the Ethernet addresses that the capture has a name for."""
        known = [mac_bytes(text) for text in self.capture.names if is_mac(text)]
        return tuple(int.from_bytes(one, "big") for one in known)

    def is_embedded(self, row: int) -> bool:
        """Return whether an ICMP error of the same conversation embeds this packet."""
        ip_id = int(self.capture.ip_id[row])
        packet = next((one for one in self.packets if row in one.rows), None)
        rows = [] if packet is None else self.of_flow(packet.flow)
        errors = [r for r in rows if is_error(self.capture, r)]
        return any(int(self.capture.quoted_ip_id[r]) == ip_id for r in errors)

    def has_crossed(self, row: int, number: int) -> bool:
        """Return whether a number acknowledges what the peer had sent before a row."""
        ends = [end for other, end in self._ends(row, reply=True) if other < row]
        first, last = min(ends, default=0), max(ends, default=-1)
        return first <= number <= last

    def ends_at_fin(self, row: int) -> bool:
        """Return whether a segment's bytes are the last before its direction's FIN."""
        columns = self.capture
        end = int(columns.tcp_seq[row]) + int(columns.payload_len[row])
        return any(
            end + 1 == other_end and int(columns.tcp_flags[other]) & tcp.FIN
            for other, other_end in self._ends(row, reply=False)
        )

    def _ends(self, row: int, *, reply: bool) -> Iterator[tuple[int, int]]:
        """Yield a direction's segments at the same point, and the number after each."""
        columns = self.capture
        packet = next(packet for packet in self.packets if row in packet.rows)
        flow = self.of_flow(packet.flow)
        for other in flow:
            here = self.point(other) == self.point(row)
            same = self.is_reply(other, flow) == self.is_reply(row, flow)
            if here and same is not reply:
                flags = int(columns.tcp_flags[other])
                size = int(columns.payload_len[other]) + bool(flags & tcp.SYN)
                yield other, int(columns.tcp_seq[other]) + size + bool(flags & tcp.FIN)

    def _flows(self) -> Iterator[list[tuple[int, ...]]]:
        """Yield the packets of each flow of the trace, as their rows."""
        for flow in self._trace.flows:
            if flow.packets:
                yield [tuple(sorted(rows)) for rows in flow.traversals]

    def _proto(self, row: int) -> str:
        number = int(self.capture.proto[row])
        return PROTOCOL_NAMES.get(number, f"protocol {number}")

    def _role(self, row: int) -> str:
        if self.capture.proto[row] == TCP:
            return role_of(self.capture, row)
        if is_error(self.capture, row):
            return "icmp error"
        kind = int(self.capture.proto[row]), int(self.capture.icmp_type[row])
        if kind in ECHO_REQUESTS:
            return "echo request"
        return "echo reply" if kind in ECHO_REPLIES else "datagram"
