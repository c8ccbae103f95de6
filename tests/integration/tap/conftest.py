"""Real links to capture on, all inside namespaces that end with the test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pyroute2 import IPRoute

from pytest_netlab.lab.net.netns import inside
from pytest_netlab.lab.tap.live import LiveCapture, TapPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEAR, FAR = "10.9.0.1", "10.9.0.2"
# Its ethertype is local experimental 2, which no stack answers.
BLAST = """
import socket, sys
count, size = int(sys.argv[1]), int(sys.argv[2])
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind(("far0", 0))
head = bytes(12) + bytes.fromhex("88b6")
for number in range(count):
    sock.send(head + number.to_bytes(4, "big") + bytes(size))
"""
FLOOD = """
import socket, sys, time
gap, end = float(sys.argv[1]), time.monotonic() + 10
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind(("far0", 0))
while time.monotonic() < end:
    sock.send(bytes(12) + bytes.fromhex("88b6") + bytes(10))
    if gap:
        time.sleep(gap)
"""


@dataclass(frozen=True)
class Namespace:
    """A network namespace that lives as long as its holder process."""

    pid: int

    @property
    def path(self) -> str:
        """Return where it can be entered."""
        return f"/proc/{self.pid}/ns/net"

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        return subprocess.run(
            ["nsenter", f"--net={self.path}", *argv],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        )

    @contextmanager
    def started(self, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command in it for the length of the block."""
        argv = ("nsenter", f"--net={self.path}", *argv)
        with subprocess.Popen(argv, stderr=subprocess.PIPE) as process:
            try:
                yield process
            finally:
                process.terminate()

    def link(self, *args: Any, **options: Any) -> None:
        """Do with its links what pyroute2 calls so."""
        with inside(self.path), IPRoute() as route:
            route.link(*args, **options)

    def up(self, interface: str, address: str) -> None:
        """Give an interface an address and set it up."""
        with inside(self.path), IPRoute() as route:
            index = route.link_lookup(ifname=interface)[0]
            route.addr("add", index=index, address=address, prefixlen=24)
            route.link("set", index=index, state="up")

    def socket(self, *kind: int) -> socket.socket:
        """Return a socket of this namespace."""
        with inside(self.path):
            return socket.socket(*kind)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a namespace without IPv6, whose own chatter nobody asked for."""
    quiet = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; echo; exec cat"
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", quiet],
        stdin=subprocess.PIPE,  # cat ends with this process, however that ends
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield Namespace(holder.pid)
        holder.kill()


def join(near: Namespace, far: Namespace, names: tuple[str, str]) -> None:
    """Put a veth between two namespaces."""
    peer = {"ifname": names[1], "net_ns_pid": far.pid}
    near.link("add", ifname=names[0], kind="veth", peer=peer)


@dataclass(frozen=True)
class Wire:
    """Two namespaces with a veth between them, near0 and far0."""

    near: Namespace
    far: Namespace

    @property
    def point(self) -> TapPoint:
        """Return the point at the near end."""
        return TapPoint(
            name="uplink",
            interface="near0",
            netns=self.near.path,
            canary_netns=self.far.path,
            canary_interface="far0",
        )

    def raw(self) -> socket.socket:
        """Return a socket that sends frames from the far end."""
        sock = self.far.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sock.bind(("far0", 0))
        return sock

    @contextmanager
    def flood(self, gap: float = 0) -> Iterator[subprocess.Popen[bytes]]:
        """Send frames from the far end during the block, at most for ten seconds."""
        with self.near.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("near0", 0x88B6))
            sock.settimeout(10)
            with self.far.started(sys.executable, "-c", FLOOD, str(gap)) as process:
                sock.recv(100)  # it has begun
                yield process

    def blast(self, count: int, size: int) -> None:
        """Send numbered frames from the far end as fast as one process can."""
        self.far.run(sys.executable, "-c", BLAST, str(count), str(size))

    def spare(self) -> None:
        """Put a second veth between the two, spare0 and spare1."""
        join(self.near, self.far, ("spare0", "spare1"))
        self.near.up("spare0", "10.9.3.1")
        self.far.up("spare1", "10.9.3.2")

    def exchange(self, rounds: int = 3) -> None:
        """Send datagrams there and back through the kernel."""
        ask = self.near.socket(socket.AF_INET, socket.SOCK_DGRAM)
        answer = self.far.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with ask, answer:
            ask.settimeout(5)
            answer.bind((FAR, 5000))
            for _ in range(rounds):
                ask.sendto(b"ask", (FAR, 5000))
                _, back = answer.recvfrom(100)
                answer.sendto(b"answer", back)
                ask.recv(100)

    @contextmanager
    def conversation(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Connect near to port 80 of far; yield both ends."""
        listener = self.far.socket(socket.AF_INET, socket.SOCK_STREAM)
        client = self.near.socket(socket.AF_INET, socket.SOCK_STREAM)
        with listener, client:
            listener.bind((FAR, 80))
            listener.listen()
            client.connect((FAR, 80))
            server, _ = listener.accept()
            with server:
                yield client, server


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A veth that is up at both ends."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes network namespaces")
    with namespace() as near, namespace() as far:
        join(near, far, ("near0", "far0"))
        far.up("far0", FAR)
        near.up("near0", NEAR)
        yield Wire(near, far)


@pytest.fixture
def start() -> Iterator[Callable[..., LiveCapture]]:
    """Start captures that are closed whatever happens to the test."""
    with ExitStack() as undo:

        def started(*points: TapPoint, **options: Any) -> LiveCapture:
            live = LiveCapture(points, **options)
            undo.callback(live.close)
            return live.start()

        yield started


@pytest.fixture
def router() -> Iterator[tuple[TapPoint, TapPoint]]:
    """Points on both sides of a host: docker0 and the uplink, with their neighbours."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes network namespaces")
    with namespace() as host, namespace() as inner, namespace() as outer:
        join(host, inner, ("in0", "eth0"))
        join(host, outer, ("out0", "eth0"))
        inner.up("eth0", "10.9.1.2")
        outer.up("eth0", "10.9.2.2")
        host.up("in0", "10.9.1.1")
        host.up("out0", "10.9.2.1")
        yield (
            point("docker0", (host, "in0"), (inner, "eth0")),
            point("uplink", (host, "out0"), (outer, "eth0")),
        )


def point(
    name: str, here: tuple[Namespace, str], beyond: tuple[Namespace, str]
) -> TapPoint:
    """Return the point at one end of a veth, with the other end as neighbour."""
    return TapPoint(
        name=name,
        interface=here[1],
        netns=here[0].path,
        canary_netns=beyond[0].path,
        canary_interface=beyond[1],
    )
