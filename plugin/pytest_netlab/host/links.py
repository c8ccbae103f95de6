"""Links of a host and their neighbours, as values.

Decodes rtnetlink's messages, as pyroute2 returns them (rtnetlink(7)).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_netlab.host.routing.iproute import maybe, named, number

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATES = {
    1: "INCOMPLETE",
    2: "REACHABLE",
    4: "STALE",
    8: "DELAY",
    16: "PROBE",
    32: "FAILED",
    128: "PERMANENT",
}
_LACKS = ("no-carrier", "no-arp", "not-forwarding")
_NOARP, _FORWARDING = 0x80, 3  # IFF_NOARP; BR_STATE_FORWARDING
_FLAGS = {8: "proxy", 16: "extern_learn", 128: "router"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A network interface.

    Attributes:
        index: the kernel's number of it, in its namespace.
        name: the interface's name.
        mtu: in octets.
        state: up or down, as it was set: not whether its peer is there.
        kind: bridge, veth, ...; "" for hardware and the loopback.
        mac: its address; "" for none.
        master: the index of the bridge it is a port of; None for none.
        peer: the index of a veth's other end, in that end's namespace; None for none.
        carrier: whether its peer is there, and up.
        arp: whether it asks for, and answers, Ethernet addresses.
        forwards: as a port of a bridge, whether it passes frames on.

    """

    index: int
    name: str
    mtu: int
    state: str
    kind: str = ""
    mac: str = ""
    master: int | None = None
    peer: int | None = None
    carrier: bool = True
    arp: bool = True
    forwards: bool = True

    @property
    def is_up(self) -> bool:
        """Return whether frames can cross it."""
        return self.state == "up" and self.carrier

    def __str__(self) -> str:
        """Render as `links` reads it."""
        words = [f"{self.index}: {self.name} mtu {self.mtu} state {self.state}"]
        for name, value in (
            ("kind", self.kind),
            ("mac", self.mac),
            ("master", self.master),
            ("peer", self.peer),
        ):
            if value not in ("", None):
                words.append(f"{name} {value}")
        for word, has in zip(_LACKS, self._has(), strict=True):
            words += [word] * (not has)
        return " ".join(words)

    def _has(self) -> tuple[bool, ...]:
        return self.carrier, self.arp, self.forwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An entry of a link's neighbour table (ARP, neighbour discovery).

    Attributes:
        address: of the neighbour.
        device: name of the link.
        mac: "" without an answer.
        flags: router, proxy, extern_learn.
        state: REACHABLE, STALE, FAILED, ...; "" for a proxy.

    """

    address: str
    device: str
    mac: str = ""
    flags: tuple[str, ...] = ()
    state: str = ""

    def __str__(self) -> str:
        """Render as `ip neigh` does."""
        tokens = (
            self.address,
            f"dev {self.device}",
            f"lladdr {self.mac}" * bool(self.mac),
        )
        return " ".join(filter(None, (*tokens, *self.flags, self.state)))


def link(message: Any) -> Link:
    """Return the link in a message, RTM_NEWLINK."""
    info = message.get("linkinfo")
    return Link(
        index=message["index"],
        name=message.get("ifname"),
        mtu=message.get("mtu"),
        state=message.get("state"),
        kind=(info and info.get("kind")) or "",
        mac=message.get("address") or "",
        master=message.get("master"),
        peer=message.get("link"),
        carrier=message.get("carrier") != 0,
        arp=not (message.get("flags") or 0) & _NOARP,
        forwards=_port_state(info) == _FORWARDING,
    )


def _port_state(info: Any) -> int:
    """Return the state of a bridge's port; of another link, forwarding."""
    is_port = info is not None and info.get("slave_kind") == "bridge"
    data = info.get("slave_data") if is_port else None
    return int(data.get("state")) if data else _FORWARDING


def links(listed: str) -> tuple[Link, ...]:
    """Return the links, one a line; other lines are left out."""
    found = []
    for line in listed.splitlines():
        with suppress(ValueError, KeyError, IndexError):
            found.append(_link(line.split()))
    return tuple(found)


def _link(tokens: list[str]) -> Link:
    found = named(tokens[2:], ("mtu", "state", "kind", "mac", "master", "peer"))
    return Link(
        index=number(tokens[0].removesuffix(":")),
        name=tokens[1],
        mtu=number(found["mtu"]),
        state=found["state"],
        kind=found.get("kind", ""),
        mac=found.get("mac", ""),
        master=maybe(found, "master"),
        peer=maybe(found, "peer"),
        carrier=_LACKS[0] not in tokens,
        arp=_LACKS[1] not in tokens,
        forwards=_LACKS[2] not in tokens,
    )


def neighbour(message: Any, names: Mapping[int, str]) -> Neighbour:
    """Return the neighbour in a message.

    Args:
        message: RTM_NEWNEIGH.
        names: index of a link -> its name.

    """
    return Neighbour(
        address=message.get("dst"),
        device=names.get(message["ifindex"], ""),
        mac=message.get("lladdr") or "",
        flags=tuple(name for bit, name in _FLAGS.items() if message["flags"] & bit),
        state=_STATES.get(message["state"], ""),
    )


def neighbours(listed: str) -> tuple[Neighbour, ...]:
    """Return what `ip neigh` printed; other lines are left out."""
    found = (_neighbour(line.split()) for line in listed.splitlines())
    return tuple(one for one in found if one is not None)


def _neighbour(tokens: list[str]) -> Neighbour | None:
    found = named(tokens[1:], ("dev", "lladdr"))
    if "dev" not in found:
        return None
    return Neighbour(
        address=tokens[0],
        device=found["dev"],
        mac=found.get("lladdr", ""),
        flags=tuple(word for word in tokens if word in _FLAGS.values()),
        state=next((word for word in tokens if word in _STATES.values()), ""),
    )
