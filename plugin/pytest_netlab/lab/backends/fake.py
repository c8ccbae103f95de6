"""A lab in memory: a NAT model instead of a kernel. Needs nothing, runs anywhere.

For tests of the plugin and of scenarios' logic. Its attributes are the faults a test
may inject: `wire.forwarding`, `wire.nat`, `proxy`, `blind`.
"""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Network
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.errors import (
    BlindCaptureError,
    CommandError,
    LabError,
    LabUnavailableError,
    Remedy,
)
from pytest_netlab.flows import ICMP, TCP, Tuple5
from pytest_netlab.host.snapshot import Snapshot
from pytest_netlab.lab.backends.fakewire import Wire, converse, ping
from pytest_netlab.nat import Nat
from pytest_netlab.spec import CONTAINERS, DOCKER0, PEERS, WEB_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_netlab.spec import LabOptions, Point

SUBNET = IPv4Network("172.17.0.0/16")
BRIDGE = "172.17.0.1"
LISTING = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nlisting\n"


def start(options: LabOptions) -> FakeLab:
    """Start a lab in memory."""
    return FakeLab(options)


class FakeNode:
    """A node that knows two commands: ping and curl."""

    def __init__(self, lab: FakeLab, name: str, address: str) -> None:
        """Attach the node to a lab."""
        self.name, self.address = name, address
        self._lab = lab

    def run(
        self,
        *argv: str,
        check: bool = True,
        timeout: float = 10,  # noqa: ARG002 - nothing here takes time
    ) -> subprocess.CompletedProcess[str]:
        """Play `ping [-c N] ADDRESS` or `curl URL` on the wire in memory."""
        play = {"ping": self._lab.ping, "curl": self._lab.curl}.get(argv[0])
        if play is None:
            raise LabUnavailableError(
                f"the fake lab plays ping and curl, not {argv[0]}",
                remedy=Remedy.ENGINE,
            )
        ok = play(self.address, argv[1:])
        if check and not ok:
            raise CommandError(f"{self.name}: `{' '.join(argv)}` got no answer")
        printed = LISTING.decode().partition("\r\n\r\n")[2] if argv[0] == "curl" else ""
        return subprocess.CompletedProcess(
            argv, 0 if ok else 1, printed if ok else "", ""
        )

    @property
    def container(self) -> FakeContainer:
        """Return what stands in for the docker SDK's container."""
        if self.name not in CONTAINERS:
            raise LabError(f"{self.name} is no container")
        return FakeContainer(self._lab.log)


class FakeContainer:
    """Stands in for a container: its log, which is all that scenarios read."""

    def __init__(self, log: Sequence[str]) -> None:
        """Keep the lines."""
        self._log = log

    def logs(self) -> bytes:
        """Return what the web server printed, as the docker SDK does."""
        return "".join(f"{line}\n" for line in self._log).encode()


class FakeTap:
    """A capture at some points of the wire in memory, from construction on."""

    def __init__(self, lab: FakeLab, points: Sequence[Point]) -> None:
        """Send the opening canaries."""
        self._lab = lab
        self._points = [point.name for point in points]
        self._from = len(lab.wire.frames)
        self._canaries("open")

    def _canaries(self, kind: str) -> None:
        for point in self._points:
            if point not in self._lab.blind:
                self._lab.wire.canary(point, "fake", kind)

    def stop(self) -> Capture:
        """Return the frames since the start; BlindCaptureError if a point is blind."""
        blind = self._lab.blind.intersection(self._points)
        if blind:
            text = f"{', '.join(sorted(blind))}: the canary was not seen"
            raise BlindCaptureError(text)
        self._canaries("close")
        frames = [
            frame._replace(interface=self._points.index(point))
            for point, frame in self._lab.wire.frames[self._from :]
            if point in self._points
        ]
        own = {DOCKER0.name: (f"{BRIDGE}/{SUBNET.prefixlen}",)}
        interfaces = [
            Interface(name=n, received=0, dropped=0, addresses=own.get(n, ()))
            for n in self._points
        ]
        return Capture.from_frames(frames, interfaces, self._lab.symbols)

    def close(self) -> None:
        """Do nothing: there is nothing to free."""


class FakeLab:
    """Implements `lab.protocol.Lab` over `fakewire.Wire`."""

    def __init__(self, options: LabOptions) -> None:
        """Build the article's topology in memory."""
        plan = options.topology
        free = islice(SUBNET.hosts(), 1, None)  # the first is the bridge's
        addresses = {n: str(ip) for n, ip in zip(CONTAINERS, free, strict=False)}
        addresses |= {name: str(plan.peers[name].ip) for name in PEERS}
        addresses["host"] = str(plan.uplink.ip)
        self.nodes = {n: FakeNode(self, n, addresses[n]) for n in ("host", *addresses)}
        published = {plan.published: (addresses["web"], WEB_PORT)}
        nat = Nat(subnet=SUBNET, address=addresses["host"], published=published)
        present = {*addresses.values(), BRIDGE}
        self.wire = Wire(nat=nat, bridge=BRIDGE, present=present)
        self.proxy = False
        self._published = (addresses["host"], plan.published)
        self.blind: set[str] = set()
        self.facts: Mapping[str, str] = {"engine": "fake"}
        named = {address: name for name, address in addresses.items()}
        gateway = str(plan.peers["gateway"].ip)
        self.symbols = {**named, BRIDGE: "bridge", gateway: "gateway"}
        self.log: list[str] = []
        self._port = 40000

    @property
    def docker(self) -> Any:
        """Refuse: there is no engine."""
        raise LabUnavailableError("the fake lab has no engine", remedy=Remedy.ENGINE)

    def demand_engine(self) -> None:
        """Do nothing: there is no engine."""

    def reset(self) -> None:
        """Flush the mapping table."""
        self.wire.nat.flush()

    def tap(self, points: Sequence[Point]) -> FakeTap:
        """Start a capture."""
        return FakeTap(self, points)

    def snapshot(self) -> Snapshot:
        """Return the model's rules as the only evidence there is."""
        return Snapshot(files={"nat.txt": f"{self.wire.nat}\n"})

    def close(self) -> None:
        """Do nothing: there is nothing to free."""

    def ping(self, source: str, arguments: Sequence[str]) -> bool:
        """Play echo exchanges; the id is the next free number."""
        count = arguments[arguments.index("-c") + 1] if "-c" in arguments else "1"
        ident = self._next_port()
        key = Tuple5(ICMP, source, ident, arguments[-1], ident)
        replies = [ping(self.wire, key, seq + 1) for seq in range(int(count))]
        return all(replies)

    def curl(self, source: str, arguments: Sequence[str]) -> bool:
        """Play a GET; with `proxy` on, docker-proxy carries what is not translated."""
        url = urlsplit(arguments[-1])
        key = Tuple5(TCP, source, self._next_port(), str(url.hostname), url.port or 80)
        request = f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
        web = (self.nodes["web"].address, WEB_PORT)
        self.wire.listening = {web, self._published} if self.proxy else {web}
        there = converse(self.wire, key, request, LISTING)
        if there is not None and (there.dst, there.dport) == self._published:
            key = Tuple5(TCP, BRIDGE, self._next_port(), *web)
            there = converse(self.wire, key, request, LISTING)
        if there is not None:
            self.log.append(f"{there.src} GET {url.path}")
        return there is not None

    def _next_port(self) -> int:
        self._port += 1
        return self._port
