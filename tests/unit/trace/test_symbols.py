"""Symbols: one value one symbol, held to across points and directions."""

from __future__ import annotations

import pytest
from tests.traffic import C1, HOST, HOST01, NAMES, STRANGER

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.trace import End, Symbol
from pytest_netlab.trace.symbols import Symbols

CLIENT, SERVICE = End("c1", Symbol("port", 1)), End("host01", 80)


@pytest.fixture
def symbols() -> Symbols:
    """Return the symbols of a new conversation."""
    return Symbols(NAMES)


def test_named_address(symbols: Symbols) -> None:
    """A node of the lab is told by its name."""
    assert [symbols.address(address) for address in (C1, HOST, HOST01)] == [
        "c1",
        "host",
        "host01",
    ]


def test_unknown_addresses(symbols: Symbols) -> None:
    """Others are numbered in order of first sight, and keep their number."""
    seen = (STRANGER, "192.0.2.8", STRANGER)

    assert [str(symbols.address(a)) for a in seen] == ["addr#1", "addr#2", "addr#1"]


def test_kinds_are_numbered_apart(symbols: Symbols) -> None:
    """A port and an id of the same value have nothing to do with each other."""
    bound = [symbols.bind(kind, 7) for kind in ("port", "id", "port")]

    assert bound == [Symbol("port", 1), Symbol("id", 1), Symbol("port", 1)]
    assert symbols.bind("id", 8) == Symbol("id", 2)


@pytest.mark.parametrize("proto", [TCP, UDP])
def test_ends(symbols: Symbols, proto: int) -> None:
    """The initiator's port is a symbol in both directions, the service is literal."""
    key = Tuple5(proto, C1, 40000, HOST01, 80)

    assert symbols.ends(key, reply=False) == (CLIENT, SERVICE)
    assert symbols.ends(key.reply, reply=True) == (SERVICE, CLIENT)


def test_ends_across_points(symbols: Symbols) -> None:
    """A port that NAT kept has one symbol at both points, a remapped one has two."""
    original = Tuple5(TCP, C1, 40000, HOST01, 80)
    kept, remapped = (
        original._replace(src=HOST),
        original._replace(src=HOST, sport=1024),
    )

    told = [symbols.ends(key, reply=False)[0] for key in (original, kept, remapped)]

    first, second = Symbol("port", 1), Symbol("port", 2)
    assert told == [End("c1", first), End("host", first), End("host", second)]


def test_ends_without_ports(symbols: Symbols) -> None:
    """Where there are no ports the ends are addresses; an id is told elsewhere."""
    key = Tuple5(ICMP, C1, 7, HOST01, 7)

    assert symbols.ends(key, reply=False) == (End("c1"), End("host01"))
