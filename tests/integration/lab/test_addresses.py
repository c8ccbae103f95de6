"""The addresses of a link are those that `ip` shows, in its order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_netlab.lab.net.addresses import addresses

if TYPE_CHECKING:
    from pytest_netlab.lab.backends.docker_lab import DockerLab


def test_addresses(lab: DockerLab) -> None:
    """All of a link, of both versions; a name that no link has has none."""
    c1 = lab.nodes["c1"]
    c1.run("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0")
    for address in ("172.17.9.9/32", "fd00:5::2/64", "fd00:5::3/128"):
        c1.run("ip", "addr", "add", address, "dev", "eth0", "nodad")
    shown = json.loads(c1.run("ip", "-j", "addr", "show", "eth0").stdout)[0]
    expected = [f"{x['local']}/{x['prefixlen']}" for x in shown["addr_info"]]

    assert addresses(c1.netns, "eth0") == expected
    assert len(expected) >= 4
    assert addresses(c1.netns, "nosuch0") == []
    assert addresses(None, "lo")[:1] in (["127.0.0.1/8"], [])
