"""Put the fragments of datagrams together. Knows one capture, and no flow.

A later fragment has no ports: which flow it is of, only its first fragment says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.wire import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from pytest_netlab.capture import Capture

_SECOND = 10**9  # ns
_REASSEMBLY = 30 * _SECOND  # net.ipv4.ipfrag_time: nobody waits longer for a fragment
_DUPLICATE = _SECOND  # 65,536 ids are not used up sooner


@dataclass(slots=True)
class FragmentedDatagram:
    """The fragments of one datagram at one point (RFC 791, RFC 8200).

    Attributes:
        ts: time of the fragment that was seen first, in ns.
        ident: the IP id.
        parts: (first octet, that behind the last) -> row, each once.
        first: row of the first fragment; -1 where it was not seen.

    """

    ts: int
    ident: int
    parts: dict[tuple[int, int], int] = field(default_factory=dict)
    first: int = -1


def fragmented(
    capture: Capture, times: npt.NDArray[np.int64]
) -> Iterator[FragmentedDatagram]:
    """Yield each fragmented datagram, also without its first fragment.

    Args:
        capture: the packets.
        times: of each, in ns: by them, an id that was used again is another datagram's.

    """
    known: dict[tuple[object, ...], FragmentedDatagram] = {}
    for row in np.flatnonzero(capture.status & int(Status.FRAGMENT)).tolist():
        ident, ts = int(capture.ip_id[row]), int(times[row])
        ends = capture.src[row].tobytes(), capture.dst[row].tobytes()
        key = (*ends, int(capture.point[row]), int(capture.proto[row]), ident)
        part = _part(capture, row)
        datagram = known.get(key)
        if datagram is None or _is_another(datagram, part, ts):
            if datagram is not None:
                yield datagram
            datagram = known[key] = FragmentedDatagram(ts, ident)
        datagram.parts.setdefault(part, row)
        if not part[0] and datagram.first < 0:
            datagram.first = row
    yield from known.values()


def _part(capture: Capture, row: int) -> tuple[int, int]:
    """Return which octets of its datagram a fragment carries."""
    first, size = int(capture.frag_offset[row]), int(capture.payload_len[row])
    if not first and capture.payload_offset[row]:
        size += int(capture.payload_offset[row]) - int(capture.l4_offset[row])
    return first, first + size


def _is_another(datagram: FragmentedDatagram, part: tuple[int, int], ts: int) -> bool:
    """Return whether a fragment with the id of a datagram is of a later one."""
    age = abs(ts - datagram.ts)
    return age > _REASSEMBLY or (part in datagram.parts and age > _DUPLICATE)
