"""What others need for the same work: each function does it once and returns a count.

Reading peers get 5-tuple and header fields of every packet into Python, and as much of
it as the peer offers. Run as a program, it times one peer and prints packets and
seconds: a peer that crashes takes only its own process along.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections import Counter
from itertools import islice
from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RECORD = Struct("<IIII").unpack_from
IP = Struct(">BBHHHBBH4s4s").unpack_from
PORTS = Struct(">HHIIHH").unpack_from
ECHO = Struct(">BBHHH").unpack_from
SUMS = {6: 50, 17: 40}  # where the transport checksum is, by protocol


def _records(path: str) -> Iterable[bytes]:
    """Yield the frames of a little-endian pcap file."""
    with open(path, "rb") as file:  # noqa: PTH123 - as fast as it gets
        data = file.read()
    at = 24
    while at < len(data):
        size = RECORD(data, at)[2]
        yield data[at + 16 : at + 16 + size]
        at += 16 + size


def _fields(frame: bytes) -> tuple[Any, ...]:
    """Return the fields of an Ethernet frame by struct alone."""
    head = IP(frame, 14)
    if head[6] == 1:
        return head, ECHO(frame, 34)
    return head, PORTS(frame, 34) if head[6] == 6 else frame[34:42]


def _dpkt(path: str, reader: str = "pcap") -> Iterable[Any]:
    dpkt = importlib.import_module("dpkt")
    module = importlib.import_module(f"dpkt.{reader}")
    with open(path, "rb") as file:  # noqa: PTH123
        for _, data in module.Reader(file):
            yield dpkt.ethernet.Ethernet(data).data


def _dpkt_row(ip: Any) -> tuple[Any, ...]:
    """Return the fields of a datagram that dpkt decoded."""
    l4, head = ip.data, (ip.src, ip.dst, ip.p, ip.ttl, ip.id)
    if ip.p == 6:
        return (*head, l4.sport, l4.dport, l4.seq, l4.ack, l4.flags, l4.win)
    if ip.p == 17:
        return (*head, l4.sport, l4.dport)
    return (*head, l4.type, l4.code, l4.data.id, l4.data.seq)


def dpkt(path: str) -> int:
    """Read a pcap file with dpkt."""
    return sum(1 for ip in _dpkt(path) if _dpkt_row(ip))


def dpkt_pcapng(path: str) -> int:
    """Read a pcapng file with dpkt."""
    return sum(1 for ip in _dpkt(path, "pcapng") if _dpkt_row(ip))


def scapy(path: str) -> int:
    """Read a file with scapy, which is slow: give it a short one."""
    module = importlib.import_module("scapy.all")
    count = 0
    with module.PcapReader(path) as packets:
        for packet in packets:
            ip = packet["IP"]
            _ = (ip.src, ip.dst, ip.proto, ip.ttl, ip.id, ip.payload.fields)
            count += 1
    return count


def pypacker(path: str) -> int:
    """Read a file with pypacker."""
    ppcap = importlib.import_module("pypacker.ppcap")
    ethernet = importlib.import_module("pypacker.layer12.ethernet").Ethernet
    ip_type = importlib.import_module("pypacker.layer3.ip").IP
    count = 0
    for _, data in ppcap.Reader(filename=path):
        ip = ethernet(data)[ip_type]
        l4 = ip.upper_layer
        _ = (ip.src, ip.dst, ip.p, ip.ttl, ip.id)
        _ = (l4.sport, l4.dport) if ip.p != 1 else (l4.type, l4.code)
        _ = (l4.seq, l4.ack, l4.flags, l4.win) if ip.p == 6 else ()
        count += 1
    return count


def fpcap(path: str) -> int:
    """Read a file with fpcap, and struct on its bytes."""
    reader = importlib.import_module("fpcap").PacketReader(path)
    count = 0
    while not reader.is_exhausted():
        packet = reader.next_packet()
        if packet is None:
            break
        _fields(bytes(packet.data))
        count += 1
    return count


def cypcap(path: str) -> int:
    """Read a file with cypcap, and struct on its bytes."""
    with importlib.import_module("cypcap").open_offline(path) as packets:
        return sum(1 for _, data in packets if _fields(data))


def pcapplusplus(path: str) -> int:
    """Read a file with py-pcapplusplus, which knows no seq and no ICMP."""
    module = importlib.import_module("py_pcapplusplus")
    kinds, count = module.LayerType, 0
    for packet in module.Reader(path):
        ip = packet.get_layer(kinds.IPv4Layer)
        _ = (ip.src_ip, ip.dst_ip)
        for kind in (kinds.TcpLayer, kinds.UdpLayer):
            if (layer := packet.get_layer(kind)) is not None:
                _ = (layer.src_port, layer.dst_port)
                break
        count += 1
    return count


def struct_loop(path: str) -> int:
    """Read a file with nothing but struct."""
    return sum(1 for frame in _records(path) if _fields(frame))


def memcpy(path: str) -> int:
    """Copy the bytes of the file in warm memory."""
    data = np.fromfile(path, dtype=np.uint8)
    there = np.empty_like(data)
    there[:] = data
    started = time.perf_counter()
    there[:] = data
    _report(1, time.perf_counter() - started)
    return 0


def _command(*argv: str) -> int:
    subprocess.run(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )
    return 1


def cat(path: str) -> int:
    """Read the bytes, no more."""
    return _command("cat", path)


def tcpdump_write(path: str) -> int:
    """Have tcpdump copy every record."""
    return _command("tcpdump", "-r", path, "-w", "/dev/null")


def tcpdump_text(path: str) -> int:
    """Have tcpdump print every packet."""
    return _command("tcpdump", "-nr", path)


def tshark(path: str) -> int:
    """Have tshark print the fields of every packet."""
    names = ("ip.src", "ip.dst", "ip.proto", "ip.ttl", "ip.id", "tcp.srcport")
    names += ("tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "icmp.ident")
    fields = [word for name in names for word in ("-e", name)]
    return _command("tshark", "-n", "-r", path, "-T", "fields", *fields)


def _invariant(ip: Any) -> tuple[Any, ...]:
    """Return what NAT leaves alone of a datagram, as dpkt has it."""
    l4 = ip.data
    if ip.p == 6:
        return (6, ip.id, l4.seq, l4.ack, l4.flags, l4.win, hash(bytes(l4.data)))
    if ip.p == 17:
        return (17, ip.id, hash(bytes(l4.data)))
    return (1, ip.id, l4.type, l4.code, l4.data.seq, hash(bytes(l4.data.data)))


def dict_diff(inside: str, outside: str) -> int:
    """Pair two files with dpkt and a dict: what a script of an afternoon does."""
    sides: list[dict[Any, list[Any]]] = []
    for path in (inside, outside):
        seen: dict[Any, list[Any]] = {}
        for ip in _dpkt(path):
            ends = ip.src, getattr(ip.data, "sport", 0), ip.dst
            row = (*ends, getattr(ip.data, "dport", 0))
            seen.setdefault(_invariant(ip), []).append(row)
        sides.append(seen)
    near, far = sides
    pairs = [
        pair
        for key, rows in near.items()
        for pair in zip(rows, far.get(key, ()), strict=False)
    ]
    return len(pairs) if Counter(pairs) else 0


def masked(inside: str, outside: str) -> int:
    """Compare two files with addresses, ports, ttl and checksums blanked."""
    sides = []
    for path in (inside, outside):
        seen: Counter[bytes] = Counter()
        for frame in _records(path):
            sum_at = SUMS.get(frame[23], 36)
            parts = (frame[14:22], frame[38:sum_at], frame[sum_at + 2 :])
            seen[b"".join(parts)] += 1
        sides.append(seen)
    return sum((sides[0] & sides[1]).values())


def _report(count: int, seconds: float) -> None:
    print(count, seconds, flush=True)


def main() -> None:
    """Time the peer named first on the files named after it."""
    peer: Callable[..., int] = globals()[sys.argv[1]]
    started = time.perf_counter()
    if count := peer(*sys.argv[2:]):
        _report(count, time.perf_counter() - started)


def timed(peer: str, *paths: str) -> tuple[int, float] | None:
    """Run a peer in a process of its own; None if it is not there or fails."""
    done = subprocess.run(
        [sys.executable, __file__, peer, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    line = next(islice(reversed(done.stdout.split("\n")[:-1]), 1), "")
    if not line:
        return None
    count, seconds = line.split()
    return int(count), float(seconds)


if __name__ == "__main__":
    main()
