"""What the counters of a kernel tell, and their text."""

from __future__ import annotations

import pytest

from pytest_netlab.host import meters
from pytest_netlab.host.meters import Meters, counts

SNMP = """Ip: Forwarding InReceives OutNoRoutes
Ip: 1 12 3
Icmp: InMsgs
Icmp: 0
"""
NETSTAT = """TcpExt: IPReversePathFilter
TcpExt: 2
IpExt: InNoRoutes InOctets
IpExt: 0 84
"""
XFRM = "XfrmInError             \t0\nXfrmInNoPols            \t4\n"
CONNTRACK = """entries  searched drop
00000007 00000001 0000000a
00000007 00000000 00000006
"""
DEV = """Inter-|   Receive                        |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop
    lo:     0       0    0    0    0     0          0         0 0 0 0 0 0 0 0 0
veth12:   252       3    1    2    0     0          0         0 90 1 0 5 0 0 0 0
"""


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("snmp", SNMP, {"Ip Forwarding": 1, "Ip InReceives": 12, "Ip OutNoRoutes": 3}),
        ("netstat", NETSTAT, {"TcpExt IPReversePathFilter": 2, "IpExt InOctets": 84}),
        ("snmp6", "Ip6InNoRoutes     \t9\nIp6OutDiscards \t0\n", {"Ip6InNoRoutes": 9}),
        ("xfrm_stat", XFRM, {"XfrmInNoPols": 4}),
        (
            "stat/nf_conntrack",
            CONNTRACK,
            {"conntrack searched": 1, "conntrack drop": 16},
        ),
        (
            "dev",
            DEV,
            {
                "link veth12 rx_packets": 3,
                "link veth12 rx_dropped": 2,
                "link veth12 tx_packets": 1,
                "link veth12 tx_dropped": 5,
            },
        ),
    ],
)
def test_files(file: str, text: str, found: dict[str, int]) -> None:
    """Each file's counters have its protocol's names; those of 0 are left out."""
    assert counts({file: text}) == found
    assert counts({file: text}, "c1") == {f"c1 {n}": v for n, v in found.items()}


@pytest.mark.parametrize("file", meters.FILES)
@pytest.mark.parametrize(
    "text", ["", "x", "a b\n", "Ip: A\nIp: x\n", "Ip: A\n", ":\n\n"]
)
def test_damaged(file: str, text: str) -> None:
    """A file that is cut or odd has no counters."""
    assert counts({file: text}) == {}


def test_between() -> None:
    """Counters that did not grow say nothing; one that was not there was 0."""
    found = meters.between({"a": 1, "b": 2, "c": 9}, {"a": 1, "b": 5, "d": 4}, {})

    assert found == Meters({"b": 2, "d": 0}, {"b": 5, "d": 4})
    assert [found.grown(name) for name in "abcde"] == [0, 3, 0, 4, 0]


def test_reasons() -> None:
    """What says that packets ended here is named; other traffic is not."""
    after = {"Ip InReceives": 9, "Ip OutNoRoutes": 3, "XfrmInNoPols": 1, "c1 Ip X": 1}
    found = meters.between({"Ip OutNoRoutes": 1}, after, {})

    assert found.reasons == {"Ip OutNoRoutes": 2, "XfrmInNoPols": 1}


def test_links() -> None:
    """A node is found by the link that leads to it."""
    found = Meters(links={"veth12": "c1", "docker0": "docker0"})

    assert found.link("c1") == "veth12"
    assert found.link("web") == ""


def test_text() -> None:
    """Evidence keeps all of it; other lines are left out."""
    found = Meters({"c1 Ip OutNoRoutes": 0}, {"c1 Ip OutNoRoutes": 3}, {"veth1": "c1"})

    text = meters.render(found)

    assert text == "veth1 leads to c1\nc1 Ip OutNoRoutes: 0 -> 3\n"
    assert meters.parse(f"LabError: nobody read them\n{text}") == found
    assert not meters.parse("x: y -> z")
    assert not Meters()
