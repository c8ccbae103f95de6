"""What is true of small captures of both sides of a NAT; rows count from 0."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_netlab.capture import read
from pytest_netlab.flows import TCP
from pytest_netlab.nat import Flow, Translations, learn

if TYPE_CHECKING:
    from pytest_netlab.nat.translations import Loss

DATA = Path(__file__).parents[2] / "data" / "nat"
SECOND = 1_000_000_000


class Lost(NamedTuple):
    """Packets that must be told as lost: of which protocol, and where they are."""

    proto: int
    side: str
    rows: tuple[int, ...]
    reply: bool = False
    resent: bool = False
    octets: tuple[tuple[int, int], ...] = ()
    part: bool = False


LOSSES = {
    "lost-in-flow": Lost(6, "inside", (5,), resent=True),
    "udp-3-of-10-lost": Lost(17, "inside", (5, 8, 9)),
    "99-of-100-lost": Lost(17, "inside", (*range(2, 52), *range(53, 102))),
    "answer-kept": Lost(17, "outside", (3,), reply=True),
    "k8s-dns-race": Lost(17, "inside", (2,)),
    "k8s-dns-race-ids": Lost(17, "inside", (2,)),
    "gro-one-lost": Lost(6, "inside", (5,), octets=((2897, 4344),), part=True),
    "retrans-inside-only": Lost(6, "inside", (2, 3), resent=True),
}
# What the NAT did, by the number of packets that crossed of each flow.
RIGHT = {
    "plain": ["snat 50001 12"],
    "symmetric": ["snat 50001 4", "snat 50002 4", "snat 50003 4"],
    "cgnat": ["snat 1024 12", "snat 3072 12", "snat 5120 12"],
    "lb-dnat": ["dnat 50000 8", "dnat 50001 8", "dnat 50002 8"],
    "pool-snat": ["snat 40000 8", "snat 40001 8", "snat 40002 8", "snat 40003 8"],
    "reorder-drift": ["snat 5000 50"],
    "ping-equal": ["snat 7 6", "snat 1 4"],
    "padding": ["snat 40000 12"],
    "span-dup": ["snat 40000 12"],
    "gro": ["snat 40000 11"],
    "uso": ["snat 5000 5"],
    "nat66": ["snat 5000 6"],
    "icmp-fragneeded": ["snat 5000 2"],
    "refragment": ["snat 5000 2"],
    "outside-started-late": ["snat 50001 7"],
    "dns-burst-random": ["snat 5555 2", "snat 7777 2", "snat 6666 2", "snat 8888 2"],
}
# Whose key was free again: on which side, after how many seconds, and why.
RENEWED = {
    "lb-port-reuse": ("outside", 120.01, True),
    "snat-port-reuse": ("inside", 120.01, True),
    "outside-port-reuse": ("outside", 300.01, True),
    "udp-rebind": ("inside", 600.01, False),
}


def learned(name: str) -> Translations:
    """Return what is learned from the captures of both sides."""
    return learn(read(DATA / f"{name}.in.pcap"), read(DATA / f"{name}.out.pcap"))


def described(flow: Flow) -> str:
    """Return kind, port of the initiator outside, and number of packets."""
    return f"{flow.kind} {flow.outside and flow.outside.sport} {flow.packets}"


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_told(name: str) -> None:
    """By packet number, direction and side; octets where a part of a packet is lost."""
    found = learned(name)
    want = LOSSES[name]

    (loss,) = found.account.lost
    assert found.violations == ()
    assert told(found, loss) == want
    assert loss.status == "lost"


def told(found: Translations, loss: Loss) -> Lost:
    """Return a loss as these tables have it."""
    flow = found.flows[loss.flow]
    return Lost(
        flow.original.proto,
        loss.side,
        loss.rows,
        loss.reply,
        loss.resent and flow.original.proto == TCP,
        loss.octets if loss.part else (),
        loss.part,
    )


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_wrong(name: str) -> None:
    """Where every packet that could be seen on both sides was."""
    found = learned(name)

    assert [described(flow) for flow in found.flows] == RIGHT[name]
    assert (found.violations, found.account.lost) == ((), ())


@pytest.mark.parametrize("name", RENEWED)
def test_mappings_end(name: str) -> None:
    """A key is used again after a FIN, or after minutes of silence: by RFC."""
    found = learned(name)
    before, after = found.flows
    shared, seconds, closed = RENEWED[name]

    assert (found.violations, found.account.lost) == ((), ())
    assert before.renewal is None
    assert after.renewal is not None
    assert (after.renewal.shared, after.renewal.closed) == (shared, closed)
    assert after.renewal.idle == pytest.approx(seconds * SECOND)
    assert before.packets == after.packets


def test_outside_the_common_time() -> None:
    """What came before the outside was captured was not looked for there."""
    account = learned("outside-started-late").account

    assert [(one.status, one.rows) for one in account.losses if not one.reply] == [
        ("not looked for", (0, 2, 3))
    ]
    assert [(one.status, one.rows) for one in account.losses if one.reply] == [
        ("not looked for", (1, 4))
    ]
    assert account.inside is not None
    assert (account.inside.before, account.inside.after) == (5, 0)


def test_equal_datagrams_of_one_container() -> None:
    """What each socket became is told by the order, and so is what it received."""
    found = learned("dns-burst-random")

    assert found.pairs is not None
    assert found.pairs.tolist() == [[row, row] for row in range(8)]


def test_pieces_of_a_datagram() -> None:
    """A datagram that the host cut (UDP_SEGMENT) is the counterpart of each piece."""
    found = learned("uso")

    assert found.flows[0].pairs == ((0, 0), (0, 1), (0, 2), (0, 3), (1, 4))
    assert found.account.losses == ()


def test_copies_of_a_mirror_port_are_not_lost() -> None:
    """Each packet is inside twice, at the same time and with the same IP id."""
    account = learned("span-dup").account

    assert account.losses == ()


def test_equal_datagrams_of_two_containers() -> None:
    """Answers tell which query was whose; otherwise both flows are doubtful."""
    found = learned("dns-burst")
    truth = {("10.0.0.5", 1025), ("10.0.0.6", 40000)}
    said = {
        (flow.inside.src, flow.outside.sport)
        for flow in found.flows
        if flow.inside and flow.outside
    }

    assert said == truth or all(flow.ambiguous == flow.packets for flow in found.flows)
    assert (found.violations, found.account.lost) == ((), ())
