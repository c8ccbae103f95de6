"""tshark's word on a capture file, in the columns of `Capture`.

Knows what tshark calls a field, and which of several it means; decodes nothing itself.
"""

from __future__ import annotations

import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.unit.capture import oracle_fields as known

from pytest_netlab.wire import Checksum, Direction, mac_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pytest_netlab.capture import Packet

    Row = dict[str, int | str]

_SHOWN = 20  # of the differences; the rest is more of the same


def dissected(tshark: str, path: Path) -> list[Dissection]:
    """Return what tshark says of each packet.

    It shows blocks that are no packets as well; those have no encapsulation.
    """
    names = known.every()
    argv = [tshark, "-n", "-r", str(path), "-T", "fields"]
    argv += ["-E", "occurrence=a", "-E", "aggregator=;"]
    argv += [word for preference in known.PREFERENCES for word in ("-o", preference)]
    argv += [word for name in names for word in ("-e", name)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = (line.split("\t") for line in done.stdout.splitlines())
    found = (Dissection(dict(zip(names, row, strict=True))) for row in rows)
    return [one for one in found if one.text("frame.encap_type")]


def agree(ours: Iterable[Packet], theirs: Sequence[Dissection]) -> None:
    """Fail unless both found the same packets with the same fields."""
    packets = list(ours)
    assert len(theirs) == len(packets)
    both = enumerate(zip(packets, theirs, strict=True), 1)
    differ = [
        f"packet {number}: {name} is {got!r}, tshark says {want!r}"
        for number, (packet, said) in both
        for name, got, want in _differing(packet, said.row())
    ]
    assert not differ, "\n".join(differ[:_SHOWN])


def _differing(packet: Packet, wanted: Row) -> Iterator[tuple[str, object, object]]:
    """Yield the name and both values of each column that is not as tshark says."""
    row: Row = {**packet.row, "time": _seconds(str(packet.row["ts"]), -9)}
    if row["l4_checksum"] == Checksum.PARTIAL:
        row["l4_checksum"] = Checksum.BAD  # tshark has no word for it
    yield from ((k, row[k], want) for k, want in wanted.items() if row[k] != want)


def _seconds(number: str, exponent: int = 0) -> str:
    """Return a time as seconds with nine digits."""
    return f"{Decimal(number).scaleb(exponent):.9f}"


class Dissection:
    """All of each field that tshark found in one packet."""

    def __init__(self, fields: dict[str, str]) -> None:
        """Take the fields as tshark prints them."""
        self._fields = {name: value.split(";") for name, value in fields.items()}
        self._layers = self._fields["frame.protocols"][0].split(":")
        self._headers = [at for at, name in enumerate(self._layers) if name in known.IP]

    def text(self, name: str, which: int = 0) -> str:
        """Return one occurrence of a field, "" if it is not there."""
        return (self._fields[name][which:] or [""])[0]

    def number(self, name: str, which: int = 0) -> int:
        """Return one occurrence of a field, 0 if it is not there."""
        text = self.text(name, which)
        if text in ("True", "False"):
            return int(text == "True")
        return int(text or "0", 0)

    def row(self) -> Row:
        """Return the columns of the packet; what tshark does not tell is empty."""
        row: Row = dict.fromkeys(known.NUMBERS.split(), 0) | dict.fromkeys(
            known.ADDRESSES, ""
        )
        row["wirelen"] = self.number("frame.len")
        row["caplen"] = self.number("frame.cap_len")
        row["time"] = _seconds(self.text("frame.time_epoch") or "0")
        row |= {"vlan": -1, **self._link(), **self._arp()}
        row |= self._direction()
        if self._headers and self.text(self._name(0, "dst")):
            row |= self._ip()
            row |= self._carried()
            row |= self._quoted()
        for column in self._untold():
            del row[column]
        return row

    def _untold(self) -> list[str]:
        """Return the columns that tshark does not tell because a header was cut.

        Of an IPv4 header whose options are cut it tells nothing at all, and what is
        behind an extension header even if that is cut.
        """
        found: list[str] = []
        for which, prefix in enumerate(("", "quoted_")[: len(self._headers)]):
            columns = known.HEADER.split() if not prefix else known.QUOTED.split()
            header = self._layers[self._headers[which]]
            told = self.text(self._name(which, "dst"), self._count(which))
            if header == "ip" and not told:
                found += (prefix + column for column in columns)
            elif self._layers[-1] in self._chain(which)[1:]:
                found += [prefix + "proto"]
        return found

    def _link(self) -> Row:
        """Return the columns of the link header, if all of it is there."""
        if self.text("sll.etype"):
            source = int.from_bytes(mac_bytes(self.text("sll.src.eth")), "big")
            return {"eth_src": source, "ethertype": self.number("sll.etype")}
        if self.text("null.family"):
            return {"ethertype": known.LOOPBACK[self.text("null.family")]}
        if not self.text("eth.type") and not self.text("eth.len"):
            return {}
        ends = {
            f"eth_{end}": int.from_bytes(mac_bytes(self.text(f"eth.{end}")), "big")
            for end in ("src", "dst")
        }
        types = [self.number("eth.type")]
        types += [int(name, 0) for name in self._fields["vlan.etype"] if name]
        tag = self.text("ieee8021ad.id") or (types[1:] and self.text("vlan.id")) or -1
        last = types[-1] if types[-1] not in known.TAGS else 0
        return {**ends, "ethertype": last, "vlan": int(tag)}

    def _direction(self) -> Row:
        """Return the direction, where anything in the file tells it."""
        if self.text("frame.packet_flags_direction"):
            return {"direction": self.number("frame.packet_flags_direction")}
        if self.text("sll.pkttype"):
            is_out = self.text("sll.pkttype") == known.OUTGOING
            return {"direction": Direction.OUTBOUND if is_out else Direction.INBOUND}
        return {}

    def _arp(self) -> Row:
        """Return the columns of an ARP message."""
        row: Row = {"arp_op": self.number("arp.opcode")}
        if self.text("arp.dst.proto_ipv4"):
            row["src"] = self.text("arp.src.proto_ipv4")
            row["dst"] = self.text("arp.dst.proto_ipv4")
        return row

    def _name(self, which: int, column: str) -> str:
        """Return what tshark calls a column of one of the IP headers."""
        return known.IP[self._layers[self._headers[which]]][column]

    def _ip(self) -> Row:
        """Return the columns of the outer IP header."""
        version = self._layers[self._headers[0]]
        row: Row = {"ip_version": 4 if version == "ip" else 6, "proto": self._proto(0)}
        for column, name in known.IP[version].items():
            is_text = column in known.ADDRESSES
            row[column] = self.text(name) if is_text else self.number(name)
        if version == "ip":
            flags = self.number("ip.flags.df") << 1 | self.number("ip.flags.mf")
            row["frag_offset"] = self.number("ip.frag_offset") * known.UNIT
            row["ip_checksum"] = known.STATUS[self.text("ip.checksum.status")]
            return {**row, "ip_flags": flags}
        if "ipv6.fraghdr" in self._chain(0) and self.text("ipv6.fraghdr.ident"):
            row["ip_id"] = self.number("ipv6.fraghdr.ident")
            row["ip_flags"] = self.number("ipv6.fraghdr.more")
            row["frag_offset"] = self.number("ipv6.fraghdr.offset") * known.UNIT
        return row

    def _chain(self, which: int) -> list[str]:
        """Return one of the IP headers and the extension headers that follow it."""
        at = self._headers[which]
        end = at + 1
        while end < len(self._layers) and self._layers[end] in list(known.NEXT)[2:]:
            end += 1
        return self._layers[at:end]

    def _proto(self, which: int) -> int:
        """Return what the last header of a chain announces."""
        at = self._headers[which] + len(self._chain(which)) - 1
        teller = self._layers[at]
        return self.number(known.NEXT[teller], self._layers[:at].count(teller))

    def _above(self, which: int) -> str:
        """Return the protocol that an IP header carries, "" if none is known."""
        at = self._headers[which] + len(self._chain(which))
        name = self._layers[at] if at < len(self._layers) else ""
        return name if name in known.L4 else ""

    def _carried(self) -> Row:
        """Return the columns of the transport, if all of its header is there."""
        l4, size = self._above(0), self._carried_bytes()
        if not l4:
            return {"payload_len": size} if size >= 0 else {}
        is_quench = l4 == "icmp" and self.number("icmp.type") == known.QUENCH
        if not is_quench and not any(self.text(name) for name in known.LAST[l4]):
            return {}
        row: Row = {column: self.number(name) for column, name in known.L4[l4].items()}
        if row.get("icmp_type") in known.ECHO_TYPES.get(l4, ()):
            row |= {
                column: self.number(name) for column, name in known.ECHO[l4].items()
            }
        row["l4_checksum"] = known.STATUS[self.text(f"{l4}.checksum.status") or "2"]
        if self.number("ipv6.routing.segleft"):
            row["l4_checksum"] = Checksum.ABSENT
        return row | self._payload_bytes(l4, size)

    def _carried_bytes(self) -> int:
        """Return how much the IP header says it carries, -1 if that is hard to tell."""
        chain = self._chain(0)
        if chain == ["ip"]:
            return self.number("ip.len") - self.number("ip.hdr_len")
        return self.number("ipv6.plen") if chain == ["ipv6"] else -1

    def _payload_bytes(self, l4: str, size: int) -> Row:
        """Return how long the payload is, if that is not hard to tell."""
        if l4 == "tcp":
            return {"payload_len": self.number("tcp.len")}
        is_part = self.number("ip.flags.mf") or self.number("ipv6.fraghdr.more")
        if l4 == "udp" and not is_part:
            return {"payload_len": self.number("udp.length") - known.UNIT}
        return {"payload_len": size - known.UNIT} if size >= 0 else {}

    def _quoted(self) -> Row:
        """Return the columns of what an ICMP error quotes."""
        is_quoted = self._above(0) in known.ECHO and len(self._headers) > 1
        if not is_quoted or not self.text(self._name(1, "dst"), self._count(1)):
            return {}
        row: Row = {"quoted_proto": self._proto(1)}
        for end in ("src", "dst"):
            row[f"quoted_{end}"] = self.text(self._name(1, end), self._count(1))
        row["quoted_ttl"] = self.number(self._name(1, "ttl"), self._count(1))
        if self._layers[self._headers[1]] == "ip":
            row["quoted_ip_id"] = self.number("ip.id", self._count(1))
        l4 = self._above(1)
        if l4 in ("tcp", "udp"):
            row["quoted_sport"] = self.number(known.L4[l4]["sport"])
            row["quoted_dport"] = self.number(known.L4[l4]["dport"])
        elif l4 and self.number(known.L4[l4]["icmp_type"], 1) in known.ECHO_TYPES[l4]:
            row["quoted_icmp_id"] = self.number(known.ECHO[l4]["icmp_id"])
        return row

    def _count(self, which: int) -> int:
        """Return how many headers of the same version are before this one."""
        at = self._headers[which]
        return self._layers[:at].count(self._layers[at])
