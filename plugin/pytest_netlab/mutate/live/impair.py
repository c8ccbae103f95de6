"""Impair frames between a lab's host and its switch, beyond every capture point.

A relay in user space, because few kernels have netem. Knows frames, not protocols.

    with impaired(lab, loss=0.01, jitter=0.005, seed=7):
        ...

Two links in place of one: the host's port leaves the switch, a veth pair takes its
place there, and a thread carries frames between the port and the pair.
"""

from __future__ import annotations

import heapq
import os
import random
import select
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabError
from pytest_netlab.lab.net.lan import SWITCH, port_of
from pytest_netlab.lab.net.links import index_of, netlink, stop_offloads
from pytest_netlab.lab.net.netns import inside
from pytest_netlab.lab.tap.ring import (
    ETH_P_ALL,
    PACKET_OUTGOING,
    SOL_PACKET,
    packet_socket,
)
from pytest_netlab.wire import canary, ethernet

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

    from pytest_netlab.lab.backends.docker_lab import DockerLab

PORT = port_of("host")
NEAR, FAR = "impair", "impair-lan"
LONGEST = 1 << 17  # a GSO super-frame and its virtio header
PACKET_VNET_HDR, VNET_HEADER = 15, 10  # linux/if_packet.h, linux/virtio_net.h
KIND = slice(VNET_HEADER + ethernet.TYPE, VNET_HEADER + ethernet.HEADER)
LATE = 0.02  # how long a frame that is sent out of order waits, in seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """What happens to each frame, in either direction, much as with netem.

    Canaries are only delayed: the network does not decide whether a point can see.

    Attributes:
        loss: probability that a frame is lost.
        duplicate: probability that it arrives twice.
        corrupt: probability that one bit of it, above Ethernet, is flipped.
        reorder: probability that it arrives behind frames that follow it.
        delay: of all frames, in seconds.
        jitter: varies the delay by as many seconds up or down, and so reorders frames.
        seed: makes the draws repeatable.

    """

    loss: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a value that is no probability, or no number of seconds.

        Raises:
            ValueError: names the value.

        """
        for name in ("loss", "duplicate", "corrupt", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability, from 0 to 1")
        for name in ("delay", "jitter"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is a number of seconds, 0 or more")


@dataclass(slots=True)
class Tally:
    """How many frames were carried, and what was done to them."""

    carried: int = 0
    lost: int = 0
    duplicated: int = 0
    corrupted: int = 0
    reordered: int = 0


@dataclass(slots=True)
class Treatment:
    """Draws what happens to each frame in turn; knows no socket and no clock."""

    how: Impairment
    tally: Tally = field(default_factory=Tally)
    _draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Start at the seed."""
        self._draw = random.Random(self.how.seed)  # noqa: S311 - repeatable, not secret

    def of(self, frame: bytes) -> list[tuple[float, bytes]]:
        """Return the copies of a frame that arrive, and after how many seconds."""
        how, tally = self.how, self.tally
        if frame[KIND] == canary.ETHERTYPE.to_bytes(2, "big"):
            return [(how.delay + how.jitter + (LATE if how.reorder else 0), frame)]
        if self._happens(how.loss):
            tally.lost += 1
            return []
        if self._happens(how.corrupt):
            tally.corrupted += 1
            frame = self._flipped(frame)
        copies = [(self._delay(), frame)]
        if self._happens(how.duplicate):
            tally.duplicated += 1
            copies.append((self._delay(), frame))
        tally.carried += len(copies)
        return copies

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._draw.random() < chance

    def _delay(self) -> float:
        late = self.how.delay
        if self.how.jitter:
            late += self._draw.uniform(-self.how.jitter, self.how.jitter)
        if self._happens(self.how.reorder):
            self.tally.reordered += 1
            late += LATE
        return max(0.0, late)

    def _flipped(self, frame: bytes) -> bytes:
        start = VNET_HEADER + ethernet.HEADER
        if len(frame) <= start:
            return frame
        bit = self._draw.randrange(8 * start, 8 * len(frame))
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        return bytes(damaged)


@contextmanager
def impaired(
    lab: DockerLab, how: Impairment | None = None, **what: Any
) -> Iterator[Tally]:
    """Impair a private lab's uplink while the block runs; yield what was done.

    Args:
        lab: a lab whose switch is in a namespace of its own.
        how: what to do; None takes its fields: `impaired(lab, loss=0.01, seed=1)`.
        **what: the fields of `Impairment`.

    Raises:
        LabError: the relay failed.
        ValueError: a field has a value that it cannot have.

    """
    treatment = Treatment(how or Impairment(**what))
    switch = lab.switch
    with ExitStack() as undo:
        _insert(switch, undo)
        ends = [undo.enter_context(_open(switch, name)) for name in (PORT, NEAR)]
        relay = _Relay(ends, treatment)
        undo.callback(relay.close)
        yield treatment.tally
    if relay.failure is not None:
        raise LabError(
            f"the impairing relay failed: {relay.failure}"
        ) from relay.failure


def _open(switch: str, name: str) -> socket.socket:
    """Open a link for frames with the offload's header, so that super-frames pass."""
    with packet_socket(name, switch) as opened:
        opened.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        opened.settimeout(0)
        opened.bind((name, ETH_P_ALL))
    return opened


def _insert(switch: str, undo: ExitStack) -> None:
    """Put a veth pair in the port's place at the switch.

    The pair takes the port's hardware address: a bridge's own address is the lowest of
    its ports', and the neighbours have cached it.
    """
    with netlink(switch) as ip:
        port = index_of(ip, PORT)
        address = ip.get_links(port)[0].get("address")
        ip.link("add", ifname=NEAR, kind="veth", peer={"ifname": FAR})
        near, far = index_of(ip, NEAR), index_of(ip, FAR)
        undo.callback(_remove, switch, address)
        other = ip.get_links(far)[0].get("address")
        _mute(switch)
        ip.link("set", index=port, master=0)
        ip.link("set", index=port, address=other)
        ip.link("set", index=far, address=address)
        ip.link("set", index=far, master=index_of(ip, SWITCH), state="up")
        ip.link("set", index=near, state="up")
    stop_offloads(switch, NEAR, FAR)


def _mute(switch: str) -> None:
    """Keep the switch's own stack from answering on links that are not its ports."""
    with inside(switch):
        for name in (PORT, NEAR):
            Path(f"/proc/sys/net/ipv4/conf/{name}/arp_ignore").write_text(
                "8", encoding="ascii"
            )
            six = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
            if six.exists():
                six.write_text("1", encoding="ascii")


def _remove(switch: str, address: str) -> None:
    with netlink(switch) as ip:
        port = index_of(ip, PORT)
        ip.link("del", index=index_of(ip, NEAR))
        ip.link("set", index=port, address=address)
        ip.link("set", index=port, master=index_of(ip, SWITCH))


class _Relay:
    """The thread between two links."""

    def __init__(self, ends: Sequence[socket.socket], treatment: Treatment) -> None:
        self.failure: OSError | None = None
        self._treatment, self._numbers = treatment, count()
        self._to = {ends[0].fileno(): ends[1], ends[1].fileno(): ends[0]}
        self._from = {end.fileno(): end for end in ends}
        self._due: list[tuple[float, int, socket.socket, bytes]] = []
        self._bell = os.eventfd(0)
        self._thread = threading.Thread(target=self._run, daemon=True, name="impair")
        self._thread.start()

    def close(self) -> None:
        """End the thread; what is still on its way arrives at once."""
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        os.close(self._bell)

    def _run(self) -> None:
        with select.epoll() as poll:
            for fd in (self._bell, *self._from):
                poll.register(fd, select.EPOLLIN)
            try:
                while self._turn(poll.poll(self._patience())):
                    self._deliver(time.monotonic())
                self._deliver(float("inf"))
            except OSError as error:
                self.failure = error

    def _patience(self) -> float:
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else -1

    def _turn(self, events: list[tuple[int, int]]) -> bool:
        for fd, _ in events:
            if fd == self._bell:
                return False
            self._take(self._from[fd], self._to[fd])
        return True

    def _take(self, source: socket.socket, sink: socket.socket) -> None:
        for _ in range(64):  # then the other direction has its turn
            try:
                frame, sender = source.recvfrom(LONGEST)
            except BlockingIOError:
                return
            if sender[2] == PACKET_OUTGOING:
                continue  # what the relay itself sent
            now = time.monotonic()
            for late, copy in self._treatment.of(frame):
                due = (now + late, next(self._numbers), sink, copy)
                heapq.heappush(self._due, due)

    def _deliver(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            _, _, sink, frame = heapq.heappop(self._due)
            try:
                sink.send(frame)
            except (BlockingIOError, BrokenPipeError):
                self._treatment.tally.lost += (
                    1  # a full queue loses frames, as any does
                )
