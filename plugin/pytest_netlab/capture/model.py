"""A capture in memory: columns beside raw bytes. Knows no file format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from pytest_netlab.capture.packet import Packet
from pytest_netlab.wire import COLUMNS, UNTAGGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """Where packets were captured; counters are None where nobody counted."""

    name: str
    linktype: int = 1
    snaplen: int = 0
    received: int | None = None
    dropped: int | None = None
    comment: str = ""


class Frame(NamedTuple):
    """One packet as a tap or a file delivers it, before it is decoded.

    `status` holds Status flags only the tap can know; `vlan` is a tag the tap took off.
    """

    interface: int
    ts: int
    data: bytes
    wirelen: int
    direction: int = 0
    status: int = 0
    vlan: int = UNTAGGED
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a capture says beside its packets."""

    interfaces: tuple[Interface, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Octets:
    """Raw bytes of all packets: one blob, and where each packet starts in it."""

    blob: bytes
    starts: npt.NDArray[np.int64]
    comments: Mapping[int, str]

    def take(self, rows: npt.NDArray[np.intp]) -> Octets:
        """Return those rows, renumbered, over the same blob."""
        comments = self.comments and {
            row: self.comments[old]
            for row, old in enumerate(rows.tolist())
            if old in self.comments
        }
        return Octets(blob=self.blob, starts=self.starts[rows], comments=comments)


class Capture:
    """Packets as read-only numpy columns of equal length.

    What each column holds and when it is valid: `pytest_netlab.wire.COLUMNS`.
    """

    point: npt.NDArray[np.uint16]
    ts: npt.NDArray[np.int64]
    caplen: npt.NDArray[np.uint32]
    wirelen: npt.NDArray[np.uint32]
    direction: npt.NDArray[np.uint8]
    status: npt.NDArray[np.uint16]
    eth_src: npt.NDArray[np.uint64]
    eth_dst: npt.NDArray[np.uint64]
    ethertype: npt.NDArray[np.uint16]
    vlan: npt.NDArray[np.int16]
    arp_op: npt.NDArray[np.uint16]
    ip_version: npt.NDArray[np.uint8]
    src: npt.NDArray[np.uint8]
    dst: npt.NDArray[np.uint8]
    proto: npt.NDArray[np.uint8]
    ttl: npt.NDArray[np.uint8]
    tos: npt.NDArray[np.uint8]
    ip_id: npt.NDArray[np.uint32]
    ip_flags: npt.NDArray[np.uint8]
    frag_offset: npt.NDArray[np.uint16]
    sport: npt.NDArray[np.uint16]
    dport: npt.NDArray[np.uint16]
    tcp_seq: npt.NDArray[np.uint32]
    tcp_ack: npt.NDArray[np.uint32]
    tcp_flags: npt.NDArray[np.uint16]
    tcp_window: npt.NDArray[np.uint16]
    icmp_type: npt.NDArray[np.uint8]
    icmp_code: npt.NDArray[np.uint8]
    icmp_id: npt.NDArray[np.uint16]
    icmp_seq: npt.NDArray[np.uint16]
    icmp_rest: npt.NDArray[np.uint32]
    payload_len: npt.NDArray[np.uint32]
    payload_hash: npt.NDArray[np.uint64]
    ip_checksum: npt.NDArray[np.uint8]
    l4_checksum: npt.NDArray[np.uint8]
    ip_offset: npt.NDArray[np.uint16]
    l4_offset: npt.NDArray[np.uint16]
    payload_offset: npt.NDArray[np.uint16]
    quoted_proto: npt.NDArray[np.uint8]
    quoted_src: npt.NDArray[np.uint8]
    quoted_dst: npt.NDArray[np.uint8]
    quoted_ttl: npt.NDArray[np.uint8]
    quoted_ip_id: npt.NDArray[np.uint32]
    quoted_sport: npt.NDArray[np.uint16]
    quoted_dport: npt.NDArray[np.uint16]
    quoted_icmp_id: npt.NDArray[np.uint16]

    def __init__(
        self,
        columns: Mapping[str, npt.NDArray[np.generic]],
        octets: Octets,
        about: About,
    ) -> None:
        """Keep decoded columns with their bytes; `from_frames` is the usual way in."""
        self._octets = octets
        self._about = about
        for column in COLUMNS:
            array = columns[column.name]
            array.setflags(write=False)
            setattr(self, column.name, array)

    @classmethod
    def from_frames(
        cls,
        frames: Iterable[Frame],
        interfaces: Sequence[Interface],
        names: Mapping[str, str] | None = None,
        comment: str = "",
    ) -> Self:
        """Decode frames, of any iterable, into a capture."""
        from pytest_netlab.capture.build import Builder  # noqa: PLC0415 - it needs us

        builder = Builder(interfaces=interfaces, names=names, comment=comment)
        for frame in frames:
            builder.add(frame)
        return cls(*builder.parts())

    @classmethod
    def concat(cls, captures: Sequence[Capture]) -> Self:
        """Return one capture of all packets, in this order, with all interfaces."""
        frames: list[Frame] = []
        interfaces: list[Interface] = []
        names: dict[str, str] = {}
        for capture in captures:
            base = len(interfaces)
            frames += (
                frame._replace(interface=base + frame.interface)
                for frame in capture.frames()
            )
            interfaces += capture.interfaces
            names = {**capture.names, **names}
        comments = [capture.comment for capture in captures if capture.comment]
        return cls.from_frames(frames, interfaces, names, "\n".join(comments))

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Return where the packets were captured, as `point` counts them."""
        return self._about.interfaces

    @property
    def names(self) -> Mapping[str, str]:
        """Return address text -> symbol, as the name-resolution block has it."""
        return self._about.names

    @property
    def comment(self) -> str:
        """Return the comment on the whole capture."""
        return self._about.comment

    def __len__(self) -> int:
        """Return the number of packets."""
        return len(self.ts)

    def __getitem__(self, row: int) -> Packet:
        """Return one packet; a negative row counts from the end."""
        rows = len(self)
        if not -rows <= row < rows:
            raise IndexError(f"packet {row} of {rows}")
        return Packet(self, int(row) % rows)

    def __iter__(self) -> Iterator[Packet]:
        """Return the packets in order."""
        return (Packet(self, row) for row in range(len(self)))

    def __repr__(self) -> str:
        """Name the points and the number of packets."""
        points = ", ".join(interface.name for interface in self.interfaces)
        return f"<Capture of {len(self)} packets on {points or 'nothing'}>"

    def octets(self, row: int) -> bytes:
        """Return the bytes of a packet."""
        start = int(self._octets.starts[row])
        return self._octets.blob[start : start + int(self.caplen[row])]

    def note(self, row: int) -> str:
        """Return the comment on a packet, empty if there is none."""
        return self._octets.comments.get(row, "")

    def select(self, rows: npt.ArrayLike) -> Capture:
        """Return the packets of a boolean mask or of a list of row numbers.

        Raises:
            IndexError: a row does not exist, or the mask has another length.

        """
        index = np.asarray(rows)
        every = np.arange(len(self), dtype=np.intp)
        taken = every[index] if index.size else every[:0]
        columns = {column.name: self.column(column.name)[taken] for column in COLUMNS}
        return Capture(columns, self._octets.take(taken), self._about)

    def column(self, name: str) -> npt.NDArray[np.generic]:
        """Return a column by its name."""
        array: npt.NDArray[np.generic] = getattr(self, name)
        return array

    def at(self, name: str) -> Capture:
        """Return the packets captured on the interface of this name.

        Raises:
            KeyError: there is no such interface; names those there are.

        """
        known = [interface.name for interface in self.interfaces]
        if name not in known:
            raise KeyError(f"no capture point {name!r}, only {', '.join(known)}")
        points = [row for row, other in enumerate(known) if other == name]
        return self.select(np.isin(self.point, points))

    def frames(self) -> Iterator[Frame]:
        """Return the packets as frames: what `from_frames` makes this capture from."""
        for row in range(len(self)):
            yield Frame(
                interface=int(self.point[row]),
                ts=int(self.ts[row]),
                data=self.octets(row),
                wirelen=int(self.wirelen[row]),
                direction=int(self.direction[row]),
                status=int(self.status[row]),
                comment=self.note(row),
            )
