"""Tuples as octets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_netlab.flows import Tuple5
from pytest_netlab.replay.tuple_codec import pack, reversed_tuple, unpack

PORTS = st.integers(0, 65535)
ADDRESSES = st.ip_addresses(v=4).map(str)


def test_layout() -> None:
    """Addresses and ports stand as in a datagram, the protocol behind them."""
    key = Tuple5(6, "10.0.0.1", 258, "10.0.0.2", 80)

    assert pack(key) == bytes([10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 0, 80, 6])


@given(st.integers(0, 255), ADDRESSES, PORTS, ADDRESSES, PORTS)
def test_there_and_back(proto: int, src: str, sport: int, dst: str, dport: int) -> None:
    """A tuple comes back as it was; turned, as its reply."""
    key = Tuple5(proto, src, sport, dst, dport)

    assert unpack(pack(key)) == key
    assert unpack(reversed_tuple(pack(key))) == key.reply
