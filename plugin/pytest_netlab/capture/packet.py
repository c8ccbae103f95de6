"""One packet of a capture, for people: text, bytes, a scapy object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_netlab.wire import (
    COLUMNS,
    Direction,
    address_text,
    canary,
    ipv6,
    render,
)
from pytest_netlab.wire.address import as_ipv6

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.capture.values import Rows

_SECOND = 1_000_000_000
_ARROWS = {Direction.UNKNOWN: "", Direction.INBOUND: "In ", Direction.OUTBOUND: "Out "}
# Scapy's class for each link type; any other becomes Raw.
_SCAPY = {
    0: ("l2", "Loopback"),
    1: ("l2", "Ether"),
    108: ("l2", "Loopback"),
    113: ("l2", "CookedLinux"),
    276: ("l2", "CookedLinuxV2"),
}
_RAW_IP = (101, 12, 14, 228, 229)
_SCAPY_RAW = {4: ("inet", "IP"), 6: ("inet6", "IPv6")}


@dataclass(frozen=True, slots=True)
class Packet:
    """One row of a capture."""

    capture: Rows
    index: int

    @property
    def bytes(self) -> bytes:
        """Return the captured bytes, from the link header on."""
        return self.capture.octets(self.index)

    @property
    def comment(self) -> str:
        """Return the comment on this packet, empty if there is none."""
        return self.capture.note(self.index)

    @property
    def interface(self) -> str:
        """Return the name of the interface it was captured on."""
        return self.capture.interfaces[int(self.capture.point[self.index])].name

    @property
    def row(self) -> dict[str, int | str]:
        """Return every column's value; addresses as text, empty where there is none."""
        row: dict[str, int | str] = {}
        for column in COLUMNS:
            value = self.capture.column(column.name)[self.index]
            row[column.name] = (
                value.item() if column.width == 1 else self._text(column.name)
            )
        return row

    def _text(self, name: str) -> str:
        """Return an address as text, empty where there is none."""
        if not self.capture.valid(name)[self.index]:
            return ""
        text = address_text(self.capture.column(name)[self.index].tobytes())
        is_six = self.capture.column("ip_version")[self.index] == ipv6.VERSION
        return as_ipv6(text) if is_six else text

    @property
    def text(self) -> str:
        """Return one line: time, interface, direction, and the packet as in tcpdump."""
        row = self.row
        seconds, rest = divmod(int(row["ts"]), _SECOND)
        return f"{seconds}.{rest:09d} {self._line(row)}"

    def __str__(self) -> str:
        """Return its text without the time."""
        return self._line(self.row)

    def _line(self, row: Mapping[str, int | str]) -> str:
        arrow = _ARROWS.get(Direction(int(row["direction"])), "")
        where = f"{self.interface} {arrow}" if self.interface else arrow
        return f"{where}{self._canary(row) or render(row, self.capture.names)}"

    def _canary(self, row: Mapping[str, int | str]) -> str:
        """Return the text of a canary of ours; "" for any other packet."""
        if row["ethertype"] != canary.ETHERTYPE:
            return ""
        found = canary.parse(self.bytes)
        return f"canary: the capture of {found.point} {found.kind}s" if found else ""

    def to_scapy(self) -> Any:
        """Return the packet dissected by scapy (extra `craft`)."""
        from importlib import import_module  # noqa: PLC0415 - heavy and optional

        point = int(self.capture.point[self.index])
        linktype = self.capture.interfaces[point].linktype
        module, name = _SCAPY.get(linktype, ("packet", "Raw"))
        if linktype in _RAW_IP:
            version = self.bytes[0] >> 4 if self.bytes else 0
            module, name = _SCAPY_RAW.get(version, ("packet", "Raw"))
        if module != "packet":
            import_module("scapy.layers.inet6")  # binds IP and IPv6 to the links
        package = "scapy" if module == "packet" else "scapy.layers"
        return getattr(import_module(f"{package}.{module}"), name)(self.bytes)
