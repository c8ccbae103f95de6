"""Write packets as one capture point sees them: bytes and files, block by block.

Knows what a host changes when it forwards a packet; not who talks to whom, or why.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from conversations import (
    DATAGRAM,
    ECHO,
    ICMP,
    PLAIN,
    POOL,
    RST,
    SYN,
    TCP,
    UDP,
)

if TYPE_CHECKING:
    from pathlib import Path

    from conversations import Packets, Rows

Form = Literal["pcap", "pcap-ns", "pcapng"]

_BLOCK = 1 << 16  # packets rendered at a time
_SHORTEST = 60  # bytes of a frame that a network card delivers
_SNAPLEN = 262_144
_TAIL = 4  # pcapng: the length of a block once more, behind it
_EPOCH = 1_767_225_600 * 10**9  # 2026-01-01

_NG = [("type", "<u4"), ("total", "<u4"), ("interface", "<u4"), ("time_high", "<u4")]
_NG += [("time_low", "<u4"), ("caplen", "<u4"), ("wirelen", "<u4")]
_PCAP = [("sec", "<u4"), ("fraction", "<u4"), ("caplen", "<u4"), ("wirelen", "<u4")]
_ETHERNET = [("to_vendor", ">u2"), ("to_card", ">u4"), ("from_vendor", ">u2")]
_ETHERNET += [("from_card", ">u4"), ("ethertype", ">u2")]
_IP = [("ihl", "u1"), ("tos", "u1"), ("length", ">u2"), ("ident", ">u2")]
_IP += [("fragment", ">u2"), ("ttl", "u1"), ("proto", "u1"), ("ip_sum", ">u2")]
_IP += [("src", ">u4"), ("dst", ">u4")]
_TCP = [("sport", ">u2"), ("dport", ">u2"), ("seq", ">u4"), ("ack", ">u4")]
_TCP += [("words", "u1"), ("flags", "u1"), ("window", ">u2"), ("sum", ">u2")]
_TCP += [("urgent", ">u2")]
_STAMPS = [("nops", ">u2"), ("stamp_kind", ">u2"), ("stamp", ">u4"), ("echoed", ">u4")]
_OPTIONS = [("mss", ">u4"), ("sack", ">u2"), ("stamp_kind", ">u2"), ("stamp", ">u4")]
_OPTIONS += [("echoed", ">u4"), ("nop", "u1"), ("scale", "u1", 3)]
_UDP = [("sport", ">u2"), ("dport", ">u2"), ("udp_length", ">u2"), ("sum", ">u2")]
_ICMP = [("icmp_type", "u1"), ("icmp_code", "u1"), ("sum", ">u2"), ("id", ">u2")]
_ICMP += [("echo_seq", ">u2")]

_L4 = {
    SYN: _TCP + _OPTIONS,
    PLAIN: _TCP + _STAMPS,
    RST: _TCP,
    DATAGRAM: _UDP,
    ECHO: _ICMP,
}
_PROTO = {SYN: TCP, PLAIN: TCP, RST: TCP, DATAGRAM: UDP, ECHO: ICMP}
_ETHERNET_SIZE, _IP_SIZE = 14, 20
_L4_SIZE = np.array([np.dtype(_L4[kind]).itemsize for kind in sorted(_L4)], dtype="i8")
_TTL_SENT, _TTL_MET = 64, 57  # by a container, and of what comes from far away
_DONT_FRAGMENT = 0x4000
_HOST_CARDS = {"docker0": (0x0242, 0x5A0C1E01), "uplink": (0x0050, 0x56A1B2C3)}
_ROUTER = 0x0050, 0x56C00008


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One capture point: what is written of all packets, and how."""

    point: Literal["docker0", "uplink"]
    packets: Packets
    flows: Rows
    pool: Rows
    form: Form

    @property
    def keys(self) -> Rows:
        """Return the keys that flows have here."""
        return self.flows["inside" if self.point == "docker0" else "outside"]


