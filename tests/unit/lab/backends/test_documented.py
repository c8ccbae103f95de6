"""The rules that Docker documents, filled in for a lab."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from pytest_netlab.lab.backends import documented


def about(*transports: str) -> documented.Publication:
    """Return a published port."""
    return documented.Publication(
        subnet=IPv4Network("172.17.0.0/16"),
        containers=("172.17.0.2", "172.17.0.3"),
        web=("172.17.0.3", 80),
        host=("10.0.0.1", 81),
        transports=transports,
    )


@pytest.mark.parametrize(("forwarded", "policy"), [(False, "DROP"), (True, "ACCEPT")])
def test_policy(forwarded: bool, policy: str) -> None:  # noqa: FBT001 - a parameter
    """An engine closes FORWARD only if it is what switched forwarding on."""
    lines = documented.iptables(about("tcp"), forwarded=forwarded).splitlines()

    assert f":FORWARD {policy}" in lines


def test_a_line_for_each_transport() -> None:
    """What is published for two transports has two rules of each kind."""
    rules = documented.iptables(about("tcp", "udp"), forwarded=False).splitlines()
    native = documented.native(about("tcp", "udp"))

    dnat = [line for line in rules if "-j DNAT" in line]
    assert [line.split(" -p ")[1] for line in dnat] == [
        f"{name} -m {name} --dport 81 -j DNAT --to-destination 172.17.0.3:80"
        for name in ("tcp", "udp")
    ]
    assert native.count('comment "DNAT"') == 2
    assert "ip daddr 10.0.0.1 udp dport 81 counter dnat to 172.17.0.3:80" in native


def test_direct_access_to_each_container() -> None:
    """The native rules name every container, and nothing is left to fill in."""
    native = documented.native(about("tcp"))

    drops = [line.split()[2] for line in native.splitlines() if "DIRECT" in line]
    assert drops == ["172.17.0.2", "172.17.0.3"]
    assert "{web}" not in native
    assert native.count("{") == native.count("}")
