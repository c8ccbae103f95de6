"""What the kernel is asked is what the tools print, and evidence keeps all of it."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.host import snapshot
from pytest_netlab.lab.backends import private
from pytest_netlab.lab.net import conntrack, routes
from pytest_netlab.spec import UPLINK, LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_netlab.lab.backends.docker_lab import DockerLab

FOUR, SIX = "-s 198.18.0.1 -d 198.18.0.2", "-s fd77::1 -d fd77::2"
PORTS = "--sport 4000 --dport 53"
TRANSLATED = (
    "--reply-src 198.18.0.9 --reply-dst 198.18.0.7 --reply-port-src 8080 "
    "--reply-port-dst 4001"
)
ENTRIES = (
    f"-p udp {FOUR} {PORTS}",
    f"-p udp {SIX} {PORTS} -m 5",
    f"-p udp {FOUR} {PORTS} -w 7",
    f"-p tcp {FOUR} {PORTS} --state ESTABLISHED -u ASSURED,SEEN_REPLY",
    f"-p tcp {FOUR} --sport 4001 --dport 80 --state SYN_SENT {TRANSLATED}",
    f"-p icmp {FOUR} --icmp-type 8 --icmp-code 0 --icmp-id 77 -u SEEN_REPLY",
    f"-p icmpv6 {SIX} --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 77",
    f"-p gre {FOUR} --srckey 1 --dstkey 2",
    f"-p 103 {FOUR}",
)
# What is added to the host.
ADDED = (
    "route {} unreachable 198.18.1.0/24 metric 5",
    "route {} 198.18.2.0/24 via 172.16.211.1 proto static mtu 1400 table 77",
    "route {} 198.18.3.0/24 nexthop via 172.16.211.1 weight 2 nexthop via 172.16.211.3",
    "-6 route {} unreachable fd77::/32",
    "rule {} from 198.18.0.0/16 fwmark 0x5/0xff lookup 77",
    "rule {} to 198.18.0.1 ipproto tcp dport 80 unreachable",
    "rule {} not to 198.18.0.1 lookup 77",
    "rule {} priority 77 from 198.18.0.3 tos 0x10 uidrange 7-9 lookup 77",
    "rule {} priority 78 from 198.18.0.4 goto 32766",
    "rule {} priority 79 from 198.18.0.5 nop",
    "-6 rule {} from fd77::/32 lookup 77",
    "neigh {} 172.16.211.9 lladdr 02:00:00:00:00:09 dev ens160",
)
PRINTED = {
    "routes": ("-4 route show table all", "-6 route show table all"),
    "policy_rules": ("rule",),
    "policy_rules6": ("-6 rule",),
    "neighbours": ("neigh",),
}
TIMEOUT = re.compile(r"^(ipv[46] +\d+ \w+ +\d+) \d+", re.MULTILINE)


@pytest.fixture(
    scope="module",
    params=[
        None,
        pytest.param("trixie", marks=pytest.mark.engine_suites),
        pytest.param("forky", marks=pytest.mark.engine_suites),
    ],
)
def lab(
    request: pytest.FixtureRequest, suite_root: Callable[[str], Path]
) -> Iterator[DockerLab]:
    """Return a lab whose host has more routes, rules and connections than Docker's."""
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    root = suite_root(request.param) if request.param else None
    with closing(private.start(LabOptions(root=root))) as started:
        host = started.nodes["host"]
        for line in ADDED:
            host.run("ip", *line.format("add").split())
        yield started


def lines(text: str) -> list[str]:
    """Return lines in any order, without the space that `ip` leaves at their ends."""
    return sorted(line.rstrip() for line in text.splitlines())


def test_connections(lab: DockerLab) -> None:
    """Connections are what `conntrack -L` lists, but for time that passes."""
    host = lab.nodes["host"]
    for entry in ENTRIES:
        host.run("conntrack", "-I", "-t", "600", *entry.split())

    listed = host.run("conntrack", "-L", "-o", "extended").stdout
    found = "".join(f"{one}\n" for one in conntrack.entries(host.netns))
    lab.reset()

    assert len(found.splitlines()) >= len(ENTRIES)
    assert lines(TIMEOUT.sub(r"\1", found)) == lines(TIMEOUT.sub(r"\1", listed))


@pytest.mark.parametrize("part", PRINTED)
def test_tables(lab: DockerLab, part: str) -> None:
    """Routes, policy rules and neighbours are what `ip` prints of them."""
    host = lab.nodes["host"]
    lab.nodes["c1"].run("ping", "-c", "1", host.address)
    printed = [host.run("ip", *line.split()).stdout for line in PRINTED[part]]

    found = lab.snapshot()

    assert getattr(found, part)
    assert lines(found.files[snapshot.KEPT[part].file]) == lines("".join(printed))


def test_evidence_has_all(lab: DockerLab) -> None:
    """What a stored run is judged by is what the live one was judged by."""
    with closing(lab.tap([UPLINK])):
        lab.nodes["c1"].run("ping", "-c", "1", "172.16.211.1")
        lab.nodes["host01"].run("curl", "-sf", "http://172.16.211.128:81/")
        found = lab.snapshot()

    assert found.entries
    assert found.events
    assert found.sysctls["net.ipv4.ip_forward"] == "1"
    assert snapshot.read(found.files) == found


def test_chosen_routes(lab: DockerLab) -> None:
    """The kernel's choice has device, next hop and source; or there is none."""
    host = lab.nodes["host"]
    beyond, bridged, nowhere = routes.chosen(
        host.netns, ["203.0.113.1", "172.17.0.2", "198.18.1.1"]
    )

    assert nowhere is None
    assert beyond is not None
    assert bridged is not None
    assert (beyond.gateway, beyond.source) == ("172.16.211.2", host.address)
    assert (bridged.device, bridged.gateway) == ("docker0", "")