def write(path: Path, view: View, rows: Rows, times: Rows) -> None:
    """Write these packets, in this order, with these times (ns from the start)."""
    sums = np.zeros(POOL // 2 + 1, dtype="u8")
    np.cumsum(view.pool.view(">u2"), out=sums[1:])
    with path.open("wb") as file:
        file.write(_file_header(view))
        for start in range(0, len(rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            file.write(_block(view, rows[part], times[part] + _EPOCH, sums))


def _file_header(view: View) -> bytes:
    """Return what stands before the packets."""
    if view.form != "pcapng":
        magic = 0xA1B23C4D if view.form == "pcap-ns" else 0xA1B2C3D4
        return struct.pack("<IHHiIII", magic, 2, 4, 0, 0, _SNAPLEN, 1)
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    name = view.point.encode()
    options = struct.pack("<HH", 2, len(name)) + name + bytes(-len(name) % 4)
    options += struct.pack("<HHB3xI", 9, 1, 9, 0)  # times are in ns; end of options
    size = 20 + len(options)
    interface = struct.pack("<IIHHI", 1, size, 1, 0, _SNAPLEN)
    return section + interface + options + struct.pack("<I", size)


def _block(view: View, rows: Rows, times: Rows, sums: Rows) -> Rows:
    """Return these packets as bytes."""
    packets, is_ng = view.packets, view.form == "pcapng"
    kind, size = packets.kind[rows], packets.size[rows].astype("i8")
    head = _ETHERNET_SIZE + _IP_SIZE + _L4_SIZE[kind]
    frame = head + size
    if view.point == "uplink":  # the card pads what it receives
        inward = packets.back[rows] ^ view.flows["inbound"][packets.flow[rows]]
        frame = np.where(inward, np.maximum(frame, _SHORTEST), frame)
    lead = np.dtype(_NG if is_ng else _PCAP).itemsize
    record = lead + frame
    if is_ng:
        record += -frame % 4 + _TAIL
    ends = np.cumsum(record)
    starts = ends - record
    out = np.zeros(int(ends[-1]), dtype="u1")
    for one in range(len(_L4)):
        here = np.flatnonzero(kind == one)
        header = _headers(view, one, rows[here], sums)
        _note_record(header, view.form, times[here], frame[here], record[here])
        octets = header.view("u1").reshape(len(here), header.itemsize)
        _windows(out, header.itemsize)[starts[here]] = octets
    _copy_payloads(view.pool, out, packets.at[rows], starts + lead + head, size)
    if is_ng:
        tail = record.astype("<u4").view("u1").reshape(-1, _TAIL)
        _windows(out, _TAIL)[ends - _TAIL] = tail
    return out


def _windows(octets: Rows, size: int) -> Rows:
    """Return all runs of this many bytes, as views."""
    if len(octets) < size:
        return np.empty((0, size), dtype="u1")
    return np.lib.stride_tricks.sliding_window_view(octets, size, writeable=True)


def _copy_payloads(pool: Rows, out: Rows, source: Rows, to: Rows, size: Rows) -> None:
    """Copy runs of any size, by the powers of two that it is the sum of."""
    done = np.zeros(len(size), dtype="i8")
    for bit in range(int(size.max()).bit_length()):
        length = 1 << bit
        rows = np.flatnonzero(size & length)
        pieces = _windows(pool, length)[source[rows] + done[rows]]
        _windows(out, length)[to[rows] + done[rows]] = pieces
        done[rows] += length


def _note_record(
    header: Rows, form: Form, times: Rows, frame: Rows, record: Rows
) -> None:
    """Fill in what the file format says of each packet."""
    header["caplen"] = header["wirelen"] = frame
    if form == "pcapng":
        header["type"], header["total"] = 6, record
        header["time_high"], header["time_low"] = times >> 32, times & 0xFFFFFFFF
        return
    header["sec"] = times // 10**9
    header["fraction"] = times % 10**9 // (1 if form == "pcap-ns" else 1000)


def _headers(view: View, kind: int, rows: Rows, sums: Rows) -> Rows:
    """Return the headers of packets of one kind, with right checksums."""
    packets = view.packets
    record = _NG if view.form == "pcapng" else _PCAP
    header = np.zeros(len(rows), np.dtype(record + _ETHERNET + _IP + _L4[kind]))
    flow, back = packets.flow[rows], packets.back[rows]
    key, inward = view.keys[flow], back ^ view.flows["inbound"][flow]
    header["src"] = np.where(back, key["dst"], key["src"])
    header["dst"] = np.where(back, key["src"], key["dst"])
    ports = (
        np.where(back, key["dport"], key["sport"]),
        np.where(back, key["sport"], key["dport"]),
    )
    size = packets.size[rows].astype("i8")
    _address_ethernet(header, view.point, inward)
    _fill_ip(header, packets, rows, kind, size)
    forwarded = inward == (view.point == "docker0")
    far = _TTL_MET - flow % 8
    header["ttl"] = np.where(inward, far, _TTL_SENT) - forwarded
    _fill_l4(header, packets, rows, kind, ports)
    lead = np.dtype(record).itemsize
    _sum_up(header, lead, kind, _payload_sums(view.pool, sums, packets.at[rows], size))
    return header


def _address_ethernet(header: Rows, point: str, inward: Rows) -> None:
    """Fill in cards: a container's is its address behind 02:42, as Docker has it."""
    header["ethertype"] = 0x0800
    vendor, card = _HOST_CARDS[point]
    host_sends = inward if point == "docker0" else ~inward
    if point == "docker0":
        end = np.where(inward, header["dst"], header["src"]).astype("u4")
        peer_vendor, peer_card = _HOST_CARDS["docker0"][0], end
    else:
        peer_vendor, peer_card = _ROUTER
    header["from_vendor"] = np.where(host_sends, vendor, peer_vendor)
    header["from_card"] = np.where(host_sends, card, peer_card)
    header["to_vendor"] = np.where(host_sends, peer_vendor, vendor)
    header["to_card"] = np.where(host_sends, peer_card, card)


def _fill_ip(header: Rows, packets: Packets, rows: Rows, kind: int, size: Rows) -> None:
    """Fill in what IP says on either side."""
    header["ihl"] = 0x45
    header["length"] = _IP_SIZE + int(_L4_SIZE[kind]) + size
    header["ident"] = packets.ident[rows]
    header["fragment"] = _DONT_FRAGMENT
    if kind == ECHO:
        header["fragment"][packets.back[rows]] = 0
    header["proto"] = _PROTO[kind]


def _fill_l4(
    header: Rows, packets: Packets, rows: Rows, kind: int, ports: tuple[Rows, Rows]
) -> None:
    """Fill in the header behind IP's."""
    if kind == ECHO:
        header["icmp_type"] = np.where(packets.back[rows], 0, 8)
        header["id"], header["echo_seq"] = ports[0], packets.seq[rows]
        return
    header["sport"], header["dport"] = ports
    if kind == DATAGRAM:
        header["udp_length"] = int(_L4_SIZE[kind]) + packets.size[rows]
        return
    header["words"] = int(_L4_SIZE[kind]) // 4 << 4
    for name in ("seq", "ack", "flags", "window"):
        header[name] = getattr(packets, name)[rows]
    if kind == RST:
        header["window"] = 0
        return
    header["stamp"], header["echoed"] = packets.stamp[rows], packets.echoed[rows]
    header["stamp_kind"] = 0x080A
    if kind == PLAIN:
        header["nops"] = 0x0101
        return
    header["mss"], header["sack"] = 0x020405B4, 0x0402
    header["nop"], header["scale"] = 1, (3, 3, 7)


def _payload_sums(pool: Rows, sums: Rows, at: Rows, size: Rows) -> Rows:
    """Return the sums of the 16-bit words of payloads, which begin at even places."""
    half = (at // 2).astype("i8")
    total = sums[half + size // 2] - sums[half]
    odd = pool[at + np.maximum(size, 1) - 1].astype("u8") << 8
    return total + odd * (size & 1).astype("u8")


def _sum_up(header: Rows, lead: int, kind: int, payload: Rows) -> None:
    """Fill in both checksums (RFC 1071)."""
    ip = lead + _ETHERNET_SIZE
    octets = header.view("u1").reshape(len(header), header.itemsize)
    words = np.ascontiguousarray(octets[:, ip:]).view(">u2")
    split = _IP_SIZE // 2
    header["ip_sum"] = _folded(words[:, :split].sum(axis=1, dtype="u8"))
    total = words[:, split:].sum(axis=1, dtype="u8") + payload
    if kind != ECHO:  # the pseudo-header: addresses, protocol, length
        total += words[:, split - 4 : split].sum(axis=1, dtype="u8")
        total += (header["length"] - _IP_SIZE + _PROTO[kind]).astype("u8")
    check = _folded(total)
    if kind == DATAGRAM:
        check[check == 0] = 0xFFFF  # 0 would say that there is none
    header["sum"] = check


def _folded(total: Rows) -> Rows:
    """Return the complement of a sum with its carries added."""
    for _ in range(3):
        total = (total >> 16) + (total & 0xFFFF)
    return (total ^ 0xFFFF).astype("u2")
