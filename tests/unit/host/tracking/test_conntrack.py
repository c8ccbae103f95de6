"""Connections that a kernel tracks: their text, and their names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from tests.unit.host.tracked import ECHO, PING, QUERY, WEB, entries, events

from pytest_netlab.flows import ICMP6, Tuple5
from pytest_netlab.host.tracking import conntrack
from pytest_netlab.host.tracking.conntrack import (
    GRE,
    Counters,
    Entry,
    Event,
    Icmp,
    Zone,
)

# As `conntrack -L -o extended` 1.4.7 prints them of a kernel 6.18.
LISTED = """\
ipv4     2 tcp      6 117 TIME_WAIT src=172.16.211.1 dst=172.16.211.128 sport=4 \
dport=81 src=172.17.0.5 dst=172.16.211.1 sport=80 dport=4 [ASSURED] mark=0 use=1
ipv4     2 icmp     1 29 src=172.17.0.5 dst=172.16.211.1 type=8 code=0 id=7 \
src=172.16.211.1 dst=172.16.211.128 type=0 code=0 id=7 mark=0 use=1
ipv6     10 udp      17 30 src=fd00::2 dst=fd00::1 sport=5 dport=53 [UNREPLIED] \
src=fd00::1 dst=fd00::2 sport=53 dport=5 mark=5 use=2
ipv6     10 icmpv6   58 99 src=fd00::1 dst=fd00::2 type=128 code=0 id=77 packets=1 \
bytes=104 [UNREPLIED] src=fd00::2 dst=fd00::1 type=129 code=0 id=77 packets=0 bytes=0 \
mark=0 use=1
ipv4     2 gre      47 99 src=10.0.0.1 dst=10.0.0.2 srckey=0x1 dstkey=0x20 \
[UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x20 dstkey=0x1 mark=0 use=1
ipv4     2 unknown  103 99 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 mark=0 \
use=1
ipv4     2 tcp      6 117 TIME_WAIT src=172.16.211.1 dst=172.16.211.128 sport=4 \
dport=81 src=172.17.0.5 dst=172.16.211.1 sport=80 dport=4 [ASSURED] mark=0 zone=7 \
use=1
ipv4     2 tcp      6 117 TIME_WAIT src=172.16.211.1 dst=172.16.211.128 sport=4 \
dport=81 zone-orig=4 src=172.17.0.5 dst=172.16.211.1 sport=80 dport=4 [ASSURED] \
mark=0 use=1
ipv4     2 tcp      6 117 TIME_WAIT src=172.16.211.1 dst=172.16.211.128 sport=4 \
dport=81 src=172.17.0.5 dst=172.16.211.1 sport=80 dport=4 [ASSURED] mark=0 \
secctx=system_u:object_r:t:s0 use=1 helper=ftp \
labels=0x00000000000000080000000000000000
"""
ENTRIES = {
    "tcp": WEB,
    "icmp": PING,
    "udp over IPv6": QUERY,
    "icmpv6, counted": Entry(
        original=Tuple5(ICMP6, "fd00::1", 77, "fd00::2", 77),
        reply=Tuple5(ICMP6, "fd00::2", 77, "fd00::1", 77),
        icmp=(Icmp(128, 0), Icmp(129, 0)),
        timeout=99,
        replied=False,
        counters=(Counters(1, 104), Counters(0, 0)),
        mark=0,
        use=1,
    ),
    "gre": Entry(
        original=Tuple5(GRE, "10.0.0.1", 1, "10.0.0.2", 0x20),
        reply=Tuple5(GRE, "10.0.0.2", 0x20, "10.0.0.1", 1),
        timeout=99,
        replied=False,
        mark=0,
        use=1,
    ),
    "of no name": Entry(
        original=Tuple5(103, "10.0.0.1", 0, "10.0.0.2", 0),
        reply=Tuple5(103, "10.0.0.2", 0, "10.0.0.1", 0),
        timeout=99,
        mark=0,
        use=1,
    ),
    "zone": replace(WEB, zone=Zone(7)),
    "zone of a direction": replace(WEB, zone=Zone(4, "orig")),
    "context, helper, labels": replace(
        WEB, secctx="system_u:object_r:t:s0", helper="ftp", labels=1 << 67
    ),
}


@pytest.mark.parametrize(
    ("entry", "line"),
    [*zip(ENTRIES.values(), LISTED.splitlines(), strict=True)],
    ids=ENTRIES,
)
def test_entry(entry: Entry, line: str) -> None:
    """An entry is written as the tool writes it, and read from that."""
    assert f"{entry}" == line
    assert conntrack.entries(line) == (entry,)


@given(entries())
def test_any_entry(entry: Entry) -> None:
    """Any entry that is written is read as it was."""
    assert conntrack.entries(f"{entry}\n") == (entry,)


@given(events())
def test_any_event(event: Event) -> None:
    """Any event that is written is read as it was."""
    assert conntrack.events(conntrack.history([event])) == (event,)


def test_several() -> None:
    """Entries are read in their order, whether the family is told or not."""
    told = f"{WEB}\n{PING}\n".replace("ipv4     2 ", "", 1)
    said = "conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.\n"

    assert conntrack.entries(told + said) == (WEB, PING)


def test_what_is_asked_for() -> None:
    """Timestamps and ids, printed on demand, keep no entry from being read."""
    line = f"{WEB}".replace("use=1", "delta-time=3 [start=Mon] use=1 id=77")

    assert conntrack.entries(line) == (WEB,)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no program 'conntrack' on this machine",
        "src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1",
        f"{WEB}".replace(" src=172.17.0.5", ""),
        f"{WEB}".replace(" dst=172.16.211.128", ""),
        f"{WEB} src=10.0.0.1",
        f"{WEB}".replace("sport=4 ", "sport=x "),
        f"{WEB}".replace("sport=4 ", f"sport={'9' * 5000} "),
        f"{WEB}".replace("mark=0", "mark=²"),
        f"{WEB}".replace(" 6 ", " six "),
        f"{PING}".replace("type=0 ", ""),
    ],
    ids=[
        *("nothing", "an error", "no protocol", "one tuple", "half a tuple"),
        *("three tuples", "a port that is none", "a long port", "a digit that is none"),
        *("a protocol that is none", "no type"),
    ],
)
def test_no_entry(line: str) -> None:
    """What is no entry is left out, and the others are read."""
    assert conntrack.entries(f"{line}\n{PING}\n") == (PING,)


def test_events() -> None:
    """What became of a connection is told with its tuples alone."""
    told = (
        "    [NEW] icmp src=172.17.0.5 dst=172.16.211.1 type=8 code=0 id=7 "
        "src=172.16.211.1 dst=172.16.211.128 type=0 code=0 id=7\n"
        "(the kernel's queue overflowed here: events are missing)\n"
        "[DESTROY] 103 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1\n"
    )
    new = Event(change="NEW", original=PING.original, reply=PING.reply, icmp=ECHO)
    there = Tuple5(103, "10.0.0.1", 0, "10.0.0.2", 0)
    end = Event(change="DESTROY", original=there, reply=there.reply)

    assert conntrack.history([new, None, end]) == told
    assert conntrack.events(told) == (new, end)


@pytest.mark.parametrize(
    "line", [f"{WEB}", "[LATER] tcp src=1 dst=2 src=2 dst=1", "nobody listened"]
)
def test_no_event(line: str) -> None:
    """What is no event is left out."""
    assert conntrack.events(line) == ()
