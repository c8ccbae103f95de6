"""What stops frames at links, as tools print it."""

from __future__ import annotations

import pytest

from pytest_netlab.host.obstacles import Obstacle, obstacles

TC = """qdisc noqueue 0: dev docker0 root refcnt 2\x20
 Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\x20
 backlog 0b 0p requeues 0
qdisc blackhole 8005: dev ens160 root refcnt 3\x20
 Sent 0 bytes 0 pkt (dropped 4, overlimits 0 requeues 0)\x20
 backlog 0b 0p requeues 0
qdisc clsact ffff: dev veth1 parent ffff:fff1\x20
 Sent 98 bytes 1 pkt (dropped 1, overlimits 0 requeues 0)\x20
qdisc pfifo_fast 0: dev eth9 root refcnt 2 bands 3
 Sent 0 bytes 0 pkt (dropped 2, overlimits 0 requeues 0)\x20
"""
LINKS = """1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00 promiscuity 0
5: veth1@if2: <BROADCAST,UP,LOWER_UP> mtu 1500 xdpgeneric/id:12 qdisc noqueue master \
docker0 state UP mode DEFAULT
6: veth2@if2: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue master docker0 state DOWN
7: veth3@if2: <NO-CARRIER,BROADCAST,UP> mtu 1500 qdisc noqueue master docker0 state
8: veth4@if2: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT

    inet 127.0.0.1/8 scope host lo
"""
PORTS = """5: veth1@if2: <BROADCAST,UP> mtu 1500 master docker0 state forwarding cost 2
    hairpin off guard off isolated off locked off\x20
6: veth2@if2: <BROADCAST,UP> mtu 1500 master docker0 state disabled priority 32 cost 2
    hairpin off guard off isolated on locked on\x20
"""
FDB = """02:42:ac:11:00:05 dev veth1 master docker0 permanent
02:42:ac:11:00:06 dev veth2 vlan 1 master docker0 static
33:33:00:00:00:01 dev docker0 self permanent
"""


def test_queues() -> None:
    """Queues that dropped packets are known; the kernel's own cannot be deleted."""
    sent, brought, own = obstacles({"tc.txt": TC})

    assert sent == Obstacle(
        "ens160",
        "qdisc blackhole of ens160 has dropped 4 packets",
        "tc qdisc del dev ens160 root",
        inward=False,
        counted=True,
    )
    assert brought.text == "qdisc clsact of veth1 has dropped 1 packet"
    assert brought.remedy == "tc qdisc del dev veth1 clsact"
    assert brought.inward
    assert own.remedy == ""


def test_links() -> None:
    """A program, a link that is down, and one that left its bridge."""
    found = obstacles({"ip-host.txt": LINKS}, ["veth1", "veth2", "veth3", "veth4"])

    assert [(one.place, one.text) for one in found] == [
        ("veth1", "the XDP program 12 of veth1 sees frames first"),
        ("veth2", "link veth2 is down"),
        ("veth3", "the other end of link veth3 is down"),
        ("veth4", "link veth4 is no port of a bridge"),
    ]
    assert [one.remedy for one in found[:2]] == [
        "ip link set dev veth1 xdpgeneric off",
        "ip link set dev veth2 up",
    ]


def test_ports() -> None:
    """A port that does not forward, or that is set apart."""
    found = obstacles({"bridge-link.txt": PORTS})

    assert [one.text for one in found] == [
        "docker0's port veth2 is in state disabled",
        "the bridge's port veth2 is locked",
        "the bridge's port veth2 is isolated",
    ]
    assert found[1].remedy == "bridge link set dev veth2 locked off"


def test_addresses() -> None:
    """An address that is nailed to a port; those that the kernel keeps are its own."""
    (found,) = obstacles({"bridge-fdb.txt": FDB})

    assert found.place == "02:42:ac:11:00:06"
    assert "to its port veth2" in found.text
    assert found.remedy == "bridge fdb del 02:42:ac:11:00:06 dev veth2 master"


@pytest.mark.parametrize("text", ["", "LabError: no program", "qdisc x", "5: x: <>"])
def test_nothing(text: str) -> None:
    """What could not be read stops nothing that is known."""
    names = ("tc.txt", "bridge-link.txt", "bridge-fdb.txt")

    assert obstacles(dict.fromkeys(names, text)) == ()
