"""Declarations: what cannot be meant is refused where it is declared."""

from __future__ import annotations

from ipaddress import IPv4Interface

import pytest

from pytest_netlab.spec import Scenario, Topology


@pytest.mark.parametrize(
    ("uplink", "expected"),
    [
        ("172.16.211.128/24", ["172.16.211.1", "172.16.211.2", "172.16.211.3"]),
        ("198.51.100.1/24", ["198.51.100.2", "198.51.100.3", "198.51.100.4"]),
        ("192.0.2.2/29", ["192.0.2.1", "192.0.2.3", "192.0.2.4"]),
    ],
)
def test_peers(uplink: str, expected: list[str]) -> None:
    """Neighbours are the first hosts of the network that are not the host itself."""
    plan = Topology(uplink=IPv4Interface(uplink))

    assert list(plan.peers) == ["host01", "gateway", "host02"]
    assert [str(peer.ip) for peer in plan.peers.values()] == expected
    assert {peer.network for peer in plan.peers.values()} == {plan.uplink.network}


@pytest.mark.parametrize(
    ("uplink", "words"),
    [
        ("192.0.2.1/30", "the length at most /29"),
        ("192.0.2.1", "the length at most /29"),
        ("10.0.0.1/4", "too large"),
        ("192.0.2.0/24", "network's own or broadcast"),
        ("192.0.2.255/24", "network's own or broadcast"),
        ("127.0.0.2/24", "no address of a link"),
        ("224.0.1.1/24", "no address of a link"),
    ],
)
def test_impossible_plan(uplink: str, words: str) -> None:
    """An address plan that has no room for a lab says what is wrong."""
    with pytest.raises(ValueError, match=words):
        Topology(uplink=IPv4Interface(uplink))


@pytest.mark.parametrize("name", ["ping", "ping-host", "web2", "a-1-b"])
def test_id(name: str) -> None:
    """An id is a hyphenated plain name."""
    assert Scenario(id=name).label == name


@pytest.mark.parametrize("test", ["", "test_pending", "test_other", "test_it[a/b]"])
def test_label_of_pending(test: str) -> None:
    """No scenario's evidence has the folder that proposals have, not even pending's."""
    label = Scenario(id="pending", test=test).label

    assert label.startswith("pending.test_")
    assert Scenario(id="pend", test="test_pending").label == "pend.test_pending"


@pytest.mark.parametrize(
    "name", ["", "Ping", "ping_host", "a/b", "..", "-a", "a-", "a--b", "a b", "a\n"]
)
def test_impossible_id(name: str) -> None:
    """An id becomes a folder's name: anything else is refused."""
    with pytest.raises(ValueError, match="use lower case, digits and -"):
        Scenario(id=name)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("", "ping-host"),
        ("test_ping_host", "ping-host"),
        ("test_other", "ping-host.test_other"),
        ("test_ping_host[a/b c]", "ping-host.test_ping_host-a-b-c-033cefe5"),
        ("test_ping_host[a-b]", "ping-host.test_ping_host-a-b-"),
    ],
)
def test_label(test: str, expected: str) -> None:
    """Evidence goes into a folder of its own for each test of a scenario."""
    assert Scenario(id="ping-host", test=test).label == expected
