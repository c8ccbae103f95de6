"""The NAT in memory translates as Linux does, and undoes it."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.traffic import C1, C2, HOST, HOST01, STRANGER, WEB

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import Nat

SUBNET = IPv4Network("172.17.0.0/16")
OUTWARD = Tuple5(UDP, C1, 5555, HOST01, 53)
ASKED = Tuple5(TCP, HOST01, 40000, HOST, 81)


@pytest.fixture
def nat() -> Nat:
    """Return a host that publishes two ports of one container."""
    published = dict.fromkeys((81, 82), (WEB, 80))
    return Nat(subnet=SUBNET, address=HOST, published=published)


@pytest.mark.parametrize("proto", [TCP, UDP, ICMP])
def test_masquerade(nat: Nat, proto: int) -> None:
    """What leaves has the host's address and its own port, and is undone."""
    key = Tuple5(proto, C1, 5555, HOST01, 5555)
    sent = key._replace(src=HOST)

    assert nat.outbound(key) == sent
    assert nat.outbound(key) == sent
    assert nat.inbound(sent.reply) == key.reply


@pytest.mark.parametrize("proto", [TCP, UDP])
def test_published(nat: Nat, proto: int) -> None:
    """What comes to a published port goes to the container, and the answer back."""
    key = ASKED._replace(proto=proto)
    sent = key._replace(dst=WEB, dport=80)

    assert nat.inbound(key) == sent
    assert nat.outbound(sent.reply) == key.reply


@pytest.mark.parametrize(
    "key",
    [
        ASKED._replace(dport=83),
        ASKED._replace(dst=STRANGER),
        Tuple5(ICMP, HOST01, 81, HOST, 81),
        OUTWARD.reply,
    ],
    ids=["port", "address", "protocol", "unasked answer"],
)
def test_not_forwarded(nat: Nat, key: Tuple5) -> None:
    """What is not published and answers nothing stays with the host."""
    assert nat.inbound(key) is None


@pytest.mark.parametrize(
    ("port", "expected"),
    [(400, 1), (600, 601), (700, 600), (512, 600), (1024, 1025), (5555, 1024)],
)
def test_collision(nat: Nat, port: int, expected: int) -> None:
    """A taken port is replaced by a free one of its class."""
    first, second = (OUTWARD._replace(src=src, sport=port) for src in (C1, C2))
    nat.outbound(first)

    sent = nat.outbound(second)

    assert sent == Tuple5(UDP, HOST, expected, HOST01, 53)
    assert nat.inbound(sent.reply) == second.reply
    assert nat.inbound(nat.outbound(first).reply) == first.reply


def test_id_collision(nat: Nat) -> None:
    """A taken ICMP id is replaced by any free one, at both ends of the key."""
    for source in (C1, C2):
        last = nat.outbound(Tuple5(ICMP, source, 7, HOST01, 7))

    assert last == Tuple5(ICMP, HOST, 1, HOST01, 1)


def test_same_port_elsewhere(nat: Nat) -> None:
    """A port is taken for one target only."""
    nat.outbound(OUTWARD)

    assert nat.outbound(OUTWARD._replace(src=C2, dst=STRANGER)).sport == 5555


def test_published_collision(nat: Nat) -> None:
    """One client port on two published ports of a container must not become one."""
    first, second = nat.inbound(ASKED), nat.inbound(ASKED._replace(dport=82))

    assert first == Tuple5(TCP, HOST01, 40000, WEB, 80)
    assert second == Tuple5(TCP, HOST01, 1024, WEB, 80)


def test_no_port_left() -> None:
    """A NAT that runs out of ports says so."""
    nat = Nat(subnet=SUBNET, address=HOST)
    key = OUTWARD._replace(sport=9)
    for number in range(511):
        nat.outbound(key._replace(src=f"172.17.{number >> 8}.{number & 255}"))

    with pytest.raises(LookupError, match="no free port for udp"):
        nat.outbound(key._replace(src="172.17.99.99"))


@pytest.mark.parametrize("masquerade", [True, False])
def test_untranslated(masquerade: bool) -> None:  # noqa: FBT001 - a switch
    """Without the rule, and from elsewhere, packets leave as they came."""
    nat = Nat(subnet=SUBNET, address=HOST, masquerade=masquerade)
    key = OUTWARD._replace(src=STRANGER if masquerade else C1)

    assert nat.outbound(key) == key
    assert nat.inbound(key.reply) == key.reply


def test_other_family(nat: Nat) -> None:
    """An IPv6 packet is in no IPv4 subnet."""
    key = Tuple5(UDP, "fd00::2", 5555, "2001:db8::1", 53)

    assert nat.outbound(key) == key


def test_flush(nat: Nat) -> None:
    """A flushed NAT knows no answer any more, and its ports are free."""
    nat.outbound(OUTWARD)
    nat.flush()

    assert nat.inbound(OUTWARD._replace(src=HOST).reply) is None
    assert nat.outbound(OUTWARD._replace(src=C2)).sport == 5555


@given(
    st.lists(
        st.tuples(
            st.sampled_from([C1, C2, WEB, HOST01, STRANGER]),
            st.integers(1, 3),
            st.integers(80, 83),
        )
    )
)
def test_one_to_one(ends: list[tuple[str, int, int]]) -> None:
    """Whatever crosses, no two flows become one, and every answer is undone."""
    published = {81: (WEB, 80), 82: (WEB, 80), 83: (C1, 80)}
    nat = Nat(subnet=SUBNET, address=HOST, published=published)
    sent: dict[Tuple5, Tuple5] = {}
    for source, sport, dport in ends:
        outwards = source in (C1, C2, WEB)
        key = Tuple5(TCP, source, sport, STRANGER if outwards else HOST, dport)
        translated = nat.outbound(key) if outwards else nat.inbound(key)
        if translated is not None:
            sent[key] = translated

    assert len(set(sent.values())) == len(sent)
    for key, translated in sent.items():
        undo = nat.outbound if key.dst == HOST else nat.inbound
        assert undo(translated.reply) == key.reply
