"""Differences that a setting of an end accounts for, and those that it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.hosts import changed
from tests.unit.causes.cases import PING, WEB, Seen, case, words

from pytest_netlab.causes.ends import sender_differs
from pytest_netlab.host import EndSetting, set_at_ends
from pytest_netlab.trace import TcpOption
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from pytest_netlab.causes import Case
    from pytest_netlab.trace import FlowFact

TTL, PMTU = "net.ipv4.ip_default_ttl", "net.ipv4.ip_no_pmtu_disc"
STAMPS, SACK = "net.ipv4.tcp_timestamps", "net.ipv4.tcp_sack"
ALL = tuple(map(TcpOption, (tcp.MSS, tcp.SACK_OK, tcp.TIMESTAMPS, tcp.NOP, tcp.WSCALE)))


def seen(field: str, found: object, *, reply: bool = False, was: object = None) -> Seen:
    """Return one difference."""
    direction = "reply" if reply else "original"
    return Seen(field, "64", "128", direction=direction, expected=was, found=found)


def at(settings: dict[str, dict[str, str]], flow: FlowFact, *evidence: Seen) -> Case:
    """Return a flow that differs, in a lab whose nodes are set so."""
    host = replace(changed(), ends=set_at_ends(settings))
    return case(flow, flow, host, evidence=evidence)


def without(*kinds: int) -> tuple[TcpOption, ...]:
    """Return a handshake's options without some."""
    return tuple(one for one in ALL if one.kind not in kinds)


def test_defaults_are_no_settings() -> None:
    """What the kernel sets by itself explains nothing, nor does another sysctl."""
    settings = {"c1": {TTL: "128", STAMPS: "1"}, "web": {"net.ipv4.other": "5"}}

    assert set_at_ends(settings) == (EndSetting("c1", TTL, "128", "64"),)


def test_text() -> None:
    """The text names the setting, its value and the nodes that have it."""
    settings = {node: {TTL: "128"} for node in ("c1", "c2", "host01")}
    found = at(settings, PING, seen("ttl", 128), seen("ttl", 127, reply=True))

    name, text = words(sender_differs(found))

    assert name == "sender differs"
    assert text == (
        "ttl 128 instead of 64 at uplink: net.ipv4.ip_default_ttl is 128 at c1 and "
        "host01 (64 by default). The packets are as their sender made them: no rule "
        "did this"
    )


@pytest.mark.parametrize(
    ("flow", "settings", "evidence"),
    [
        (PING, {"c1": {TTL: "128"}}, seen("ttl", 127)),
        (WEB, {"web": {TTL: "255"}}, seen("ttl", 255, reply=True)),
        (PING, {"c1": {PMTU: "1"}}, seen("df", found=False)),
        (
            WEB,
            {"web": {STAMPS: "0"}},
            seen("options", without(tcp.TIMESTAMPS), reply=True, was=ALL),
        ),
        (
            WEB,
            {"host01": {STAMPS: "0", SACK: "0"}},
            seen("options", without(tcp.TIMESTAMPS, tcp.SACK_OK), reply=True, was=ALL),
        ),
    ],
    ids=["a hop behind", "the server's", "DF", "not offered", "two, by the client"],
)
def test_accounts_for(
    flow: FlowFact, settings: dict[str, dict[str, str]], evidence: Seen
) -> None:
    """A setting of the sender explains its packets; of options, that of either end."""
    assert words(sender_differs(at(settings, flow, evidence)))[0] == "sender differs"


@pytest.mark.parametrize(
    ("settings", "evidence"),
    [
        ({}, (seen("ttl", 128),)),
        ({"c1": {TTL: "128"}}, ()),
        ({"c1": {TTL: "128"}}, (seen("ttl", 126),)),
        ({"c1": {TTL: "128"}}, (seen("ttl", "126 after 128"),)),
        ({"c1": {TTL: "128"}}, (seen("ttl", 128), seen("tos", 8))),
        ({"c1": {TTL: "128"}}, (seen("ttl", 128, reply=True),)),
        ({"c2": {TTL: "128"}}, (seen("ttl", 128),)),
        ({"c1": {TTL: "128"}}, (seen("df", found=False),)),
        ({"c1": {PMTU: "1"}}, (seen("df", found=True),)),
        ({"c1": {STAMPS: "2"}}, (seen("options", without(tcp.TIMESTAMPS), was=ALL),)),
        ({"c1": {STAMPS: "0"}}, (seen("options", without(tcp.SACK_OK), was=ALL),)),
        (
            {"c1": {STAMPS: "0"}},
            (seen("options", without(tcp.TIMESTAMPS, tcp.SACK_OK), was=ALL),),
        ),
        (
            {"host01": {STAMPS: "0"}},
            (seen("options", without(tcp.TIMESTAMPS), was=ALL),),
        ),
        ({"c1": {STAMPS: "0"}}, (seen("options", ALL, was=without(tcp.TIMESTAMPS)),)),
    ],
    ids=[
        *("no setting", "no difference", "two hops", "a violation", "another field"),
        *("not its direction", "no end of it", "another setting", "DF set"),
        *("random stamps", "another option", "one option more", "the server's"),
        "a new option",
    ],
)
def test_does_not(
    settings: dict[str, dict[str, str]], evidence: tuple[Seen, ...]
) -> None:
    """Where one difference has no such reason, the host is to be looked at."""
    assert sender_differs(at(settings, PING, *evidence)) is None
