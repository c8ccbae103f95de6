"""A capture in memory: columns beside raw bytes. Knows no file format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pytest_netlab.capture.build import Builder, Known
from pytest_netlab.capture.packet import Packet
from pytest_netlab.capture.values import Block, Frame, Octets, joined
from pytest_netlab.wire import COLUMNS, Columns
from pytest_netlab.wire.columns import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from pytest_netlab.capture.values import About, Interface, Make


class Capture:
    """Packets as read-only numpy columns of equal length.

    `pytest_netlab.wire.COLUMNS` says what each column means and when it is valid.
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
    tcp_urgent: npt.NDArray[np.uint16]
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
    options_hash: npt.NDArray[np.uint64]
    encapsulation: npt.NDArray[np.uint16]
    outer_offset: npt.NDArray[np.uint16]
    ifindex: npt.NDArray[np.uint32]
    offset: npt.NDArray[np.int64]

    def __init__(
        self,
        columns: Make,
        rows: int,
        octets: Octets,
        about: About,
        blocks: Sequence[Block] = (),
    ) -> None:
        """Make columns by their name, each on its first use; keep the bytes.

        `blocks` are the columns as they were decoded, if they still exist.
        """
        self._columns = columns
        self._blocks = blocks
        self._rows = rows
        self._octets = octets
        self._about = about
        self._valid: dict[str, npt.NDArray[np.bool_]] = {}

    def __getattr__(self, name: str) -> npt.NDArray[np.generic]:
        """Make a column on its first use."""
        if name not in BY_NAME:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        array = self._columns(name)
        array.setflags(write=False)
        setattr(self, name, array)
        return array

    @classmethod
    def from_frames(
        cls,
        frames: Iterable[Frame],
        interfaces: Sequence[Interface],
        names: Mapping[str, str] | None = None,
        comment: str = "",
        *,
        decapsulate: bool = False,
    ) -> Self:
        """Decode frames into a capture; `decapsulate` is that of `read`."""
        builder = Builder(Known(interfaces, names, comment), decapsulate=decapsulate)
        for frame in frames:
            builder.add(frame)
        blocks, octets, about = builder.parts()
        rows = sum(block.rows for block in blocks)
        make = joined([block.array for block in blocks])
        return cls(make, rows, octets, about, blocks)

    @classmethod
    def joined(cls, chunks: Sequence[Capture], about: About) -> Self:
        """Return the chunks of one file as one capture."""
        buffers: dict[int, memoryview] = {}
        comments: dict[int, str] = {}
        rows = 0
        for chunk in chunks:
            octets = chunk._octets  # noqa: SLF001 - our own
            buffers.update(zip(octets.bases, octets.buffers, strict=True))
            comments.update({rows + row: text for row, text in octets.comments.items()})
            rows += len(chunk)
        octets = Octets(
            buffers=tuple(buffers.values()), bases=tuple(buffers), comments=comments
        )
        make = joined([chunk.column for chunk in chunks])
        blocks = [block for chunk in chunks for block in chunk.blocks()]
        return cls(make, rows, octets, about, blocks)

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
    def about(self) -> About:
        """Return interfaces, names and comment."""
        return self._about

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Return where packets were captured; `point` is an index into this."""
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
        return self._rows

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
        return self._octets.at(int(self.offset[row]), int(self.caplen[row]))

    def u16_at(self, at: npt.NDArray[np.int64]) -> npt.NDArray[np.uint16]:
        """Return each packet's 16-bit word at its offset; 0 if it was not captured."""
        here = self.caplen >= at + 2
        found = np.zeros(len(self), dtype=np.uint16)
        found[here] = self._octets.u16_at((self.offset + at)[here])
        return found

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
        chosen = every[index] if index.size else every[:0]
        octets = self._octets.take(chosen)
        return Capture(
            lambda name: self.column(name)[chosen], len(chosen), octets, self._about
        )

    def timed(self, ts: npt.NDArray[np.int64]) -> Capture:
        """Return the same packets with other times (ns), one for each."""
        return Capture(
            lambda name: ts if name == "ts" else self.column(name),
            self._rows,
            self._octets,
            self._about,
        )

    def blocks(self) -> Sequence[Block]:
        """Return the columns as compiled loops need them; a copy after `select`."""
        if not self._blocks:
            columns = Columns(self._rows)
            for column in COLUMNS:
                columns.array(column.name)[...] = self.column(column.name)
            self._blocks = (Block(columns, self._rows),)
        return self._blocks

    @property
    def linktypes(self) -> npt.NDArray[np.int64]:
        """Return the link type of each packet's interface."""
        known = [interface.linktype for interface in self.interfaces]
        return np.array(known, dtype=np.int64)[self.point]

    def valid(self, name: str) -> npt.NDArray[np.bool_]:
        """Return the mask of the packets for which a column's value is meaningful."""
        if name not in self._valid:
            self._valid[name] = BY_NAME[name].valid.mask(self)
        return self._valid[name]

    def column(self, name: str) -> npt.NDArray[np.generic]:
        """Return a column by its name."""
        array: npt.NDArray[np.generic] = getattr(self, name)
        return array

    def to_arrow(self) -> Any:
        """Return a pyarrow.Table (extra `arrow`); columns share this memory."""
        from pytest_netlab.capture import export  # noqa: PLC0415 - it needs us

        return export.to_arrow(self)

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame (extra `pandas`); addresses are text."""
        from pytest_netlab.capture import export  # noqa: PLC0415 - it needs us

        return export.to_pandas(self)

    def to_scapy(self, row: int) -> Any:
        """Return one packet dissected by scapy (extra `craft`)."""
        from pytest_netlab.capture import export  # noqa: PLC0415 - it needs us

        return export.to_scapy(self, row)

    def at(self, name: str) -> Capture:
        """Return the packets captured on the interface of this name.

        Raises:
            KeyError: there is no such interface; the message names all.

        """
        known = [interface.name for interface in self.interfaces]
        if name not in known:
            raise KeyError(f"no capture point {name!r}, only {', '.join(known)}")
        points = [row for row, other in enumerate(known) if other == name]
        return self.select(np.isin(self.point, points))

    def frames(self) -> Iterator[Frame]:
        """Yield the packets as frames, from which `from_frames` makes this capture."""
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
