"""Names of sysctls that a lab may set."""

from __future__ import annotations

import pytest

from pytest_netlab.errors import LabError
from pytest_netlab.lab.net import sysctls


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
        ("net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
        ("/net/core/somaxconn", "net/core/somaxconn"),
    ],
)
def test_path(name: str, path: str) -> None:
    """A name is written as sysctl(8) takes it, with dots or with slashes."""
    sysctls.demand(name)

    assert str(sysctls._path(name)) == f"/proc/sys/{path}"


@pytest.mark.parametrize(
    "name",
    ["kernel.panic", "vm/swappiness", "net", "net.", "", "net/../kernel/panic", "/etc"],
)
def test_what_is_the_machines(name: str) -> None:
    """Only a network's sysctls belong to a lab."""
    with pytest.raises(LabError, match="no sysctl of a network"):
        sysctls.demand(name)
