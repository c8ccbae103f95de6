"""Whose Ethernet addresses are whose, and which of them the ends of a packet have."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING

from pytest_netlab.wire import Direction, address_text, is_mac, mac_bytes, mac_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.capture import Capture

_GROUP = 1 << 40  # IEEE 802.3, 3.2.3: the frame is for many
_GATEWAY = "gateway"
UNKNOWN = "an address of no node"


@dataclass(frozen=True)
class Stations:
    """The links of a host's own capture points, as a capture names who is on them.

    Attributes:
        capture: what rows index.
        names: address -> name; of Ethernet addresses too where the capture has them.
        own: index of each point at an interface of the host -> the name of that one.

    """

    capture: Capture
    names: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def known(self) -> dict[int, str]:
        """Return Ethernet address -> name."""
        return {
            int.from_bytes(mac_bytes(text), "big"): name
            for text, name in self.names.items()
            if is_mac(text)
        }

    @cached_property
    def of(self) -> dict[str, set[int]]:
        """Return name -> Ethernet addresses; the host has one a link."""
        found: dict[str, set[int]] = defaultdict(set)
        for mac, name in self.known.items():
            found[name].add(mac)
        return found

    def sent(self, row: int) -> bool:
        """Return whether the host sent a frame, as a point of its own saw it."""
        return self._is(row, Direction.OUTBOUND)

    def judges(self, row: int) -> bool:
        """Return whether the stations of a frame are known: one end is the host."""
        if not self.known or self.capture.eth_dst[row] & _GROUP:
            return False
        return self.sent(row) or self._is(row, Direction.INBOUND)

    def host(self, row: int) -> int:
        """Return the Ethernet address that is to be the host's."""
        sent = self.sent(row)
        return int((self.capture.eth_src if sent else self.capture.eth_dst)[row])

    def neighbour(self, row: int) -> int:
        """Return the Ethernet address of who the host sent a frame to, or had it of."""
        sent = self.sent(row)
        return int((self.capture.eth_dst if sent else self.capture.eth_src)[row])

    def own_name(self, row: int) -> str:
        """Return the name of the host's interface at the point of a row."""
        return self.own[int(self.capture.point[row])]

    def far_end(self, row: int) -> str:
        """Return the IP address that is beyond the link."""
        column = self.capture.dst if self.sent(row) else self.capture.src
        return address_text(bytes(column[row]))

    def is_for_host(self, row: int) -> bool:
        """Return whether the host may have sent a frame, or may have seen it come.

        A promiscuous interface also sees what a bridge takes to another station of the
        same link.
        """
        if self.host(row) in self.of[self.own_name(row)]:
            return True
        target = address_text(bytes(self.capture.dst[row]))
        theirs = self.of[self.names.get(target, "")]
        is_bridged = not self.sent(row) and self._on_link(row, target)
        return is_bridged and (not theirs or self.host(row) in theirs)

    def name_of(self, mac: int) -> str:
        """Return whose an Ethernet address is, in words."""
        return f"that of {self.known[mac]}" if mac in self.known else mac_text(mac)

    def via(self, row: int) -> str | None:
        """Return the next hop of a packet, or the last one: who is not its own end.

        None where it is, and where the gateway has or sent what is for no node.
        """
        if not self.judges(row):
            return None
        mac, address = self.neighbour(row), self.far_end(row)
        theirs = self.of[self.names.get(address, "")]
        found = self.known.get(mac, UNKNOWN)
        if theirs:
            return None if mac in theirs else found
        # Other containers, and addresses that a node was given later, have no station.
        is_usual = found in (_GATEWAY, UNKNOWN) or self._on_link(row, address)
        return None if is_usual else found

    def _on_link(self, row: int, address: str) -> bool:
        """Return whether an address is of the network at the point of a row."""
        interface = self.capture.interfaces[int(self.capture.point[row])]
        networks = (ip_interface(own).network for own in interface.addresses)
        return any(ip_address(address) in one for one in networks)

    def _is(self, row: int, direction: Direction) -> bool:
        if not self.own:
            return False
        at = int(self.capture.point[row])
        return at in self.own and int(self.capture.direction[row]) == direction
