"""How others get 5-tuples and header fields of every packet of a file into Python.

Each function imports its library and returns what is timed: a list with one tuple a
packet. `python benchmarks/peers.py dpkt FILE` prints one run.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from timing import be_task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Row = tuple[object, ...]
    Timed = Callable[[], object]

TCP, UDP, ICMP = 6, 17, 1
_ETHERNET = 14
# ethertype, version and IHL, id, ttl, protocol, addresses
_HEADERS = struct.Struct(">12xHBxHH2xBB2x4s4s")
_TCP = struct.Struct(">HHIIBBH")
_UDP = struct.Struct(">HH")
_ICMP = struct.Struct(">BB2xHH")
_RECORD = struct.Struct("<8xI4x")
_FILE_HEADER, _RECORD_HEADER = 24, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A whole process that reads a file: `argv` and then the file, and then `after`."""

    argv: Sequence[str]
    after: Sequence[str] = ()

    def on(self, path: Path) -> list[str]:
        """Return the command for a file."""
        return [*self.argv, str(path), *self.after]


def read_fields(data: bytes, at: int = 0) -> Row:
    """Return a packet's 5-tuple and header fields, by struct alone."""
    _, first, _, ident, ttl, proto, src, dst = _HEADERS.unpack_from(data, at)
    l4 = at + _ETHERNET + (first & 15) * 4
    if proto == TCP:
        sport, dport, seq, ack, _, flags, window = _TCP.unpack_from(data, l4)
        return (src, dst, proto, ttl, ident, sport, dport, seq, ack, flags, window)
    if proto == UDP:
        sport, dport = _UDP.unpack_from(data, l4)
        return (src, dst, proto, ttl, ident, sport, dport)
    kind, code, number, seq = _ICMP.unpack_from(data, l4)
    return (src, dst, proto, ttl, ident, kind, code, number, seq)


def plain_struct(path: Path) -> Timed:
    """Nothing but the standard library."""

    def run() -> list[Row]:
        data = path.read_bytes()
        rows, at, end = [], _FILE_HEADER, len(data)
        while at < end:
            (caplen,) = _RECORD.unpack_from(data, at)
            at += _RECORD_HEADER
            rows.append(read_fields(data, at))
            at += caplen
        return rows

    return run


def dpkt_fields(path: Path) -> Timed:
    """Use dpkt, on either format."""
    import dpkt  # noqa: PLC0415

    module = dpkt.pcapng if path.suffix == ".pcapng" else dpkt.pcap

    def row(frame: bytes) -> Row:
        ip = dpkt.ethernet.Ethernet(frame).data
        l4 = ip.data
        row = (ip.src, ip.dst, ip.p, ip.ttl, ip.id)
        if ip.p == TCP:
            row += (l4.sport, l4.dport, l4.seq, l4.ack, l4.flags, l4.win)
        elif ip.p == UDP:
            row += (l4.sport, l4.dport)
        else:
            row += (l4.type, l4.code, l4.data.id, l4.data.seq)
        return row

    def run() -> list[Row]:
        with path.open("rb") as file:
            return [row(frame) for _, frame in module.Reader(file)]

    return run


def scapy_fields(path: Path) -> Timed:
    """Use scapy's PcapReader."""
    from scapy.layers import inet, l2  # noqa: F401, PLC0415 - l2 binds Ethernet
    from scapy.utils import PcapReader  # noqa: PLC0415

    def row(packet: object) -> Row:
        ip = packet[inet.IP]
        l4 = ip.payload
        row = (ip.src, ip.dst, ip.proto, ip.ttl, ip.id)
        if ip.proto == TCP:
            row += (l4.sport, l4.dport, l4.seq, l4.ack, int(l4.flags), l4.window)
        elif ip.proto == UDP:
            row += (l4.sport, l4.dport)
        else:
            row += (l4.type, l4.code, l4.id, l4.seq)
        return row

    def run() -> list[Row]:
        with PcapReader(str(path)) as packets:
            return [row(packet) for packet in packets]

    return run


