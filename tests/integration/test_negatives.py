"""What no scenario may show, sent by a real host: found, named, and waived by name."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, MACS, Packet, error

from pytest_netlab.checks.forbidden import EMPTY
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.lab.backends import private
from pytest_netlab.run import ScenarioRun
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import Store
from pytest_netlab.wire import arp, assigned, ethernet, tcp

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.lab.backends.docker_lab import DockerLab

CONTAINER, LOOPBACK = "container-address-on-uplink", "loopback-on-uplink"
SEND = """
import socket, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[1], 0))
out.send(bytes.fromhex(sys.argv[2]))
"""
RAW = """
import socket, sys
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
out.sendto(bytes.fromhex(sys.argv[1]), (sys.argv[2], 0))
"""
PING = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7))
FRAMES = {
    "loopback": Packet(key=Tuple5(UDP, "127.0.0.1", 9, HOST01, 9)).frame,
    "arp": ethernet.build(
        *MACS, arp.build(1, C1, HOST01, MACS[0], MACS[1]), ethertype=assigned.ARP
    ),
    "quoted": error(HOST, PING, dst=HOST01).frame,
}
QUIET = Scenario(id="quiet", waive=(EMPTY,))
RESET = Packet(key=Tuple5(TCP, C1, 4001, HOST01, 80), flags=tcp.RST | tcp.ACK)


@pytest.fixture
def quiet(lab: DockerLab, tmp_path: Path) -> Store:
    """Return goldens, of which one tells of a scenario in which nothing happens."""
    run = ScenarioRun(lab, QUIET, Store(tmp_path), update="all")
    with run.capture() as trace:
        pass
    run.check(trace)
    return Store(tmp_path)


def found(lab: DockerLab, store: Store, argv: tuple[str, ...], *waive: str) -> set[str]:
    """Return what differs of the quiet scenario while the host or c1 sends this."""
    run = ScenarioRun(lab, Scenario(id="quiet", waive=(EMPTY, *waive)), store)
    node = lab.nodes["c1" if argv[1] == RAW else "host"]
    with run.capture() as trace:
        node.run(sys.executable, "-c", *argv[1:])
    return {one.field for one in run.judge(trace).differences}


@pytest.mark.parametrize(
    ("name", "negative"),
    [("loopback", LOOPBACK), ("arp", CONTAINER), ("quoted", CONTAINER)],
)
def test_frame_of_the_host(
    lab: DockerLab, quiet: Store, name: str, negative: str
) -> None:
    """A forbidden address leaves in IP, in ARP, and inside an ICMP error."""
    argv = (name, SEND, "ens160", FRAMES[name].hex())

    told = found(lab, quiet, argv)
    waived = found(lab, quiet, argv, negative)

    assert negative in told
    assert waived == told - {negative}


def test_reset_without_a_connection(lab: DockerLab, quiet: Store) -> None:
    """A container's reset that nobody tracks leaves untranslated (moby/moby#44015)."""
    datagram = RESET.datagram.hex()

    told = found(lab, quiet, ("reset", RAW, datagram, HOST01))

    assert CONTAINER in told


def test_container_leaves_by_ipv6(tmp_path: Path) -> None:
    """Up to engine 26 nobody masquerades IPv6: a container's own address leaves."""
    daemon = {"ipv6": True, "fixed-cidr-v6": "fd00:17::/64"}
    with closing(private.start(LabOptions(daemon=daemon))) as lab:
        quiet = ScenarioRun(lab, QUIET, Store(tmp_path), update="all")
        with quiet.capture() as trace:
            pass
        quiet.check(trace)
        for node, link, own in (("host", "ens160", 1), ("host01", "eth0", 2)):
            for network in ("fd99::", "fe80::99:"):  # the latter asks for neighbours
                added = f"ip -6 addr add {network}{own}/64 dev {link} nodad"
                lab.nodes[node].run(*added.split())

        run = ScenarioRun(lab, QUIET, Store(tmp_path))
        with run.capture() as trace:
            lab.nodes["c1"].run("ping", "-6c1", "-W1", "fd99::2", check=False)
        found = run.judge(trace).differences

        assert [one.field for one in found] == ["conversation", CONTAINER]
        assert found[0].flow.startswith("icmp6 echo c1 -> ")
