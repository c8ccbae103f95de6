"""What evidence that was kept tells of a host."""

from __future__ import annotations

from tests.unit.host.tracked import PING, QUERY, WEB

from pytest_netlab.host import conntrack, snapshot
from pytest_netlab.host.conntrack import Event
from pytest_netlab.host.snapshot import Snapshot

END = Event(change="DESTROY", original=QUERY.original, reply=QUERY.reply)


def test_read() -> None:
    """Values are read from the files that they were written to."""
    files = {
        "conntrack.txt": f"{WEB}\n{PING}\n",
        "conntrack-events.txt": conntrack.history([END]),
        "sysctl.txt": "net.ipv4.ip_forward = 1\n",
        "sysctl-nodes.txt": "c1 net.ipv4.tcp_sack = 0\nnothing\n",
        "web.log": "GET /\n",
    }

    assert snapshot.read(files) == Snapshot(
        files=files,
        entries=(WEB, PING),
        events=(END,),
        sysctls={"net.ipv4.ip_forward": "1"},
        ends={"c1": {"net.ipv4.tcp_sack": "0"}},
    )


def test_nothing() -> None:
    """Of what was not kept nothing is known."""
    assert snapshot.read({}) == Snapshot()


def test_replies() -> None:
    """A tuple is held by whoever is tracked, and was by whoever no longer is."""
    found = Snapshot(entries=(WEB, PING), events=(END,))

    assert found.replies == {WEB.reply, PING.reply, QUERY.reply}
