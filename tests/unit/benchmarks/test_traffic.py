from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import dpkt
import numpy as np
import pytest

from pytest_netlab import read
from pytest_netlab.wire import Checksum

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
INVARIANT = [
    *("ip_id", "proto", "tcp_seq", "tcp_ack", "tcp_flags", "tcp_window"),
    *("icmp_type", "icmp_seq", "payload_len", "payload_hash", "options_hash"),
]


@pytest.fixture
def traffic(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the generator, which is a script with its neighbours beside it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("traffic")


@pytest.mark.parametrize("form", ["pcap", "pcap-ns", "pcapng"])
def test_whole_and_valid(traffic: Any, tmp_path: Path, form: str) -> None:
    """Every packet is written on both sides, whole, with right checksums."""
    pair = traffic.generate(tmp_path, traffic.Options(packets=3000, form=form))

    for path in (pair.inside, pair.outside):
        capture = read(path)

        assert len(capture) == 3000
        assert set(capture.proto.tolist()) == {1, 6, 17}
        assert not capture.status.any()
        assert (np.diff(capture.ts) >= 0).all()
        assert (capture.ip_checksum == Checksum.GOOD).all()
        assert (capture.l4_checksum == Checksum.GOOD).all()


def test_dpkt_agrees(traffic: Any, tmp_path: Path) -> None:
    """A reader that is not ours sees the same packets."""
    pair = traffic.generate(tmp_path, traffic.Options(packets=1000))
    capture = read(pair.outside)
    with pair.outside.open("rb") as file:
        datagrams = [
            dpkt.ethernet.Ethernet(frame).data for _, frame in dpkt.pcap.Reader(file)
        ]

    assert [one.id for one in datagrams] == capture.ip_id.tolist()
    assert [one.p for one in datagrams] == capture.proto.tolist()
    assert [one.src for one in datagrams] == [
        bytes(one[-4:]) for one in np.asarray(capture.src)
    ]


def test_same_seed_same_bytes(traffic: Any, tmp_path: Path) -> None:
    """The same options make the same files, another seed makes others."""
    made = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        folder = tmp_path / name
        folder.mkdir()
        pair = traffic.generate(folder, traffic.Options(packets=1000, seed=seed))
        made.append((pair.inside.read_bytes(), pair.outside.read_bytes()))

    assert made[0] == made[1]
    assert made[0] != made[2]


def test_twins_are_one_packet(traffic: Any, tmp_path: Path) -> None:
    """Of twins everything is equal that NAT may not change; ttl differs by one."""
    options = traffic.Options(packets=3000, flows=300, lost_outside=0.01)
    pair = traffic.generate(tmp_path, options)
    inside, outside = read(pair.inside), read(pair.outside)
    near = np.flatnonzero(pair.twins >= 0)
    far = pair.twins[near]
    hops = inside.ttl[near].astype(int) - outside.ttl[far]

    assert len(near) == len(outside) < len(inside) == 3000
    assert set(hops.tolist()) == {-1, 1}
    for name in INVARIANT:
        assert (getattr(inside, name)[near] == getattr(outside, name)[far]).all()


def test_clashes_are_remapped_in_their_class(traffic: Any, tmp_path: Path) -> None:
    """A flow whose port or id is taken gets another of the same class."""
    pair = traffic.generate(tmp_path, traffic.Options(packets=30_000, flows=3000))
    flows = pair.flows[~pair.flows["inbound"]]
    before, after = flows["inside"]["sport"], flows["outside"]["sport"]
    ports = flows["proto"] != 1

    assert 20 < (before != after).sum() < 200
    assert ((before < 1024) == (after < 1024))[ports].all()
    for side in ("inside", "outside"):
        keys = [(one["proto"], one[side].item()) for one in flows]
        assert len(set(keys)) == len(keys)


def test_clock_offset(traffic: Any, tmp_path: Path) -> None:
    """The outside clock is ahead by what was asked for."""
    pair = traffic.generate(tmp_path, traffic.Options(packets=1000, clock_offset=60))
    inside, outside = read(pair.inside), read(pair.outside)
    late = outside.ts[pair.twins] - inside.ts

    assert np.abs(late - 60 * 10**9).max() < 20_000
