"""What a capture is made of: interfaces, frames, bytes, columns. Values only."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from pytest_netlab.wire import UNTAGGED, Columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """Where packets were captured.

    Attributes:
        name: the interface's; empty in pcap, which has none.
        linktype: of its packets (tcpdump.org/linktypes.html).
        snaplen: how many octets of a packet are captured at most; 0 means all.
        received: how many packets it counted; None where nobody counted.
        dropped: how many it dropped; None where nobody counted.
        comment: what the file says about it; empty for nothing.
        addresses: its own, with their prefix lengths: "172.17.0.1/16".

    """

    name: str
    linktype: int = 1
    snaplen: int = 0
    received: int | None = None
    dropped: int | None = None
    comment: str = ""
    addresses: tuple[str, ...] = ()


class Frame(NamedTuple):
    """One packet as a tap or a file delivers it, before it is decoded.

    Attributes:
        interface: an index into the capture's interfaces.
        ts: ns since the epoch.
        data: the captured octets.
        wirelen: octets on the wire.
        direction: a `Direction`.
        status: `Status` flags that only the tap can know.
        vlan: the tag control information that the tap stripped; UNTAGGED for none.
        comment: empty for none.

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
    """What a capture says beside its packets.

    Attributes:
        interfaces: where packets were captured.
        names: address text -> symbol.
        comment: on the whole capture; empty for none.
        others: ascending, for each record that is no packet but counts as one in
            Wireshark (`blocks.RECORDS`), how many packets of the file are before it;
            of a file that is still read, it grows.

    """

    interfaces: tuple[Interface, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    others: array[int] = field(default_factory=lambda: array("q"))

    def numbers(self, rows: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return Wireshark's numbers of packets, from 1, by their rows in the file."""
        wanted = np.asarray(rows, dtype=np.int64)
        if not self.others:
            return wanted + 1
        before = np.frombuffer(self.others.tobytes(), dtype=np.int64)
        return wanted + 1 + np.searchsorted(before, wanted, side="right")

    def number(self, row: int) -> int:
        """Return Wireshark's number of one packet."""
        return row + 1 + bisect_right(self.others, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Octets:
    """The raw bytes and the comments of all packets.

    Attributes:
        buffers: parts of a (decompressed) file.
        bases: the offset of each in it, ascending.
        comments: row -> comment, where there is one.

    """

    buffers: Sequence[memoryview]
    bases: Sequence[int]
    comments: Mapping[int, str]

    def at(self, offset: int, size: int) -> bytes:
        """Return the bytes of a packet."""
        if not self.buffers:
            return b""
        index = bisect_right(self.bases, offset) - 1
        start = offset - self.bases[index]
        return bytes(self.buffers[index][start : start + size])

    def u16_at(self, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint16]:
        """Return the big-endian 16-bit words at these offsets."""
        found = np.zeros(len(offsets), dtype=np.uint16)
        index = np.searchsorted(self.bases, offsets, side="right") - 1
        order = np.argsort(index, kind="stable")
        ends = np.cumsum(np.bincount(index, minlength=len(self.buffers)))
        first = 0
        for base, piece, end in zip(self.bases, self.buffers, ends, strict=True):
            mine, octets = order[first:end], np.frombuffer(piece, dtype=np.uint8)
            at = offsets[mine] - base
            found[mine] = octets[at].astype(np.uint16) << 8 | octets[at + 1]
            first = end
        return found

    def take(self, rows: npt.NDArray[np.intp]) -> Octets:
        """Return those of these rows, renumbered, over the same buffers."""
        if not self.comments:
            return self
        comments = {
            row: self.comments[old]
            for row, old in enumerate(rows.tolist())
            if old in self.comments
        }
        return Octets(buffers=self.buffers, bases=self.bases, comments=comments)


class Block(NamedTuple):
    """Decoded columns, and how many of their rows are packets."""

    columns: Columns
    rows: int

    def array(self, name: str) -> npt.NDArray[np.generic]:
        """Return a column without its unused rows."""
        return self.columns.array(name)[: self.rows]


Make = Callable[[str], "npt.NDArray[np.generic]"]


def joined(parts: Sequence[Make]) -> Make:
    """Return a function that makes a column by joining those of all parts."""
    if not parts:
        return Columns(0).array
    if len(parts) == 1:
        return parts[0]
    return lambda name: np.concatenate([part(name) for part in parts])


class Rows(Protocol):
    """What packets and exports need of a capture; `Capture` has it all."""

    @property
    def point(self) -> npt.NDArray[np.uint16]:
        """Return the index of each row's interface."""

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Return where packets were captured."""

    @property
    def names(self) -> Mapping[str, str]:
        """Return address -> name."""

    def column(self, name: str) -> npt.NDArray[np.generic]:
        """Return a column."""

    def valid(self, name: str) -> npt.NDArray[np.bool_]:
        """Return the mask of the packets for which a column's value is meaningful."""

    def octets(self, row: int) -> bytes:
        """Return the captured bytes of a packet."""

    def note(self, row: int) -> str:
        """Return the comment on a packet."""

    def __getitem__(self, row: int) -> Any:
        """Return one packet."""
