"""Source ports and ids for conversations of many clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.flows import ICMP, UDP, Tuple5
from pytest_netlab.replay import port_allocator
from pytest_netlab.replay.port_allocator import PORTS, PortAllocator

if TYPE_CHECKING:
    import pytest

ASK = Tuple5(UDP, "10.0.0.1", 5555, "10.0.0.2", 53)
PING = Tuple5(ICMP, "10.0.0.1", 7, "10.0.0.2", 7)


def test_kept_where_free() -> None:
    """A number is kept, unless another conversation of the kind has it."""
    numbers = PortAllocator()

    assert numbers.take(ASK) == ASK
    assert numbers.take(ASK._replace(dport=54)) == ASK._replace(dport=54)
    assert numbers.take(ASK).sport == 5556
    assert numbers.take(ASK._replace(sport=5556)).sport == 5557


def test_echo() -> None:
    """An echo's id stands for both ports."""
    numbers = PortAllocator()

    assert [numbers.take(PING) for _ in range(2)] == [
        PING,
        Tuple5(ICMP, PING.src, 8, PING.dst, 8),
    ]


def test_the_first_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was given first is given again, once none is left."""
    monkeypatch.setattr(port_allocator, "PORTS", 3)
    numbers = PortAllocator()

    given = [numbers.take(ASK._replace(sport=3)).sport for _ in range(7)]

    assert given == [3, 1, 2, 3, 1, 2, 3]


def test_all_ports() -> None:
    """A hundred thousand clients on one port take no longer than others."""
    numbers = PortAllocator()

    given = [numbers.take(ASK).sport for _ in range(100_000)]

    assert sorted(given[:PORTS]) == list(range(1, PORTS + 1))
    assert given[PORTS:] == given[: 100_000 - PORTS]
