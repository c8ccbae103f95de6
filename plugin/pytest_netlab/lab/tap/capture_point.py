"""One capture point: its ring, its canaries, why it may be blind. Reads no clock."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_netlab.capture.values import Interface
from pytest_netlab.lab.tap.ring import Ring, packet_socket
from pytest_netlab.wire import canary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.capture.values import Frame

HARDWARE_ADDRESS = 4  # the index in a packet socket's getsockname()


@dataclass(frozen=True, slots=True, kw_only=True)
class TapPoint:
    """A capture point, and the neighbour beyond it that its canaries come from.

    Attributes:
        name: of the point, in the capture.
        interface: the interface that is tapped.
        netns: path of its network namespace.
        canary_netns: path of the neighbour's network namespace.
        canary_interface: on the other side of the point, so that a canary crosses it:
            a container's eth0 for docker0, host01's link for the uplink.
        promiscuous: capture frames to other hardware addresses too.
        addresses: of the tapped interface, ADDRESS/LENGTH, for the capture.

    """

    name: str
    interface: str
    netns: str
    canary_netns: str
    canary_interface: str
    promiscuous: bool = True
    addresses: tuple[str, ...] = ()


class CapturePoint:
    """A capture point at work: a ring, a sender, and the frame numbers of canaries."""

    def __init__(self, point: TapPoint, index: int, ring_bytes: int) -> None:
        """Open the ring, and the sender in the neighbour's namespace.

        Raises:
            LabError: no such interface or namespace.

        """
        self.point = point
        self.found: list[int] = []
        self._awaited: canary.Canary | None = None
        self._frames: list[Frame] = []
        self._unsent = ""
        beyond = (point.canary_interface, point.canary_netns)
        with packet_socket(*beyond) as self._sender:
            self._address: bytes = self._sender.getsockname()[HARDWARE_ADDRESS]
            self.ring = Ring(
                point.interface,
                point.netns,
                index=index,
                promiscuous=point.promiscuous,
                ring_bytes=ring_bytes,
            )

    def close(self) -> None:
        """Free ring and sender; may be called twice. The frames stay."""
        self.ring.close()
        self._sender.close()

    @property
    def seen(self) -> bool:
        """Return whether the canary awaited last was found."""
        return self._awaited is None

    def expect(self, nonce: str, kind: canary.CanaryKind) -> None:
        """Await another canary."""
        self._awaited = canary.Canary(nonce, self.point.name, kind)

    def send(self) -> None:
        """Send the awaited canary, if there is one; keep the reason if that fails."""
        if self._awaited is None:
            return
        try:
            self._sender.send(canary.build(self._awaited, self._address))
            self._unsent = ""
        except OSError as error:
            self._unsent = os.strerror(error.errno or 0)

    def scan(self) -> Sequence[Frame]:
        """Look for the awaited canary in the frames not yet looked at; return those."""
        fresh = list(self.ring.frames())
        for number, frame in enumerate(fresh, len(self._frames)):
            if self._awaited and canary.parse(frame.data) == self._awaited:
                self.found.append(number)
                self._awaited = None
        self._frames += fresh
        return fresh

    @property
    def window(self) -> Sequence[Frame]:
        """Return the frames from the opening canary to the last closing one."""
        return self._frames[self.found[0] : self.found[-1] + 1]

    @property
    def behind(self) -> Sequence[Frame]:
        """Return the frames that came after the last canary so far."""
        return self._frames[self.found[-1] + 1 :]

    def describe(self) -> Interface:
        """Return this point as an interface of the capture."""
        counters = self.ring.counters()
        return Interface(
            name=self.point.name,
            received=counters.received,
            dropped=counters.dropped,
            comment=f"interface {self.point.interface}",
            addresses=self.point.addresses,
        )

    def trouble(self) -> str:
        """Return why this point cannot prove that it saw everything; "" if it can."""
        found = " and ".join(
            filter(None, (self._down(), self._missing(), self._lost()))
        )
        return found and f"point {self.point.name}: {found}"

    def _down(self) -> str:
        self.ring.check()
        if not self.ring.error:
            return ""
        reason = os.strerror(self.ring.error)
        return f"{self._here} was down or went away while capturing ({reason})"

    def _missing(self) -> str:
        if self._awaited is None:
            return ""
        point = self.point
        beyond = f"{point.canary_interface} in {point.canary_netns}"
        if self._unsent:
            return f"no canary could be sent from {beyond}: {self._unsent}"
        return (
            f"the {self._awaited.kind} canary sent from {beyond} did not reach "
            f"{self._here}, where {len(self._frames)} frames were seen. Is "
            f"{point.canary_interface} a neighbour of {point.interface}, are both up, "
            f"and does all between them forward ethertype {canary.ETHERTYPE:#06x}?"
        )

    def _lost(self) -> str:
        received, dropped, freezes = self.ring.counters()
        if not dropped and not freezes:
            return ""
        return (
            f"the kernel dropped {dropped} of {received} frames on {self._here} (ring "
            f"full {freezes} times): use a larger ring_bytes or send less at once"
        )

    @property
    def _here(self) -> str:
        return f"{self.point.interface} in {self.point.netns}"
