"""What evidence that was kept tells of a host."""

from __future__ import annotations

from tests.unit.host.tracked import PING, QUERY, WEB

from pytest_netlab.host import snapshot
from pytest_netlab.host.routing import routes
from pytest_netlab.host.routing.next_hops import Reachable
from pytest_netlab.host.snapshot import Snapshot
from pytest_netlab.host.tracking import conntrack
from pytest_netlab.host.tracking.conntrack import Event

END = Event(change="DESTROY", original=QUERY.original, reply=QUERY.reply)


def test_read() -> None:
    """Values are read from the files that they were written to."""
    files = {
        "conntrack.txt": f"{WEB}\n{PING}\n",
        "conntrack-events.txt": conntrack.history([END]),
        "sysctl.txt": "net.ipv4.ip_forward = 1\n",
        "sysctl-nodes.txt": "c1 net.ipv4.tcp_sack = 0\nnothing\n",
        "ip-nodes.txt": "c1 route default via 172.17.0.1 dev eth0\n",
        "web.log": "GET /\n",
    }

    assert snapshot.read(files) == Snapshot(
        files=files,
        entries=(WEB, PING),
        events=(END,),
        sysctls={"net.ipv4.ip_forward": "1"},
        reachable={"c1": Reachable(routes.routes("default via 172.17.0.1 dev eth0"))},
        ends={"c1": {"net.ipv4.tcp_sack": "0"}},
    )


def test_nothing() -> None:
    """Of what was not kept nothing is known."""
    assert snapshot.read({}) == Snapshot()


def test_replies() -> None:
    """A tuple is held by whoever is tracked, and was by whoever no longer is."""
    found = Snapshot(entries=(WEB, PING), events=(END,))

    assert found.replies == {WEB.reply, PING.reply, QUERY.reply}


def test_earlier() -> None:
    """What evidence has of the lab's start, and of before the capture, is known."""
    rules = "*filter\nCOMMIT\n"
    files = {
        "sysctl.txt": "net.ipv4.ip_forward = 0\n",
        "start-sysctl.txt": "net.ipv4.ip_forward = 1\n",
        "before-iptables.txt": rules,
    }
    found = snapshot.read(files)

    assert found.start == snapshot.read({"sysctl.txt": files["start-sysctl.txt"]})
    assert found.before == {"iptables.txt": rules}
    assert snapshot.read({}).start is None


def test_created() -> None:
    """Connections that began are known where all events were heard, and only there."""
    begun = Event(change="NEW", original=WEB.original, reply=WEB.reply)
    heard = conntrack.history([begun, END])

    found = snapshot.read({"conntrack-events.txt": heard})
    assert found.created == frozenset({WEB.original})
    for text in (heard + conntrack.history([None]), "nobody listened: no capture\n"):
        assert snapshot.read({"conntrack-events.txt": text}).created is None
    assert snapshot.read({"conntrack-events.txt": ""}).created == frozenset()
    assert snapshot.read({}).created is None


def test_network() -> None:
    """Where a host sends packets is known of now, and of its lab's start."""
    rule, route = "0:\tfrom all lookup main\n", "default dev ens160\n"
    files = {
        "ip-rule.txt": rule,
        "ip-route.txt": route,
        "ip-addr.txt": "ens160 10.0.0.1/8 scope 0\n",
        "ip-link.txt": "7: ens160 mtu 1500 state up\n",
        "ip-neigh.txt": "10.0.0.2 dev ens160 FAILED\n",
        "xfrm-policy.txt": "src 10.0.0.0/8 dst 10.0.0.1/32\n\tdir in action block\n",
        "ip-nodes.txt": f"web route {route}web route fd00::/64 dev eth0\n",
        "start-ip-rule.txt": "0:\tfrom all lookup 77\n",
    }
    known = snapshot.read(files).network_change({"10.0.0.1": "host"})

    now, then = known.now, known.then
    assert [f"{one}\n" for one in now.routing.rules] == [rule]
    assert [f"{one}\n" for one in now.routing.routes] == [route]
    assert [one.device for one in now.addresses] == ["ens160"]
    assert now.link("ens160") == now.links[0]
    assert now.link("eth0") is None
    assert now.neighbour("10.0.0.2", "ens160") == now.neighbours[0]
    assert now.neighbour("10.0.0.2", "docker0") is None
    assert [one.blocks for one in now.policies] == [True]
    assert then is not None
    assert [one.table for one in then.routing.rules] == ["77"]
    assert [len(one) for one in known.nodes.values()] == [2]
    assert known.link("uplink") == "uplink"
    assert Snapshot().network_change({}).then is None
