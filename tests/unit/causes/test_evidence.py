"""Causes in what differs of packets, where the flow itself may be the golden's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from tests.unit.causes.test_explain import DROPPED, KEPT, PING, only

from pytest_netlab.causes import explain
from pytest_netlab.flows import ICMP, TCP, Role
from pytest_netlab.nat import HostChange
from pytest_netlab.trace import End, Fields, FlowFact, Packet, Symbol, What

LIMIT = "filter -A DOCKER-USER -p icmp -m limit --limit 1/hour -j DROP"


@dataclass(frozen=True)
class Seen:
    """What differs of a flow, as `compare` tells it."""

    field: str
    want: str
    got: str
    flow: str = PING.name
    point: str = "uplink"
    direction: str = "original"
    expected: object = None
    found: object = None


DUPLICATE = Packet(
    point="uplink",
    reply=False,
    src=End("c1"),
    dst=End("host01"),
    what=What(TCP, role=Role.DUPLICATE),
    fields=Fields(ttl=63),
)
ERROR = replace(DUPLICATE, what=What(ICMP, icmp=(3, 4), error=True))
TOO_LARGE = Seen("packet", "nothing", "bridge > c1 fragmentation needed", found=ERROR)


@pytest.mark.parametrize(
    ("sign", "host", "name", "words"),
    [
        (
            Seen("l4_checksum", "good", "good, bad"),
            HostChange(extra=("nft ip site x @th,32,16 set 0x1",)),
            "corrupted checksum",
            "this rule is new: nft ip site x",
        ),
        (
            Seen("tos", "nothing", "0x48"),
            HostChange(extra=("mangle -A FORWARD -j DSCP --set-dscp 0x12",)),
            "header changed",
            "tos 0x48 instead of nothing at uplink; this rule is new: mangle",
        ),
        (
            Seen("packet", "nothing", "c1 > host01 duplicate", found=DUPLICATE),
            HostChange(extra=("mangle -A PREROUTING -j TEE --gateway host02",)),
            "delivered twice",
            "this rule is new: mangle -A PREROUTING -j TEE",
        ),
        (
            Seen("id", "id#1", "id#2", expected=Symbol("id", 1), found=Symbol("id", 2)),
            HostChange(settings={"kernel": ("6.1", "6.18")}),
            "remapped although free",
            "(kernel is 6.18 here, 6.1 when recorded)",
        ),
        (
            Seen("undone", "c1", "host"),
            HostChange(extra=("raw -A PREROUTING -j CT --notrack",)),
            "reply not undone",
            "not translated back: host; this rule is new: raw",
        ),
    ],
)
def test_signs(sign: Seen, host: HostChange, name: str, words: str) -> None:
    """What differs of packets names a cause where the flow is the golden's."""
    (cause,) = explain([PING], [PING], host, [sign])

    assert cause.name == name
    assert words in cause.text


def test_details_without_a_cause() -> None:
    """A field that no rule knows has no cause: the difference says all there is."""
    assert explain([PING], [PING], None, [Seen("seq", "1", "2")]) == []


def test_black_hole() -> None:
    """Packets above the new MTU vanish without a word; told of it, they do not."""
    change = HostChange(
        missing=("link uplink mtu 1500 up",), extra=("link uplink mtu 1300 up",)
    )
    lost = replace(DROPPED, stuck=1428)
    told = [TOO_LARGE]

    assert only([PING], [lost], change).name == "MTU black hole"
    assert "link uplink mtu 1300 up here" in only([PING], [lost], change).text
    assert explain([PING], [lost], change, told)[0].name == "rejected"


@pytest.mark.parametrize(
    ("direction", "name", "words"),
    [
        ("original", "not forwarded", f"on to host01; this rule is new: {LIMIT}"),
        ("reply", "reply not forwarded", f"on to c1; this rule is new: {LIMIT}"),
    ],
)
def test_single_packets_lost(direction: str, name: str, words: str) -> None:
    """A flow that is forwarded, and some packets of it are not."""
    sign = Seen("unpaired-forwarded", "both", "one", direction=direction)
    (cause,) = explain([PING], [PING], HostChange(extra=(LIMIT,)), [sign])

    assert cause.name == name
    assert words in cause.text


def test_table_full() -> None:
    """A flow that is not forwarded where nothing more can be tracked."""
    change = HostChange(full="9 of 9 connections")

    assert only([PING], [DROPPED], change).name == "table full"
    assert "is full (9 of 9 connections)" in only([PING], [DROPPED], change).text
    assert only([PING], [], change).name == "table full"
    assert only([PING], [DROPPED]).name == "not forwarded"


def test_too_large_and_told() -> None:
    """A link that is too small is no black hole where its host says so."""
    change = HostChange(extra=("link uplink mtu 300 up",))
    (cause,) = explain([PING], [PING], change, [TOO_LARGE, Seen("tos", "2", "0")])

    assert cause.name == "rejected"
    assert "bridge > c1 fragmentation needed); link uplink mtu 300 up" in cause.text


def test_no_mtu() -> None:
    """What a link's evidence says may be no number that Python converts: no MTU."""
    change = HostChange(extra=(f"link uplink mtu {'9' * 5000} up",))

    assert only([PING], [replace(DROPPED, stuck=1428)], change).name == "not forwarded"


def test_another_identity() -> None:
    """What leaves with another IP id is two flows, and one cause."""
    half = replace(PING, **KEPT, fate="local")  # type: ignore[arg-type]
    other = replace(half, initiator="host")
    rule = "nft inet site forward ip id set 7"
    (cause,) = explain([PING], [half, other], HostChange(extra=(rule,)))

    assert cause.name == "header changed"
    assert rule in cause.text


def test_host_does_not_answer() -> None:
    """What is meant for the host itself is not forwarded, but not answered."""
    host = FlowFact(
        proto="icmp echo",
        initiator="c1",
        responder="host",
        sender="",
        target="",
        kind="none",
        fate="local",
    )
    rule = "filter -A INPUT -p icmp -j DROP"
    lost = replace(host, fate="dropped", answered=False)

    assert only([host], [lost], HostChange(extra=(rule,))).name == "not answered"
    assert rule in only([host], [lost], HostChange(extra=(rule,))).text
