"""Frames one by one into columns, in chunks. Knows no file format."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.capture.model import About, Octets
from pytest_netlab.wire import COLUMNS, UNTAGGED, Columns, Status, decode
from pytest_netlab.wire.decode import ETHERNET, SLL
from pytest_netlab.wire.ethernet import tagged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from pytest_netlab.capture.model import Frame, Interface

_CHUNK = 4096
_TAG = 4
# Where the type stands that a tag goes in front of.
_TAG_AT = {ETHERNET: 12, SLL: 14}
_MAX_LENGTH = 0xFFFFFFFF
# What decoding finds out by itself is not taken over from a frame.
_FROM_TAP = int(Status.CHECKSUM_NOT_READY)


class Builder:
    """Collects what a capture consists of."""

    def __init__(
        self,
        interfaces: Sequence[Interface] = (),
        names: Mapping[str, str] | None = None,
        comment: str = "",
    ) -> None:
        """Start without a packet."""
        self.interfaces = list(interfaces)
        self.names = dict(names or {})
        self.notes = [comment] if comment else []
        self._blob = bytearray()
        self._starts: list[int] = []
        self._comments: dict[int, str] = {}
        self._full: list[Columns] = []
        self._columns = Columns(_CHUNK)
        self._row = 0

    def add(self, frame: Frame) -> None:
        """Decode a frame into the next row.

        Raises:
            IndexError: the frame names an interface that is not there.

        """
        linktype = self.interfaces[frame.interface].linktype
        data, wirelen = frame.data, frame.wirelen
        at = _TAG_AT.get(linktype, 0) if frame.vlan != UNTAGGED else 0
        if 0 < at < len(data):
            # The kernel takes the tag off; put it back, as libpcap does.
            data = tagged(data, frame.vlan, at)
            wirelen = min(wirelen + _TAG, _MAX_LENGTH)
        row = self._row if self._row < _CHUNK else self._next_chunk()
        if frame.comment:
            self._comments[len(self._starts)] = frame.comment
        self._starts.append(len(self._blob))
        self._blob += data
        columns = self._columns
        columns.point[row] = frame.interface
        columns.ts[row] = frame.ts
        columns.direction[row] = frame.direction
        columns.status[row] = frame.status & _FROM_TAP
        decode(data, linktype, wirelen, row, columns)
        self._row = row + 1

    def _next_chunk(self) -> int:
        """Put the full columns aside; return the first row of the next ones."""
        self._full.append(self._columns)
        self._columns = Columns(_CHUNK)
        return 0

    def count(self, interface: int, received: int | None, dropped: int | None) -> None:
        """Note what an interface counted; an older count stays where there is none."""
        known = self.interfaces[interface]
        self.interfaces[interface] = replace(
            known,
            received=known.received if received is None else received,
            dropped=known.dropped if dropped is None else dropped,
        )

    def parts(self) -> tuple[dict[str, npt.NDArray[np.generic]], Octets, About]:
        """Return what `Capture` is made of."""
        octets = Octets(
            blob=bytes(self._blob),
            starts=np.array(self._starts, dtype=np.int64),
            comments=MappingProxyType(self._comments),
        )
        about = About(
            interfaces=tuple(self.interfaces),
            names=MappingProxyType(self.names),
            comment="\n".join(self.notes),
        )
        return self._joined(), octets, about

    def _joined(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return each column as one array."""
        return {
            column.name: np.concatenate(
                [chunk.arrays[column.name] for chunk in self._full]
                + [self._columns.arrays[column.name][: self._row]]
            )
            for column in COLUMNS
        }
