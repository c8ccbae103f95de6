"""Tuples that no conversation has yet: one client has a source port once."""

from __future__ import annotations

from pytest_netlab.errors import ReplayError
from pytest_netlab.flows import ICMP, Tuple5
from pytest_netlab.replay.packed import pack

PORTS = 65535


class Free:
    """Gives each conversation its own."""

    def __init__(self) -> None:
        """Begin with none taken."""
        self._taken: set[bytes] = set()
        self._next: dict[Tuple5, int] = {}

    def take(self, key: Tuple5) -> Tuple5:
        """Return this tuple, or one with the next source port or id that is free.

        Raises:
            ReplayError: there is none left.

        """
        if pack(key) not in self._taken:
            self._taken.add(pack(key))
            return key
        icmp = key.proto == ICMP
        alike = key._replace(sport=0, dport=0 if icmp else key.dport)
        first = self._next.setdefault(alike, key.sport + 1)
        for sport in range(first, first + PORTS):
            number = (sport - 1) % PORTS + 1
            own = key._replace(sport=number, dport=number if icmp else key.dport)
            if pack(own) not in self._taken:
                self._taken.add(pack(own))
                self._next[alike] = number + 1
                return own
        raise ReplayError(
            f"more than {PORTS} conversations of one kind with {key.dst}: one client "
            "has no more source ports; choose some with --flows"
        )
