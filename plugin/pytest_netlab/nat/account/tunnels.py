"""Tunnels of one side: which were opened, and which nobody can look into."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.nat.translations import Tunnel
from pytest_netlab.wire import TUNNELS, Encapsulation

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    import numpy.typing as npt

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat.translations import Side

_ESP = 50  # IANA's number (RFC 4303)
_OPENED = {
    Encapsulation.IPIP: "IP in IP",
    Encapsulation.GRE: "GRE",
    Encapsulation.VXLAN: "VXLAN",
    Encapsulation.GENEVE: "GENEVE",
}
_WIREGUARD = int(Encapsulation.WIREGUARD)


class Tunnels:
    """Counts packets that were taken out of tunnels, and encrypted ones."""

    def __init__(self) -> None:
        """Start without a packet."""
        self._opened: Counter[str] = Counter()
        self._sealed: Counter[tuple[int, str]] = Counter()  # conversation, kind

    def add(self, chunk: Capture, uniflows: Sequence[npt.NDArray[np.int32]]) -> None:
        """Count those of a chunk; `uniflows` are those of its blocks."""
        around = chunk.encapsulation
        if around.any():
            if (around & TUNNELS).any():
                for flag, name in _OPENED.items():
                    self._opened[name] += int(np.count_nonzero(around & int(flag)))
            self._seal(uniflows, (around & _WIREGUARD) != 0, "WireGuard")
        self._seal(uniflows, chunk.proto == _ESP, "ESP")

    def _seal(
        self,
        uniflows: Sequence[npt.NDArray[np.int32]],
        sealed: npt.NDArray[np.bool_],
        kind: str,
    ) -> None:
        """Count encrypted packets by their conversation."""
        if not sealed.any():
            return
        numbers = np.concatenate(uniflows)[sealed] >> 1
        found, counts = np.unique(numbers[numbers >= 0], return_counts=True)
        for number, count in zip(found.tolist(), counts.tolist(), strict=True):
            self._sealed[number, kind] += count

    def sealed(self, joined: Container[int]) -> set[int]:
        """Return the encrypted conversations that are not among these."""
        return {number for number, _ in self._sealed if number not in joined}

    def of(self, side: Side, joined: Container[int]) -> list[Tunnel]:
        """Return what was counted; of encrypted packets those that did not pair.

        Args:
            side: that saw them.
            joined: the numbers of its conversations that have pairs.

        """
        found = [
            Tunnel(side, kind, count) for kind, count in self._opened.items() if count
        ]
        encrypted: Counter[str] = Counter()
        for (number, kind), count in self._sealed.items():
            if number not in joined:
                encrypted[kind] += count
        return found + [
            Tunnel(side, kind, count, encrypted=True)
            for kind, count in encrypted.items()
        ]
