"""Which frames of one side are not understood, by kind. Knows columns, no pairs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.flows import NO_UNIFLOW
from pytest_netlab.nat.translations import Undecoded
from pytest_netlab.wire import Status, canary, frame_name
from pytest_netlab.wire.names import ETHERTYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat.translations import Side

_LEAST_TYPE = 0x0600  # below, the field of an Ethernet frame is a length (IEEE 802.3)
# Protocols of a link: between neighbours, and never around an IP packet.
_OF_LINK = frozenset(
    {
        *(0x0842, 0x2000, 0x22EA, 0x22F0, 0x22F4, 0x6002, 0x6003, 0x6004, 0x8035),
        *(0x809B, 0x80F3, 0x8102, 0x8137, 0x8138, 0x8808, 0x8809, 0x8863, 0x886C),
        *(0x886D, 0x886F, 0x887B, 0x888E, 0x8892, 0x8899, 0x88A2, 0x88A4, 0x88AB),
        *(0x88B5, 0x88B6, 0x88B8, 0x88B9, 0x88BA, 0x88C7, 0x88CC, 0x88CD, 0x88D9),
        *(0x88E1, 0x88E3, 0x88EE, 0x88F5, 0x88F6, 0x88F7, 0x88F8, 0x88FB, 0x8902),
        *(0x8906, 0x8914, 0x893A, 0x9000, 0xCAFE),
    }
)
_ODD = int(Status.UNDECODED | Status.MALFORMED | Status.TRUNCATED)
_CUT_EARLY = "frames cut before their addresses"
_CUT = "IP packets cut before their ports"
_MALFORMED = "malformed packets"


class Tally:
    """Counts the frames of one side that are in no flow since they are not decoded."""

    def __init__(self) -> None:
        """Start without a frame."""
        self._frames: Counter[tuple[int, int]] = Counter()
        self._packets: Counter[str] = Counter()

    def add(self, chunk: Capture, uniflows: Sequence[npt.NDArray[np.int32]]) -> None:
        """Count those of a chunk; `uniflows` are those of its blocks."""
        odd = np.flatnonzero(chunk.status & _ODD)
        if not len(odd):
            return
        alone = np.concatenate(uniflows)[odd] == NO_UNIFLOW
        alone &= (chunk.l4_offset[odd] == 0) & (chunk.frag_offset[odd] == 0)
        self._count(chunk, odd[alone])

    def _count(self, chunk: Capture, rows: npt.NDArray[np.intp]) -> None:
        status = chunk.status[rows]
        unknown = (status & int(Status.UNDECODED)) != 0
        self._count_frames(chunk, rows[unknown])
        broken = ~unknown & ((status & int(Status.MALFORMED)) != 0)
        cut = ~unknown & ~broken & (chunk.arp_op[rows] == 0)
        is_ip = chunk.ip_version[rows] != 0
        self._packets[_MALFORMED] += int(broken.sum())
        self._packets[_CUT] += int((cut & is_ip).sum())
        self._packets[_CUT_EARLY] += int((cut & ~is_ip).sum())

    def _count_frames(self, chunk: Capture, rows: npt.NDArray[np.intp]) -> None:
        """Count frames by link type and ethertype, but for canaries of ours."""
        types = chunk.ethertype[rows].astype(np.int64)
        own = [
            at
            for at in np.flatnonzero(types == canary.ETHERTYPE).tolist()
            if canary.parse(chunk.octets(int(rows[at])))
        ]
        links = np.delete(chunk.linktypes[rows], own)
        kinds = links << 16 | np.delete(types, own)
        found, counts = np.unique(kinds, return_counts=True)
        for kind, count in zip(found.tolist(), counts.tolist(), strict=True):
            self._frames[kind >> 16, kind & 0xFFFF] += count

    def of(self, side: Side) -> list[Undecoded]:
        """Return what was counted, the most frequent first."""
        found = [
            Undecoded(
                side, _named(*kind), count, link=not kind[1], hides=_may_hide(kind[1])
            )
            for kind, count in self._frames.items()
        ]
        found += [
            Undecoded(side, kind, count, broken=True)
            for kind, count in self._packets.items()
            if count
        ]
        return sorted(found, key=lambda one: (-one.packets, one.kind))


def _named(link: int, ethertype: int) -> str:
    """Return what a frame is, with the number that is not decoded."""
    name = frame_name(link, ethertype)
    if ethertype >= _LEAST_TYPE:
        return f"{name} (0x{ethertype:04x})" if ethertype in ETHERTYPES else name
    is_number = name.endswith(str(link)) or name == "802.2 LLC"
    return name if is_number else f"{name} ({link})"


def _may_hide(ethertype: int) -> bool:
    """Return whether frames of a type may carry IP packets; 0: of a link type."""
    return ethertype not in _OF_LINK
