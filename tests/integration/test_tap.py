"""Live capture on real links, all inside namespaces that end with the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyroute2 import IPRoute

from pytest_netlab import capture as captures
from pytest_netlab.errors import BlindCaptureError, LabError
from pytest_netlab.lab.netns import inside
from pytest_netlab.lab.ring import BLOCK_BYTES, Ring
from pytest_netlab.lab.tap import LiveCapture, TapPoint
from pytest_netlab.wire import canary
from pytest_netlab.wire.columns import Direction, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.capture import Capture

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root: it makes network namespaces"
)

NEAR, FAR = "10.9.0.1", "10.9.0.2"
HERE = Path("/proc/thread-self/ns/net")
FIN = 1
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

    def blast(self, count: int, size: int) -> None:
        """Send numbered frames from the far end as fast as one process can."""
        self.far.run(sys.executable, "-c", BLAST, str(count), str(size))


def join(near: Namespace, far: Namespace, names: tuple[str, str]) -> None:
    """Put a veth between two namespaces."""
    peer = {"ifname": names[1], "net_ns_pid": far.pid}
    near.link("add", ifname=names[0], kind="veth", peer=peer)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A veth that is up at both ends."""
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


def frames(capture: Capture) -> list[bytes]:
    """Return the bytes of every packet that is no canary."""
    every = [packet.bytes for packet in capture]
    return [data for data in every if not canary.is_canary(data)]


def kinds(capture: Capture, name: str = "uplink") -> list[str | None]:
    """Return, packet for packet of a point, the kind of canary it is, if it is one."""
    packets = (canary.parse(packet.bytes) for packet in capture.at(name))
    return [found and found.kind for found in packets]


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def exchange(wire: Wire, rounds: int = 3) -> None:
    """Send datagrams there and back through the kernel."""
    ask = wire.near.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answer = wire.far.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with ask, answer:
        ask.settimeout(5)
        answer.bind((FAR, 5000))
        for _ in range(rounds):
            ask.sendto(b"ask", (FAR, 5000))
            _, back = answer.recvfrom(100)
            answer.sendto(b"answer", back)
            ask.recv(100)


