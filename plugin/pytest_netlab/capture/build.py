"""Build a capture: decode frames one by one, collect what a file says beside them."""

from __future__ import annotations

from array import array
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pytest_netlab.capture.values import About, Block, Interface, Octets
from pytest_netlab.wire import UNTAGGED, Columns, Status, cooked, decode, ethernet
from pytest_netlab.wire.assigned import ETHERNET, SLL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_netlab.capture.values import Frame

_CHUNK = 4096
# Offset of the type in front of which a VLAN tag goes.
_TAG_AT = {ETHERNET: ethernet.TYPE, SLL: cooked.TYPE}
_MAX_LENGTH = 0xFFFFFFFF
# The status flags that are copied from a frame; decoding sets the others.
_FROM_TAP = int(Status.CHECKSUM_NOT_READY)


class Name(NamedTuple):
    """An address and its symbol."""

    address: str
    symbol: str


class Count(NamedTuple):
    """How many packets an interface received and dropped; None if not counted."""

    interface: int
    received: int | None
    dropped: int | None


class Note(NamedTuple):
    """A comment on a whole section."""

    text: str


Fact = Interface | Name | Count | Note


class Known:
    """What has been read so far beside packets: interfaces, names, comments."""

    def __init__(
        self,
        interfaces: Sequence[Interface] = (),
        names: Mapping[str, str] | None = None,
        comment: str = "",
    ) -> None:
        """Start with what is known beforehand."""
        self.interfaces = list(interfaces)
        self.names = dict(names or {})
        self.notes = [comment] if comment else []
        self.others = array("q")
        self._about: About | None = None

    def add(self, fact: Fact) -> None:
        """Add what a block says; the first name of an address is kept."""
        self._about = None
        if isinstance(fact, Interface):
            self.interfaces.append(fact)
        elif isinstance(fact, Count):
            self.count(*fact)
        elif isinstance(fact, Name):
            self.names.setdefault(fact.address, fact.symbol)
        else:
            self.notes.append(fact.text)

    def count(self, interface: int, received: int | None, dropped: int | None) -> None:
        """Set what an interface counted; None leaves an older count as it is."""
        known = self.interfaces[interface]
        self.interfaces[interface] = replace(
            known,
            received=known.received if received is None else received,
            dropped=known.dropped if dropped is None else dropped,
        )

    @property
    def about(self) -> About:
        """Return all of it as it is now; the same object until something is added.

        Every chunk refers to it: copies of a million names would add up.
        """
        if self._about is None:
            self._about = About(
                interfaces=tuple(self.interfaces),
                names=MappingProxyType(self.names),
                comment="\n".join(self.notes),
                others=self.others,
            )
        return self._about


class Builder:
    """Collects frames as taps deliver them."""

    def __init__(self, known: Known, *, decapsulate: bool = False) -> None:
        """Start without a packet."""
        self._known = known
        self._decapsulate = decapsulate
        self._blob = bytearray()
        self._comments: dict[int, str] = {}
        self._full: list[Block] = []
        self._columns = Columns(_CHUNK, decapsulate=decapsulate)
        self._row = 0

    def add(self, frame: Frame) -> None:
        """Decode a frame into the next row.

        Raises:
            IndexError: the frame names an interface that is not there.

        """
        linktype = self._known.interfaces[frame.interface].linktype
        data, wirelen = frame.data, frame.wirelen
        at = _TAG_AT.get(linktype, 0) if frame.vlan != UNTAGGED else 0
        if 0 < at < len(data):
            # The kernel strips the tag; put it back, as libpcap does.
            data = ethernet.tagged(data, frame.vlan, at)
            wirelen = min(wirelen + ethernet.TAG, _MAX_LENGTH)
        row = self._row if self._row < _CHUNK else self._next_chunk()
        if frame.comment:
            self._comments[len(self._full) * _CHUNK + row] = frame.comment
        columns = self._columns
        status = frame.status & _FROM_TAP
        columns.note(row, frame.interface, frame.ts, frame.direction, status)
        columns.locate(row, len(self._blob))
        decode(data, linktype, wirelen, row, columns)
        self._blob += data
        self._row = row + 1

    def _next_chunk(self) -> int:
        """Store the full columns and begin new ones; return the row to fill."""
        self._full.append(Block(self._columns, _CHUNK))
        self._columns = Columns(_CHUNK, decapsulate=self._decapsulate)
        return 0

    def parts(self) -> tuple[list[Block], Octets, About]:
        """Return what `Capture` is made of."""
        octets = Octets(
            buffers=(memoryview(bytes(self._blob)),),
            bases=(0,),
            comments=MappingProxyType(self._comments),
        )
        return [*self._full, Block(self._columns, self._row)], octets, self._known.about
