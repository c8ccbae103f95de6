"""Captures for Wireshark: what is kept, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import C1, HOST, HOST01, IN, OUT, WEB, Packet, capture, routed
from tests.unit.report.translations.handmade import loss

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.flows import ICMP, TCP, Tuple5
from pytest_netlab.nat import Translations, learn
from pytest_netlab.nat.translations import Account, Loss
from pytest_netlab.report import annotate

ASK = Packet(key=Tuple5(TCP, C1, 4000, HOST01, 80), ip_id=1, direction=IN)


def sent(packet: Packet, key: Tuple5) -> Packet:
    """Return a packet as a NAT sends it on that takes one too much off its ttl."""
    return replace(routed(packet, key), ttl=packet.ttl - 2)


def comments(near: Packet, far: Packet) -> list[str]:
    """Return what is said of one packet on both sides."""
    inside, outside = capture([near]), capture([far])
    kept = annotate.of_translations(inside, outside, learn(inside, outside, hops=1))
    return [packet.comment for packet in kept]


@pytest.mark.parametrize(
    ("near", "far", "text"),
    [
        (
            ASK,
            sent(ASK, Tuple5(TCP, HOST, 4001, HOST01, 80)),
            f"snat {C1}:4000 -> {HOST}:4001",
        ),
        (ASK, sent(ASK, ASK.key), f"none {C1}:4000 -> {HOST01}:80, sent on as {C1}:40"),
        (
            Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), ip_id=1, direction=IN),
            sent(
                Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), ip_id=1),
                Tuple5(ICMP, HOST, 9, HOST01, 9),
            ),
            f"snat {C1} id 7 -> {HOST} id 9",
        ),
    ],
)
def test_rewrite(near: Packet, far: Packet, text: str) -> None:
    """A comment says which end was rewritten, before and after."""
    said = comments(near, far)

    assert len(said) == 2
    assert all(one.startswith(f"flow 1 {text}") for one in said)
    assert all("ttl: want 63 after 64, got 62" in one for one in said)


def test_flow_is_told_once() -> None:
    """Several violations of one packet follow the flow they belong to."""
    far = replace(sent(ASK, Tuple5(TCP, HOST, 4000, HOST01, 80)), tos=8)
    said = comments(ASK, far)

    assert [one.count("flow 1") for one in said] == [1, 1]
    assert all("ttl: want" in one and "tos: want" in one for one in said)


def test_dnat() -> None:
    """Of a published port, the destination."""
    ask = Packet(key=Tuple5(TCP, HOST01, 5000, HOST, 81), ip_id=3, direction=IN)
    inside = capture([sent(ask, Tuple5(TCP, HOST01, 5000, WEB, 80))])
    outside = capture([ask])
    kept = annotate.of_translations(inside, outside, learn(inside, outside, hops=1))

    assert f"flow 1 dnat {HOST}:81 -> {WEB}:80; ttl" in kept[0].comment


def test_old_comments_stay() -> None:
    """What somebody wrote on a packet before is kept, in front."""
    seen = capture([ASK])
    frames = [frame._replace(comment="mine") for frame in seen.frames()]
    noted = Capture.from_frames(frames, seen.interfaces)
    nothing = capture([])
    kept = annotate.of_translations(noted, nothing, learn(noted, nothing))

    assert kept[0].comment == f"mine; flow 1 dropped {C1}:4000 -> {HOST01}:80"


def test_a_side_that_saw_nothing() -> None:
    """Both sides are interfaces, so that nobody wonders whether one was captured."""
    inside, outside = capture([ASK]), capture([])
    kept = annotate.of_translations(inside, outside, learn(inside, outside, hops=1))

    assert [known.name for known in kept.interfaces] == ["tap", "outside"]


def test_bytes_and_times_are_untouched() -> None:
    """The packets are the captured ones, in the order of their clocks."""
    inside, outside = capture([ASK, ASK], start=7000), capture([ASK], start=7500)
    alone = Capture.from_frames(
        outside.frames(), [Interface(name="far", linktype=1, snaplen=99)]
    )
    found = learn(inside, capture([]))
    kept = annotate.of_translations(inside, alone, found)

    assert [packet.bytes for packet in kept] == [ASK.frame] * 2
    assert kept.ts.tolist() == [7000, 8000]
    assert kept.interfaces[1] == Interface(name="far", snaplen=99)
    assert "pytest-netlab: " in kept.comment


def test_clocks_decide_the_order() -> None:
    """Packets of two captures come in the order of their timestamps."""
    one = Packet(key=Tuple5(TCP, C1, 1, HOST01, 80), ip_id=1, direction=IN)
    two = Packet(key=Tuple5(TCP, HOST01, 2, HOST, 80), ip_id=2, direction=IN)
    inside, outside = capture([one, one], start=5000), capture([two], start=5500)
    kept = annotate.of_translations(inside, outside, learn(inside, outside, hops=1))

    assert kept.ts.tolist() == [5000, 5500, 6000]
    assert kept.point.tolist() == [0, 1, 0]


def lost(*losses: Loss) -> list[str]:
    """Return the comments where these packets of a forwarded flow are lost."""
    near = [replace(ASK, ip_id=number) for number in (1, 2, 3)]
    sent_on = Tuple5(TCP, HOST, 4000, HOST01, 80)
    inside = capture(near)
    outside = capture([routed(near[0], sent_on), replace(near[1], direction=OUT)])
    learned = learn(inside, outside, hops=1)
    (flow, *_) = learned.flows
    found = Translations((flow,), account=Account(losses=losses))
    kept = annotate.of_translations(inside, outside, found)
    return [f"{packet.interface}: {packet.comment}" for packet in kept]


FLOW = f"flow 1 snat {C1}:4000 -> {HOST}:4000; "
PARTS = ((1, 9), (20, 20))


@pytest.mark.parametrize(
    ("loss", "texts"),
    [
        (loss(1), [f"inside tap: {FLOW}lost"]),
        (
            loss(1, 2, status="lost or not captured")._replace(resent=True),
            [f"inside tap: {FLOW}lost or not captured: a resend crossed"] * 2,
        ),
        (
            loss(1, reply=True, side="outside")._replace(octets=((1, 9),)),
            [f"outside tap: {FLOW}lost: octets 1-9 (9) crossed in no transmission"],
        ),
        (
            loss(2)._replace(octets=PARTS, part=True),
            [f"inside tap: {FLOW}lost: octets 1-9 (9), 20 (1) of this packet"],
        ),
        (
            loss(0, side="outside", status="not captured"),
            [f"outside tap: {FLOW}not captured"],
        ),
        (loss(0, status="not looked for"), []),
    ],
)
def test_losses(loss: Loss, texts: list[str]) -> None:
    """A lost packet has its flow and what was lost; what nobody looked for is out."""
    assert lost(loss) == texts
