"""What a capture has twice was one transmission."""

from __future__ import annotations

import numpy as np
import pytest
from tests.traffic import C1, HOST, HOST01, Packet, routed, timed
from tests.unit.nat.conftest import made

from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.nat import learn
from pytest_netlab.nat.pairing import duplicates

KEY = Tuple5(UDP, C1, 5000, HOST01, 53)
SENT = KEY._replace(src=HOST)


@pytest.mark.parametrize("apart", [1, 4])
def test_beside(apart: int) -> None:
    """An equal packet counts that is close by in order and in time."""
    seen = made([0] * 6)
    seen.key[:] = range(6)
    seen.key[apart] = 0
    paired = np.array([True] * 6)
    paired[0] = False

    assert np.flatnonzero(duplicates.beside(seen, paired)).tolist() == [0]
    assert duplicates.beside(seen, ~paired).tolist() == [n == apart for n in range(6)]
    seen.ts[apart] = 1_000_001
    assert not duplicates.beside(seen, paired).any()


@pytest.mark.parametrize("name", ["uniflow", "key", "options", "facts"])
def test_what_differs_is_another(name: str) -> None:
    """Of another flow, content, option or tos, it is another packet."""
    seen = made([0, 0])
    seen.facts[1] = 63  # behind a router
    assert duplicates.second(seen).tolist() == [False, True]
    getattr(seen, name)[1] = 2 << 8

    assert duplicates.second(seen).tolist() == [False, False]


@pytest.mark.parametrize(("ip_id", "lost"), [(7, 0), (0, 1)])
def test_mirror_port(ip_id: int, lost: int) -> None:
    """An id shows that it is the same datagram; without one it may be another."""
    packets = [(ms, Packet(key=KEY, data=b"%d" % ms, ip_id=9)) for ms in range(9)]
    twice = Packet(key=KEY, data=b"same", ip_id=ip_id)
    inside = timed([*packets, (4.1, twice), (4.2, twice)])
    crossed = [(ms + 0.5, routed(one, SENT)) for ms, one in [*packets, (4.1, twice)]]

    found = learn(inside, timed(crossed)).account

    assert sum(len(one.rows) for one in found.losses) == lost


def test_all_of_a_capture_twice() -> None:
    """Where every packet is there twice, also one without an id was one."""
    packets = [(ms, Packet(key=KEY, data=b"%d" % ms)) for ms in range(9)]
    inside = timed([*packets, *((ms + 0.01, one) for ms, one in packets)])
    crossed = timed((ms + 0.5, routed(one, SENT)) for ms, one in packets)

    assert learn(inside, crossed).account.losses == ()
