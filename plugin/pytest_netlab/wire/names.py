"""What link types, ethertypes and PPP protocols are called. Decodes nothing.

The words are Wireshark's, without its brackets.
"""

from __future__ import annotations

from types import MappingProxyType

from pytest_netlab.wire.assigned import ETHERNET, SLL, SLL2

# Link types (tcpdump.org/linktypes.html).
LINKS = MappingProxyType(
    {
        0: "NULL/Loopback",
        1: "Ethernet",
        3: "AX.25",
        6: "Token Ring",
        7: "ARCNET",
        8: "SLIP",
        9: "PPP",
        10: "FDDI",
        12: "Raw IP",
        14: "Raw IP",
        50: "PPP in HDLC framing",
        51: "PPPoE",
        100: "RFC 1483 ATM",
        101: "Raw IP",
        104: "Cisco HDLC",
        105: "IEEE 802.11",
        107: "Frame Relay",
        108: "OpenBSD loopback",
        109: "OpenBSD enc(4)",
        113: "Linux cooked capture v1",
        114: "LocalTalk",
        117: "OpenBSD pflog",
        119: "IEEE 802.11 plus Prism header",
        122: "IP over Fibre Channel",
        123: "SunATM",
        127: "IEEE 802.11 plus radiotap header",
        129: "Linux ARCNET",
        138: "IP over IEEE 1394",
        139: "SS7 MTP2 with pseudo-header",
        140: "SS7 MTP2",
        141: "SS7 MTP3",
        142: "SS7 SCCP",
        143: "DOCSIS",
        144: "IrDA",
        **{number: f"user-defined DLT {number}" for number in range(147, 163)},
        163: "IEEE 802.11 plus AVS header",
        165: "BACnet MS/TP",
        166: "PPP with pppd direction",
        169: "GPRS LLC",
        177: "LAPD",
        182: "Frame Relay with direction",
        187: "Bluetooth HCI H4",
        189: "USB with Linux header",
        192: "Per-Packet Information",
        195: "IEEE 802.15.4",
        201: "Bluetooth HCI H4 with direction",
        202: "AX.25 with KISS header",
        203: "LAPD",
        204: "PPP with direction",
        205: "Cisco HDLC with direction",
        206: "Frame Relay with direction",
        209: "I2C",
        215: "IEEE 802.15.4 without ASK PHY",
        220: "USB with Linux header and padding",
        224: "Fibre Channel FC-2",
        225: "Fibre Channel FC-2 with delimiters",
        226: "Solaris IPNET",
        227: "CAN",
        228: "Raw IPv4",
        229: "Raw IPv6",
        230: "IEEE 802.15.4 without FCS",
        231: "D-Bus",
        235: "DVB-CI",
        239: "NFLOG",
        240: "Hilscher netANALYZER",
        242: "IP over InfiniBand",
        243: "MPEG-2 transport stream",
        245: "NFC LLCP",
        247: "InfiniBand",
        248: "SCTP",
        249: "USB with USBPcap header",
        251: "Bluetooth Low Energy",
        252: "Wireshark upper PDU",
        253: "Linux Netlink",
        254: "Bluetooth Linux Monitor",
        255: "Bluetooth BR/EDR baseband",
        256: "Bluetooth Low Energy with PHY header",
        258: "Apple PKTAP",
        259: "Ethernet Passive Optical Network",
        264: "ISO 14443",
        266: "USB of Darwin",
        270: "LoRaTap",
        271: "Linux vsock",
        272: "nRF Sniffer for Bluetooth LE",
        274: "IEEE 802.3br mPackets",
        276: "Linux cooked capture v2",
        280: "VPP dispatch trace",
        283: "IEEE 802.15.4 with TAP header",
        288: "USB 2.0/1.1/1.0",
        289: "ATSC ALP",
        292: "Z-Wave serial",
    }
)
# Ethertypes (IEEE, and what devices use without having asked).
ETHERTYPES = MappingProxyType(
    {
        0x0800: "IPv4",
        0x0806: "ARP",
        0x0842: "Wake on LAN",
        0x0BAD: "Banyan VINES",
        0x2000: "CDP",
        0x22E3: "SNMP",
        0x22EA: "SRP",
        0x22F0: "AVTP",
        0x22F3: "TRILL",
        0x22F4: "IS-IS",
        0x2452: "IEEE 802.11 promiscuous",
        0x6002: "DEC MOP",
        0x6003: "DECnet",
        0x6004: "DEC LAT",
        0x6558: "transparent Ethernet bridging",
        0x8035: "RARP",
        0x809B: "AppleTalk",
        0x80F3: "AARP",
        0x8100: "802.1Q VLAN",
        0x8102: "SLPP",
        0x8137: "IPX",
        0x8138: "IPX",
        0x86DD: "IPv6",
        0x8808: "MAC Control",
        0x8809: "Slow Protocols (LACP)",
        0x880B: "PPP",
        0x8847: "MPLS",
        0x8848: "MPLS multicast",
        0x8863: "PPPoE Discovery",
        0x8864: "PPPoE Session",
        0x886C: "HomePNA",
        0x886D: "Intel ANS",
        0x886F: "MS NLB heartbeat",
        0x8870: "Jumbo LLC",
        0x8874: "Broadcom tag",
        0x887B: "HomePlug",
        0x888E: "EAPOL (802.1X)",
        0x8892: "PROFINET",
        0x8899: "Realtek",
        0x889A: "HyperSCSI",
        0x88A2: "ATA over Ethernet",
        0x88A4: "EtherCAT",
        0x88A8: "802.1ad VLAN",
        0x88AB: "POWERLINK",
        0x88B5: "local experimental 1",
        0x88B6: "local experimental 2",
        0x88B7: "OUI extended",
        0x88B8: "GOOSE",
        0x88B9: "GSE",
        0x88BA: "Sampled Values",
        0x88BE: "ERSPAN",
        0x88C7: "802.11i pre-authentication",
        0x88CA: "TIPC",
        0x88CC: "LLDP",
        0x88CD: "SERCOS III",
        0x88D9: "LLTD",
        0x88DC: "WSMP",
        0x88E1: "HomePlug AV",
        0x88E3: "MRP",
        0x88E5: "MACsec (802.1AE)",
        0x88E7: "802.1ah PBB",
        0x88EE: "ELMI",
        0x88F5: "MVRP",
        0x88F6: "MMRP",
        0x88F7: "PTP",
        0x88F8: "NC-SI",
        0x88FB: "PRP",
        0x8902: "CFM",
        0x8903: "Cisco DCE",
        0x8906: "FCoE",
        0x8909: "Cisco MetaData",
        0x890D: "TDLS",
        0x8914: "FIP",
        0x8915: "RoCE",
        0x891D: "TTEthernet",
        0x8926: "VN-Tag",
        0x892F: "HSR",
        0x893A: "IEEE 1905.1",
        0x893F: "802.1BR E-Tag",
        0x8947: "GeoNetworking",
        0x894F: "NSH",
        0x9000: "loopback test",
        0x9100: "QinQ",
        0x9200: "QinQ",
        0xA0ED: "6LoWPAN",
        0xAEFE: "eCPRI",
        0xCAFE: "Veritas LLT",
        0xF1C1: "FRER",
    }
)
# PPP protocols (RFC 1661 and IANA).
PPP = MappingProxyType(
    {
        0x0021: "IPv4",
        0x002D: "VJ compressed TCP",
        0x002F: "VJ uncompressed TCP",
        0x003D: "multilink",
        0x0057: "IPv6",
        0x00FD: "compressed datagram",
        0x0281: "MPLS",
        0x0283: "MPLS multicast",
        0x8021: "IPCP",
        0x8057: "IPV6CP",
        0x80FD: "CCP",
        0xC021: "LCP",
        0xC023: "PAP",
        0xC025: "LQR",
        0xC223: "CHAP",
        0xC227: "EAP",
    }
)

_MIN_TYPE = 0x0600  # below, an Ethernet frame has a length and an 802.2 LLC header


def link_name(linktype: int) -> str:
    """Return what packets of this link type are; its number where it has no name."""
    return LINKS.get(linktype, f"link type {linktype}")


def ether_name(ethertype: int) -> str:
    """Return what an ethertype announces; its number where it has no name."""
    return ETHERTYPES.get(ethertype, f"ethertype 0x{ethertype:04x}")


def ppp_name(protocol: int) -> str:
    """Return what a PPP protocol is called; its number where it has no name."""
    return PPP.get(protocol, f"PPP 0x{protocol:04x}")


def frame_name(linktype: int, ethertype: int) -> str:
    """Return what a frame is, by its ethertype if it has one, else by its link."""
    if ethertype >= _MIN_TYPE:
        return ether_name(ethertype)
    return "802.2 LLC" if linktype in (ETHERNET, SLL, SLL2) else link_name(linktype)
