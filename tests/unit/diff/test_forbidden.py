"""What no verdict lets pass, whatever the golden has, unless it is waived."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.traffic import C1, HOST, HOST01, IN, MACS, OUT, Packet, at_uplink, routed

from pytest_netlab.checks.forbidden import CONTAINER, FORBIDDEN, LOOPBACK
from pytest_netlab.diff import Policy, compare
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.trace import CanonicalTrace, canonicalize
from pytest_netlab.wire import arp, assigned, ethernet, tcp

PING = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), direction=OUT)
ARP = ethernet.build(*MACS, arp.build(1, C1, HOST01, *MACS), ethertype=assigned.ARP)


def story(*packets: Packet | bytes) -> CanonicalTrace:
    """Return the story of what the uplink saw."""
    return canonicalize(at_uplink(*packets))


def fields(golden: CanonicalTrace, observed: CanonicalTrace, *waived: str) -> list[str]:
    """Return what differs where negatives are demanded."""
    policy = Policy().demanding(waived)
    return [one.field for one in compare(golden, observed, policy)]


def test_demanded_whatever_the_golden_has() -> None:
    """A golden does not forgive an address that leaks; a waiver does."""
    leak = story(PING)

    assert leak.forbidden[0].flow == "icmp echo c1 -> host01"
    assert leak.forbidden[0].got == "c1"
    assert "! container-address-on-uplink: c1" in leak.text("leak")
    assert compare(leak, leak) == []
    assert fields(leak, leak) == [CONTAINER]
    assert fields(leak, leak, LOOPBACK) == [CONTAINER]
    assert fields(leak, leak, CONTAINER) == []


def test_packet_of_no_conversation() -> None:
    """ARP has no conversation, and leaks all the same."""
    asked = story(ARP)

    (one,) = compare(story(), asked, Policy().demanding())
    assert (one.field, one.flow, one.packet, one.got) == (CONTAINER, "arp", 1, "c1")
    assert one.cause is not None
    assert one.cause.name == CONTAINER


def test_told_once() -> None:
    """A packet that differs from the golden already is told once."""
    sent = routed(PING, PING.key._replace(src=HOST))
    inside = (replace(PING, direction=IN),)
    golden = canonicalize(at_uplink(sent, inside=inside))
    leak = canonicalize(at_uplink(routed(PING), inside=inside))

    assert CONTAINER not in fields(golden, leak)
    assert {"source", "rewrite"} <= set(fields(golden, leak))


def test_unpaired() -> None:
    """What the host forwards crosses it, even where the golden has it lost."""
    syn = Packet(
        key=Tuple5(TCP, C1, 4001, HOST01, 80), flags=tcp.SYN, ip_id=1, direction=IN
    )
    sent = syn.key._replace(src=HOST)
    data = replace(syn, flags=tcp.ACK, seq=2, ip_id=2, data=b"x")
    lost = canonicalize(at_uplink(routed(syn, sent), inside=(syn, data)))

    assert compare(lost, lost) == []
    assert fields(lost, lost) == ["unpaired-forwarded"]
    assert fields(lost, lost, "unpaired-forwarded") == []


def test_bad_checksum() -> None:
    """A bad checksum is red even where the golden has one."""
    udp = Packet(key=Tuple5(UDP, HOST, 1, HOST01, 2), data=b"x", direction=OUT)
    frame = bytearray(udp.frame)
    frame[-1] ^= 1
    bad = story(bytes(frame))

    assert compare(bad, bad) == []
    assert fields(bad, bad) == ["l4_checksum"]
    assert fields(bad, bad, "bad-checksum") == []


def test_refusal() -> None:
    """The host's own reset is named; one that it passes on is a packet like others."""
    syn = Packet(
        key=Tuple5(TCP, HOST01, 4001, HOST, 81), flags=tcp.SYN, ip_id=1, direction=IN
    )
    reset = Packet(key=syn.key.reply, flags=tcp.RST | tcp.ACK, direction=OUT)
    golden, refused = story(syn), story(syn, reset)

    assert fields(golden, refused) == ["unexplained-refusal"]
    assert fields(refused, refused) == []
    assert fields(golden, refused, "unexplained-refusal") == []


def test_names() -> None:
    """A policy names what it waives."""
    assert Policy.parse({"waive": [CONTAINER]}).waived == {CONTAINER}
    assert all(text for text in FORBIDDEN.values())


def test_documented() -> None:
    """The page on verdicts lists what is forbidden, and nothing else."""
    page = Path(__file__).parents[3] / "docs" / "verdicts.md"
    section = page.read_text().split("## What no scenario may show")[1].split("##")[0]
    rows = [line.split("`")[1] for line in section.splitlines() if line[:3] == "| `"]

    assert rows == list(FORBIDDEN)


def test_nothing_captured() -> None:
    """Two empty traces are equal whatever broke; one that is not differs anyway."""
    nothing, something = story(), story(PING)

    assert fields(nothing, nothing) == ["empty-capture"]
    assert fields(nothing, nothing, "empty-capture") == []
    assert fields(something, nothing, CONTAINER) == ["conversation"]
    assert compare(nothing, nothing) == []
