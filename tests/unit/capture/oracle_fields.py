"""What tshark calls the fields that `Capture` has columns for. Names only."""

from __future__ import annotations

from pytest_netlab.wire import Checksum

# Without these tshark tells later fragments by the datagram they complete.
PREFERENCES = (
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "ip.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
)
LINK = (
    "frame.encap_type frame.protocols frame.len frame.cap_len frame.time_epoch "
    "frame.packet_flags_direction eth.src eth.dst eth.type eth.len "
    "sll.pkttype sll.src.eth sll.etype null.family "
    "vlan.id vlan.etype ieee8021ad.id arp.opcode arp.src.proto_ipv4 arp.dst.proto_ipv4"
)
# Our column, and what tshark calls it in a header of each version.
IP = {
    "ip": {
        "src": "ip.src",
        "dst": "ip.dst",
        "ttl": "ip.ttl",
        "tos": "ip.dsfield",
        "ip_id": "ip.id",
    },
    "ipv6": {
        "src": "ipv6.src",
        "dst": "ipv6.dst",
        "ttl": "ipv6.hlim",
        "tos": "ipv6.tclass",
    },
}
MORE = (
    "ip.flags.df ip.flags.mf ip.frag_offset ip.len ip.hdr_len ip.checksum.status "
    "ipv6.plen ipv6.fraghdr.ident ipv6.fraghdr.more ipv6.fraghdr.offset "
    "ipv6.routing.segleft tcp.len udp.length"
)
# Where the next protocol is told, by the layer that tells it.
NEXT = {
    "ip": "ip.proto",
    "ipv6": "ipv6.nxt",
    "ipv6.hopopts": "ipv6.hopopts.nxt",
    "ipv6.dstopts": "ipv6.dstopts.nxt",
    "ipv6.routing": "ipv6.routing.nxt",
    "ipv6.fraghdr": "ipv6.fraghdr.nxt",
    "ah": "ah.next_header",
}
L4 = {
    "tcp": {
        "sport": "tcp.srcport",
        "dport": "tcp.dstport",
        "tcp_seq": "tcp.seq_raw",
        "tcp_ack": "tcp.ack_raw",
        "tcp_flags": "tcp.flags",
        "tcp_window": "tcp.window_size_value",
    },
    "udp": {"sport": "udp.srcport", "dport": "udp.dstport"},
    "icmp": {"icmp_type": "icmp.type", "icmp_code": "icmp.code"},
    "icmpv6": {"icmp_type": "icmpv6.type", "icmp_code": "icmpv6.code"},
}
ECHO = {
    "icmp": {"icmp_id": "icmp.ident", "icmp_seq": "icmp.seq"},
    "icmpv6": {
        "icmp_id": "icmpv6.echo.identifier",
        "icmp_seq": "icmpv6.echo.sequence_number",
    },
}
ECHO_TYPES = {"icmp": (0, 8), "icmpv6": (128, 129)}
# One of these is the last field of a header: it is there, or the header was cut.
LAST = {
    "tcp": ("tcp.urgent_pointer",),
    "udp": ("udp.checksum",),
    "icmp": ("icmp.seq", "icmp.unused", "icmp.mtu", "icmp.redir_gw", "icmp.pointer"),
    "icmpv6": (
        "icmpv6.echo.sequence_number",
        "icmpv6.reserved",
        "icmpv6.mtu",
        "icmpv6.pointer",
    ),
}
QUENCH = 4  # the one error of which tshark tells nothing behind the checksum
STATUS = {
    "0": Checksum.BAD,
    "1": Checksum.GOOD,
    "2": Checksum.ABSENT,
    "3": Checksum.ZERO,
    "4": Checksum.BAD,
}
# What is compared even where tshark tells no such field: then the column is empty.
NUMBERS = (
    "arp_op eth_dst eth_src ethertype frag_offset icmp_code icmp_id icmp_seq icmp_type "
    "ip_checksum ip_flags ip_id ip_version l4_checksum proto quoted_dport "
    "quoted_icmp_id quoted_ip_id quoted_proto quoted_sport quoted_ttl sport dport "
    "tcp_ack tcp_flags tcp_seq tcp_window tos ttl"
)
QUOTED = "src dst ttl ip_id proto"
HEADER = f"{QUOTED} ip_version tos ip_flags frag_offset"
ADDRESSES = ("src", "dst", "quoted_src", "quoted_dst")
LOOPBACK = {"2": 0x0800, "10": 0x86DD, "24": 0x86DD, "28": 0x86DD, "30": 0x86DD}
OUTGOING = "4"
TAGS = (0x8100, 0x88A8)
UNIT = 8  # of a fragment's offset; and the size of a UDP or ICMP header


def every() -> list[str]:
    """Return each field once."""
    tables = [columns for table in (IP, L4, ECHO) for columns in table.values()]
    found = [*LINK.split(), *MORE.split(), *NEXT.values()]
    found += [name for columns in tables for name in columns.values()]
    found += [name for fields in LAST.values() for name in fields]
    found += [f"{l4}.checksum.status" for l4 in L4]
    return list(dict.fromkeys(found))