class TestFrames:
    """What a capture holds."""

    def test_between_canaries(
        self, wire: Wire, start: Callable[..., LiveCapture]
    ) -> None:
        """The first packet is the opening canary, the last one the closing canary."""
        live = start(wire.point, names={NEAR: "near"})
        exchange(wire)
        capture = live.stop()

        found = kinds(capture)
        assert (found[0], found[-1]) == ("open", "close")
        assert found[1:-1] == [None] * len(frames(capture))
        assert dict(capture.names) == {NEAR: "near"}

    def test_direction(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """What the near end sends is outbound there, what it gets is inbound."""
        live = start(wire.point)
        exchange(wire)
        capture = live.stop()

        outward = capture.sport == 5000, capture.dport == 5000
        assert set(capture.direction[outward[0]]) == {Direction.INBOUND}
        assert set(capture.direction[outward[1]]) == {Direction.OUTBOUND}
        assert [int(side.sum()) for side in outward] == [3, 3]

    def test_time(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """Times are those of this machine's clock, in ns, and never go back."""
        before = time.time_ns()
        live = start(wire.point)
        exchange(wire)
        capture = live.stop()

        assert before < capture.ts[0]
        assert capture.ts[-1] < time.time_ns()
        assert (np.diff(capture.ts) >= 0).all()
        assert (capture.ts % 1000).any()

    @pytest.mark.parametrize("tpid", ["8100", "88a8"])
    def test_vlan(
        self, wire: Wire, start: Callable[..., LiveCapture], tpid: str
    ) -> None:
        """The tag that the kernel takes off is back in the bytes, as it was sent."""
        tagged = bytes(12) + bytes.fromhex(f"{tpid} a005 88b6") + b"payload" * 8

        live = start(wire.point)
        with wire.raw() as sock:
            sock.send(tagged)
        capture = live.stop()

        assert frames(capture) == [tagged]
        assert (capture.vlan[1], capture.wirelen[1]) == (5, len(tagged))

    @pytest.mark.parametrize("offload", ["on", "off"])
    def test_checksum_not_ready(
        self, wire: Wire, start: Callable[..., LiveCapture], offload: str
    ) -> None:
        """A checksum left to the device is marked; where offload is off, none is."""
        wire.near.run("ethtool", "-K", "near0", "tx", offload)
        wire.far.run("ethtool", "-K", "far0", "tx", offload)

        live = start(wire.point)
        exchange(wire)
        capture = live.stop()

        marks = capture.status[capture.proto == 17] & Status.CHECKSUM_NOT_READY
        assert marks.astype(bool).tolist() == [offload == "on"] * 6

    def test_super_frame(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """A GSO frame far larger than the MTU is captured whole."""
        sent = os.urandom(4_000_000)

        live = start(wire.point)
        with conversation(wire) as (client, server):
            reader = threading.Thread(target=server.sendall, args=(sent,))
            reader.start()
            received = read_exactly(client, len(sent))
            reader.join()
        capture = live.stop()

        assert received == sent
        assert capture.wirelen.max() > 60_000
        assert (capture.caplen == capture.wirelen).all()
        assert capture.payload_len[capture.sport == 80].sum() >= len(sent)

    def test_promiscuous(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """Only a promiscuous point makes the interface take what is not for it."""
        live = start(replace(wire.point, promiscuous=False))
        plain = wire.near.run("ip", "-d", "link", "show", "near0").stdout
        live.stop()
        live = start(wire.point)
        promiscuous = wire.near.run("ip", "-d", "link", "show", "near0").stdout
        live.stop()

        assert "promiscuity 0" in plain
        assert "promiscuity 1" in promiscuous

    def test_burst(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """Fifty thousand frames at full speed are all there, in order."""
        count = 50_000

        live = start(wire.point)
        wire.blast(count, 100)
        capture = live.stop()

        numbers = [int.from_bytes(data[14:18], "big") for data in frames(capture)]
        assert numbers == list(range(count))
        assert capture.interfaces[0].received >= count + 2
        assert capture.interfaces[0].dropped == 0

    def test_two_points(self, start: Callable[..., LiveCapture]) -> None:
        """Two points are one capture in order of time, each with its own canaries."""
        with namespace() as host, namespace() as inner, namespace() as outer:
            join(host, inner, ("in0", "eth0"))
            join(host, outer, ("out0", "eth0"))
            inner.up("eth0", "10.9.1.2")
            outer.up("eth0", "10.9.2.2")
            host.up("in0", "10.9.1.1")
            host.up("out0", "10.9.2.1")
            points = [
                TapPoint(
                    name=name,
                    interface=interface,
                    netns=host.path,
                    canary_netns=beyond.path,
                    canary_interface="eth0",
                )
                for name, interface, beyond in (
                    ("docker0", "in0", inner),
                    ("uplink", "out0", outer),
                )
            ]

            capture = start(*points).stop()

        assert [interface.name for interface in capture.interfaces] == [
            "docker0",
            "uplink",
        ]
        assert kinds(capture, "docker0") == kinds(capture) == ["open", "close"]
        assert (np.diff(capture.ts) >= 0).all()


class TestBlind:
    """A capture that cannot prove its sight is an error."""

    def test_down_before(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """An interface that is down cannot be captured on."""
        wire.near.run("ip", "link", "set", "near0", "down")

        with pytest.raises(BlindCaptureError, match=r"uplink: near0 in .*down"):
            start(wire.point, deadline=0.3)

    @pytest.mark.parametrize("command", ["set near0 down", "del near0"])
    def test_down_meanwhile(
        self, wire: Wire, start: Callable[..., LiveCapture], command: str
    ) -> None:
        """An interface that goes down or away blinds the capture."""
        live = start(wire.point, deadline=0.3)
        wire.near.run("ip", "link", *command.split())

        with pytest.raises(BlindCaptureError, match=r"uplink: near0 in .*down"):
            live.stop()

    def test_down_and_up(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """That it is back when the capture ends does not help."""
        live = start(wire.point)
        wire.near.run("ip", "link", "set", "near0", "down")
        wire.near.run("ip", "link", "set", "near0", "up")

        with pytest.raises(BlindCaptureError, match="down or went away"):
            live.stop()

    def test_wrong_interface(
        self, wire: Wire, start: Callable[..., LiveCapture]
    ) -> None:
        """An interface that the neighbour's frames do not reach is the wrong one."""
        join(wire.near, wire.far, ("spare0", "spare1"))
        wire.far.up("spare1", "10.9.3.2")
        wire.near.up("spare0", "10.9.3.1")

        with pytest.raises(BlindCaptureError, match=r"open canary .*far0.* spare0"):
            start(replace(wire.point, interface="spare0"), deadline=0.3)

    def test_missing_in_a_flood(
        self, wire: Wire, start: Callable[..., LiveCapture]
    ) -> None:
        """Traffic that never pauses does not put off the error for a missing canary."""
        join(wire.near, wire.far, ("spare0", "spare1"))
        wire.near.up("spare0", "10.9.3.1")
        wire.far.up("spare1", "10.9.3.2")
        flood = threading.Thread(target=wire.blast, args=(200_000, 10))
        flood.start()

        with pytest.raises(BlindCaptureError, match="open canary"):
            start(replace(wire.point, canary_interface="spare1"), deadline=0.3)
        assert flood.is_alive()
        flood.join()

    def test_one_of_two(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """One blind point makes the whole capture blind, and is the one named."""
        join(wire.near, wire.far, ("spare0", "spare1"))
        wire.near.up("spare0", "10.9.3.1")
        wire.far.up("spare1", "10.9.3.2")
        second = replace(wire.point, name="second", interface="spare0")

        with pytest.raises(BlindCaptureError, match="point second") as caught:
            start(wire.point, second, deadline=0.3)
        assert "point uplink" not in str(caught.value)

    def test_closing_canary_missing(
        self, wire: Wire, start: Callable[..., LiveCapture]
    ) -> None:
        """A neighbour that cannot send any more is named."""
        live = start(wire.point, deadline=0.3)
        wire.far.run("ip", "link", "set", "far0", "down")

        with pytest.raises(BlindCaptureError, match=r"far0 in .*Network is down"):
            live.stop()

    def test_drops(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """A ring too small for the burst makes the capture an error that says so."""
        live = start(wire.point, ring_bytes=BLOCK_BYTES)
        wire.blast(20_000, 1000)

        with pytest.raises(BlindCaptureError, match=r"dropped [1-9]\d* of \d+ frames"):
            live.stop()

    def test_thread_died(
        self,
        wire: Wire,
        start: Callable[..., LiveCapture],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A capture whose thread has died ends at once, with the reason."""
        live = start(wire.point, deadline=30)

        def broken(_: Ring) -> None:
            raise RuntimeError("no ring")

        monkeypatch.setattr(Ring, "drain", broken)

        with pytest.raises(BlindCaptureError, match=r"thread .* died.*no ring"):
            live.stop()


class TestOpening:
    """What cannot be opened is a broken lab, and nothing stays behind."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("interface", "nosuch0"),
            ("canary_interface", "nosuch0"),
            ("netns", "/proc/self/nosuch"),
            ("canary_netns", "/proc/self/nosuch"),
        ],
    )
    def test_unknown(
        self, wire: Wire, start: Callable[..., LiveCapture], field: str, value: str
    ) -> None:
        """An interface or namespace that does not exist is named."""
        before = descriptors()

        with pytest.raises(LabError, match=value):
            start(replace(wire.point, **{field: value}))
        assert descriptors() == before

    def test_not_ethernet(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """An interface without Ethernet headers is refused."""
        wire.near.run("ip", "tuntap", "add", "tun0", "mode", "tun")

        with pytest.raises(LabError, match=r"tun0 .*not Ethernet"):
            start(replace(wire.point, interface="tun0"))

    def test_not_running(self, wire: Wire) -> None:
        """A capture that was not started, or is over, cannot be stopped."""
        with pytest.raises(LabError, match="not running"):
            LiveCapture([wire.point]).stop()

    def test_nothing_left(self, wire: Wire) -> None:
        """After stop or close there is no thread, no file and no mapping more."""
        before = descriptors(), threading.active_count()

        for end in (LiveCapture.stop, LiveCapture.close):
            live = LiveCapture([wire.point]).start()
            assert (descriptors(), threading.active_count()) > before
            end(live)
            live.close()

        assert (descriptors(), threading.active_count()) == before
        assert "packet" not in Path("/proc/self/maps").read_text()

    def test_here_again(self, wire: Wire) -> None:
        """The thread that opened a capture is where it was, also after an error."""
        home = HERE.readlink()

        with pytest.raises(LabError):
            LiveCapture([replace(wire.point, interface="nosuch0")]).start()

        assert HERE.readlink() == home


@contextmanager
def conversation(wire: Wire) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Connect near to port 80 of far; yield both ends."""
    listener = wire.far.socket(socket.AF_INET, socket.SOCK_STREAM)
    client = wire.near.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener, client:
        listener.bind((FAR, 80))
        listener.listen()
        client.connect((FAR, 80))
        server, _ = listener.accept()
        with server:
            yield client, server


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """Return so many bytes of a stream."""
    with sock.makefile("rb") as stream:
        return stream.read(size)


class TestSettle:
    """Connections that are closing when the capture ends."""

    def test_slow_close(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """The last ACK of a server that closes late is in, before the last canary."""
        live = start(wire.point, settle=5)
        with conversation(wire) as (client, server):
            client.close()
            late = threading.Timer(0.3, server.close)
            late.start()
            capture = live.stop()
            late.join()

        fins = np.flatnonzero(capture.tcp_flags & FIN)
        assert capture.sport[fins].tolist()[-1] == 80
        assert (capture.proto[fins[-1] + 1], kinds(capture)[-1]) == (6, "close")
        assert kinds(capture).count("close") == 2

    def test_endless(self, wire: Wire, start: Callable[..., LiveCapture]) -> None:
        """A connection that stays open costs the time given, and is no error."""
        with conversation(wire) as (client, _):
            live = start(wire.point, settle=0.4)
            client.send(b"began before: not waited for")
            quick = timed(live.stop)

        live = start(wire.point, settle=0.4)
        with conversation(wire):
            slow = timed(live.stop)

        assert quick < 0.4 <= slow < 2


def timed(call: Callable[[], object]) -> float:
    """Return the seconds a call takes."""
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


class TestOracle:
    """Others see the same."""

    def test_tcpdump(
        self, wire: Wire, start: Callable[..., LiveCapture], tmp_path: Path
    ) -> None:
        """What tcpdump writes meanwhile is the same bytes, at the same times."""
        target = tmp_path / "tcpdump.pcap"
        argv = ["tcpdump", "-i", "near0", "-U", "--immediate-mode"]
        argv += ["--time-stamp-precision=nano", "-Z", "root", "-w", str(target)]
        tcpdump = subprocess.Popen(
            ["nsenter", f"--net={wire.near.path}", *argv], stderr=subprocess.PIPE
        )
        with tcpdump:
            assert tcpdump.stderr is not None
            assert b"listening" in tcpdump.stderr.readline()
            live = start(wire.point)
            exchange(wire, 20)
            capture = live.stop()
            tcpdump.terminate()
        theirs = captures.read(target)

        assert [(packet.bytes, packet.row["ts"]) for packet in capture] == [
            (packet.bytes, packet.row["ts"]) for packet in theirs
        ]

    @pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")
    def test_tshark(
        self, wire: Wire, start: Callable[..., LiveCapture], tmp_path: Path
    ) -> None:
        """Wireshark reads the written capture, packet for packet and with its point."""
        live = start(wire.point)
        with conversation(wire) as (client, server):
            client.sendall(b"hello")
            server.recv(100)
        exchange(wire)
        capture = live.stop()
        captures.write(tmp_path / "live.pcapng", capture)

        fields = ["frame.len", "frame.interface_name", "eth.type"]
        argv = ["tshark", "-n", "-r", "live.pcapng", "-T", "fields"]
        argv += [word for field in fields for word in ("-e", field)]
        shown = subprocess.run(
            argv, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout
        assert shown.splitlines() == [
            f"{length}\tuplink\t{kind:#06x}"
            for length, kind in zip(capture.wirelen, capture.ethertype, strict=True)
        ]


class TestInside:
    """Entering a namespace."""

    def test_only_this_thread(self, wire: Wire) -> None:
        """Other threads stay where they are; one that is started inside is inside."""
        seen: list[Path] = []
        entered = threading.Event()

        def look(after: threading.Event) -> None:
            after.wait(10)
            seen.append(HERE.readlink())

        before = threading.Thread(target=look, args=(entered,))
        before.start()
        with inside(wire.near.path):
            entered.set()
            before.join()
            within = threading.Thread(target=look, args=(entered,))
            within.start()
            within.join()

        assert seen == [HERE.readlink(), Path(wire.near.path).readlink()]

    def test_back_after_error(self, wire: Wire) -> None:
        """The thread is back after an exception, which passes."""
        home = HERE.readlink()

        with pytest.raises(KeyError), inside(wire.near.path):
            raise KeyError

        assert HERE.readlink() == home
