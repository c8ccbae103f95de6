"""What stops frames at a link below IP: queues, programs, the state of link and port.

Reads what `tc -s qdisc`, `ip -d link`, `bridge -d link` and `bridge fdb` print.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

QUEUES, LINKS = "tc.txt", "ip-host.txt"
PORTS, ADDRESSES = "bridge-link.txt", "bridge-fdb.txt"
_QUEUE = re.compile(
    r"^qdisc (?P<kind>\S+) (?P<handle>\S+) dev (?P<link>\S+) (?P<rest>.*)\n"
    r".*\(dropped (?P<dropped>\d{1,20}),",
    re.MULTILINE,
)
_LINK = re.compile(r"^\d+: (?P<name>[^:@\s]+)\S* <(?P<flags>[^>]*)> (?P<rest>.*)")
_PROGRAM = re.compile(r"\b(?P<mode>xdp\w*)/id:(?P<id>\d+)")
_STATE = re.compile(r"\bmaster (?P<bridge>\S+) state (?P<state>\w+)")
_FIXED = re.compile(r"^(?P<mac>\S+) dev (?P<port>\S+) .*master (?P<bridge>\S+) static")
_FORWARDS = "forwarding"
_INWARD = ("clsact", "ingress")  # queues of what a link brings; clsact has both ways


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stops frames at a link, or may.

    Attributes:
        place: the link's name; the Ethernet address, if it is what frames are for.
        text: what it is, as the tool prints it.
        remedy: a command that removes it; "" where none is known.
        port: where frames are sent instead: "" unless `place` is an address.
        inward: it may stop what the link brings.
        outward: it may stop what the link takes away.
        counted: it has counted packets that it stopped.

    """

    place: str
    text: str
    remedy: str = ""
    port: str = ""
    inward: bool = True
    outward: bool = True
    counted: bool = False


def obstacles(
    files: Mapping[str, str], ports: Collection[str] = ()
) -> tuple[Obstacle, ...]:
    """Return what stops frames at the links of a host, what counted them first.

    Args:
        files: evidence, file name -> text.
        ports: the links that should be ports of a bridge.

    """
    return (
        *_queues(files.get(QUEUES, "")),
        *_links(files.get(LINKS, ""), ports),
        *_ports(files.get(PORTS, "")),
        *_fixed(files.get(ADDRESSES, "")),
    )


def _queues(printed: str) -> Iterator[Obstacle]:
    """Yield the queues that dropped packets."""
    for one in _QUEUE.finditer(printed):
        kind, link, dropped = one["kind"], one["link"], int(one["dropped"])
        if not dropped:
            continue
        own = one["handle"] != "0:"  # the kernel's own queue cannot be deleted
        place = kind if kind in _INWARD else "root"
        yield Obstacle(
            link,
            f"qdisc {kind} of {link} has dropped {dropped} packet{'s' * (dropped > 1)}",
            f"tc qdisc del dev {link} {place}" if own else "",
            inward=kind in _INWARD,
            outward=kind != "ingress",
            counted=True,
        )


def _links(printed: str, ports: Collection[str]) -> Iterator[Obstacle]:
    for line in printed.splitlines():
        found = _LINK.match(line)
        if found is None:
            continue
        name, flags = found["name"], found["flags"].split(",")
        if program := _PROGRAM.search(found["rest"]):
            text = f"the XDP program {program['id']} of {name} sees frames first"
            off = f"ip link set dev {name} {program['mode']} off"
            yield Obstacle(name, text, off, outward=False)
        if "UP" not in flags:
            yield Obstacle(name, f"link {name} is down", f"ip link set dev {name} up")
        elif "NO-CARRIER" in flags:
            yield Obstacle(name, f"the other end of link {name} is down")
        if name in ports and " master " not in f" {found['rest']} ":
            yield Obstacle(name, f"link {name} is no port of a bridge")


def _ports(printed: str) -> Iterator[Obstacle]:
    name = ""
    for line in printed.splitlines():
        if found := _LINK.match(line):
            name, port = found["name"], _STATE.search(found["rest"])
            if port and port["state"] != _FORWARDS:
                text = f"{port['bridge']}'s port {name} is in state {port['state']}"
                yield Obstacle(name, text, f"bridge link set dev {name} state 3")
        for flag, inward in (("locked", True), ("isolated", False)):
            if name and f" {flag} on " in f" {line} ":
                off = f"bridge link set dev {name} {flag} off"
                text = f"the bridge's port {name} is {flag}"
                yield Obstacle(name, text, off, inward=inward, outward=not inward)


def _fixed(printed: str) -> Iterator[Obstacle]:
    """Yield the addresses that somebody has nailed to a port."""
    for line in printed.splitlines():
        if one := _FIXED.match(line):
            mac, port, bridge = one["mac"], one["port"], one["bridge"]
            text = f"{bridge} sends what is for {mac} to its port {port} (`bridge fdb`)"
            off = f"bridge fdb del {mac} dev {port} master"
            yield Obstacle(mac, text, off, port, inward=False)
