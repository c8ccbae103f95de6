"""How others compare the two captures of a host. Knows no file format by itself.

`python benchmarks/rivals.py "dpkt dict diff" INSIDE OUTSIDE` prints one run.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Any

from timing import be_task

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from pathlib import Path

TCP, UDP = 6, 17
_ETHERNET = 14


def dpkt_dict_diff(inside: Path, outside: Path) -> Callable[[], object]:
    """Pair by a dict on what NAT leaves alone; tell rewrites and who is unpaired."""
    import dpkt  # noqa: PLC0415

    def observations(path: Path) -> Iterator[tuple[Hashable, Hashable]]:
        with path.open("rb") as file:
            for _, frame in dpkt.pcap.Reader(file):
                yield _key_and_ends(dpkt.ethernet.Ethernet(frame).data)

    def run() -> tuple[int, dict[str, float]]:
        waiting = defaultdict(deque)
        for key, ends in observations(inside):
            waiting[key].append(ends)
        rewrites, alone, paired = Counter(), 0, 0
        for key, ends in observations(outside):
            if first := waiting.get(key):
                rewrites[first.popleft(), ends] += 1
                paired += 1
            else:
                alone += 1
        alone += sum(map(len, waiting.values()))
        return paired, {"rewrites": len(rewrites), "unpaired": alone}

    return run


def _key_and_ends(ip: Any) -> tuple[Hashable, Hashable]:
    """Return what NAT leaves alone of a packet, and its 5-tuple."""
    l4 = ip.data
    if ip.p == TCP:
        same = (l4.seq, l4.ack, l4.flags, l4.win, bytes(l4.data))
    elif ip.p == UDP:
        same = (bytes(l4.data),)
    else:
        same = (l4.type, l4.code, l4.data.seq, bytes(l4.data.data))
    ports = (l4.sport, l4.dport) if ip.p in (TCP, UDP) else (l4.data.id,) * 2
    return (ip.p, ip.id, *same), (ip.p, ip.src, ip.dst, *ports)


def masked_bytes_diff(inside: Path, outside: Path) -> Callable[[], object]:
    """Blank what NAT may change and compare what bytes there are: no rewrites told."""
    import dpkt  # noqa: PLC0415

    spans = {TCP: (0, 4, 16, 18), UDP: (0, 4, 6, 8)}
    echo = (2, 6, 2, 6)  # checksum and id

    def blank(frame: bytes) -> bytes:
        size = _ETHERNET + int.from_bytes(frame[16:18], "big")
        octets = bytearray(frame[:size])
        l4 = _ETHERNET + (frame[14] & 15) * 4
        octets[:12] = bytes(12)
        octets[22] = 0
        octets[24:34] = bytes(10)
        first, behind, check, end = spans.get(frame[23], echo)
        octets[l4 + first : l4 + behind] = bytes(behind - first)
        octets[l4 + check : l4 + end] = bytes(end - check)
        return bytes(octets)

    def blanked(path: Path) -> Counter[bytes]:
        with path.open("rb") as file:
            return Counter(blank(frame) for _, frame in dpkt.pcap.Reader(file))

    def run() -> tuple[int, dict[str, float]]:
        near, far = blanked(inside), blanked(outside)
        alone = (near - far).total() + (far - near).total()
        return (near & far).total(), {"unpaired": alone}

    return run


TASKS = {"dpkt dict diff": dpkt_dict_diff, "masked-bytes diff": masked_bytes_diff}


if __name__ == "__main__":
    be_task(TASKS)
