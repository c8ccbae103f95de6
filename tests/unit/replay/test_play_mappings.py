"""Ports and addresses that a network gives, and what replay makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, Packet, error
from tests.unit.replay.network import DNS, Net, after, exchange, key_of, played

from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.replay import play, port_allocator
from pytest_netlab.replay.rewrite import rewritten
from pytest_netlab.replay.tuple_codec import pack
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.replay.network import Fault


def test_many_clients_on_one_port() -> None:
    """Clients that had one source port each get one of their own, and it is said."""
    packets = []
    for number in range(3):
        key = DNS._replace(src=f"10.1.1.{number}")
        packets += exchange(key, first=10 * number)

    found = played(packets, Net())

    assert (found.delivered, found.findings) == (12, [])
    assert [run.original_tuple.sport for run in found.flows] == [5555, 5556, 5557]
    assert [run.renamed for run in found.flows] == [False, True, True]


def test_no_port_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a client has no more source ports, it has the first one again."""
    monkeypatch.setattr(port_allocator, "PORTS", 2)
    monkeypatch.setattr(play, "SIDE_BY_SIDE", 1)
    packets = []
    for number in range(5):
        key = DNS._replace(src=f"10.1.1.{number}", sport=1)
        packets += exchange(key, first=10 * number)

    found = played(packets, Net())

    assert [run.original_tuple.sport for run in found.flows] == [1, 2, 1, 2, 1]
    assert [run.renamed for run in found.flows] == [False, True, False, True, False]
    assert (found.delivered, found.findings) == (20, [])


def test_two_to_one() -> None:
    """A NAT that gives two conversations one tuple is found out."""
    net = Net()
    net.ports = {5555: 7000, 6000: 7000}
    other = exchange(DNS._replace(sport=6000), first=10)[:1]

    found = played(exchange()[:1] + other, net)

    assert [one.what for one in found.findings] == ["mapping"]
    assert found.findings[0].detail.endswith("is another's too")


@pytest.mark.parametrize(
    ("packets", "fault", "detail"),
    [
        (
            [exchange()[0], error("8.8.8.8", exchange()[0])],
            after(1, lambda one: [one[:12] + b"\x0a\x00\x00\x01" + one[16:]]),
            "icmp 10.0.0.1 > 172.17.0.2, not udp",
        ),
        (
            [
                Packet(key=DNS, data=bytes(24), mf=True, df=False, ip_id=5),
                Packet(key=DNS, body=bytes(8), frag_offset=32, df=False, ip_id=5),
            ],
            after(1, lambda one: [one[:12] + b"\xac\x11\x00\x02" + one[16:]]),
            "udp 172.17.0.2 > 172.16.211.1, not udp 172.16.211.128.5555",
        ),
    ],
    ids=["around a quote", "of a later fragment"],
)
def test_addresses_follow(packets: list[Packet], fault: Fault, detail: str) -> None:
    """A packet without ports of its own has the addresses of its conversation."""
    found = played(packets, Net(fault))

    mapping = [one for one in found.findings if one.what == "mapping"]
    assert len(mapping) == 1
    assert detail.split(", not ")[1] in mapping[0].detail


def test_announced_port_is_kept() -> None:
    """The port that a server told its client is not the published one."""
    control = Tuple5(TCP, "10.1.1.1", 4000, "8.8.8.8", 21)
    data = Tuple5(TCP, "10.1.1.1", 4001, "8.8.8.8", 49121)
    packets = [
        Packet(key=control, data=b"PASV", ip_id=1),
        Packet(key=control.reply, data=b"227 =8,8,8,8,191,225", ip_id=2),
        Packet(key=data, flags=tcp.SYN, ip_id=3),
    ]

    found = played(packets, Net(), port=81)

    assert [run.original_tuple.dport for run in found.flows] == [81, 49121]
    assert found.findings == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda key: key._replace(src="172.16.211.77"), "not udp 172.16.211.128.5555"),
        (lambda key: key._replace(src=C1), "not udp 172.16.211.128.5555 >"),
        (lambda key: key._replace(dport=54), "> 172.16.211.1.53"),
    ],
    ids=["another source", "no masquerade", "another port"],
)
def test_first_tuple_is_judged(fault: Callable[[Tuple5], Tuple5], words: str) -> None:
    """The way says whom the server sees, and at which of its ports."""
    net = Net(lambda one: [rewritten(one, pack(fault(key_of(one))))])

    found = played(exchange()[:1], net)

    (finding,) = found.findings
    assert (finding.what, found.delivered) == ("mapping", 1)
    assert words in finding.detail