def pypacker_fields(path: Path) -> Timed:
    """Use pypacker, which dissects as far as it is asked."""
    from pypacker import ppcap  # noqa: PLC0415
    from pypacker.layer3.icmp import ICMP as Icmp  # noqa: PLC0415, N811
    from pypacker.layer3.ip import IP  # noqa: PLC0415
    from pypacker.layer12.ethernet import Ethernet  # noqa: PLC0415

    def row(frame: bytes) -> Row:
        ip = Ethernet(frame)[IP]
        l4 = ip.upper_layer
        row = (ip.src, ip.dst, ip.p, ip.ttl, ip.id)
        if ip.p == TCP:
            row += (l4.sport, l4.dport, l4.seq, l4.ack, l4.flags, l4.win)
        elif ip.p == UDP:
            row += (l4.sport, l4.dport)
        else:
            echo = l4[Icmp.Echo]
            row += (l4.type, l4.code, echo.id, echo.seq)
        return row

    def run() -> list[Row]:
        return [row(frame) for _, frame in ppcap.Reader(filename=str(path))]

    return run


def fpcap_struct(path: Path) -> Timed:
    """Use fpcap to find the packets, struct to read them."""
    import fpcap  # noqa: PLC0415

    def run() -> list[Row]:
        packets = fpcap.PacketReader(str(path))
        return [read_fields(packet.data) for packet in packets]

    return run


def cypcap_struct(path: Path) -> Timed:
    """Use cypcap (libpcap) to find the packets, struct to read them."""
    import cypcap  # noqa: PLC0415

    def run() -> list[Row]:
        with cypcap.open_offline(str(path)) as packets:
            return [read_fields(frame) for _, frame in packets]

    return run


def pcapplusplus_fields(path: Path) -> Timed:
    """Use py-pcapplusplus: it knows no sequence number, window or ICMP."""
    import py_pcapplusplus as pcpp  # noqa: PLC0415

    kinds = pcpp.LayerType
    ports = kinds.TcpLayer, kinds.UdpLayer

    def row(packet: object) -> Row:
        ip = packet.get_layer(kinds.IPv4Layer)
        row = (ip.src_ip, ip.dst_ip, ip.ttl, ip.ip_identification)
        for kind in ports:
            if (l4 := packet.get_layer(kind)) is not None:
                return (*row, kind, l4.src_port, l4.dst_port)
        return row

    def run() -> list[Row]:
        return [row(packet) for packet in pcpp.Reader(str(path))]

    return run


def memcpy(path: Path) -> Timed:
    """Copy the bytes within memory, into a buffer that is there: a limit, no peer."""
    import numpy as np  # noqa: PLC0415

    source = np.fromfile(path, dtype="u1")
    target = source.copy()

    def run() -> int:
        np.copyto(target, source)
        return 0

    return run


TASKS = {
    "struct": plain_struct,
    "dpkt": dpkt_fields,
    "scapy": scapy_fields,
    "pypacker": pypacker_fields,
    "fpcap + struct": fpcap_struct,
    "cypcap + struct": cypcap_struct,
    "py-pcapplusplus": pcapplusplus_fields,
    "memcpy": memcpy,
}
_TSHARK = ["ip.src", "ip.dst", "ip.proto", "ip.ttl", "ip.id", "tcp.srcport"]
_TSHARK += ["tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "udp.srcport"]
_TSHARK += ["tcp.window_size_value", "udp.dstport", "icmp.type", "icmp.code"]
_TSHARK += ["icmp.ident", "icmp.seq"]
COMMANDS = {
    "tshark -T fields": Command(
        argv=("tshark", "-n", "-T", "fields", *(f"-e{name}" for name in _TSHARK), "-r")
    ),
    "tcpdump -nr F": Command(argv=("tcpdump", "-nr")),
    "tcpdump -r F -w /dev/null": Command(
        argv=("tcpdump", "-r"), after=("-w", "/dev/null")
    ),
    "cat F": Command(argv=("cat",)),
}


if __name__ == "__main__":
    be_task(TASKS)
