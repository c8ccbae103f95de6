"""Source ports and ICMP ids of conversations: a client uses each once at a time."""

from __future__ import annotations

from collections import OrderedDict, defaultdict

from pytest_netlab.flows import ICMP, Tuple5

PORTS = 65535


class PortAllocator:
    """Allocate the number that a conversation had, or else the next free one.

    When all are in use, the one that was allocated first is allocated again: its
    conversation ended long ago, and a client may use the port again.
    """

    def __init__(self) -> None:
        """Begin with none in use."""
        # By tuple without source port: numbers in the order of their allocation.
        self._given: dict[Tuple5, OrderedDict[int, None]] = defaultdict(OrderedDict)
        self._next: dict[Tuple5, int] = {}

    def take(self, key: Tuple5) -> Tuple5:
        """Return this tuple, or one with the next source port or id that is free."""
        icmp = key.proto == ICMP
        alike = key._replace(sport=0, dport=0 if icmp else key.dport)
        given = self._given[alike]
        number = key.sport
        if len(given) == PORTS:
            number = next(iter(given))
        elif number in given:
            number = self._next.get(alike, key.sport)
            while number in given:
                number = number % PORTS + 1
            self._next[alike] = number
        given[number] = None
        given.move_to_end(number)
        return key._replace(sport=number, dport=number if icmp else key.dport)
