"""What a lab's host has before anything runs on it: its loopback, its sysctls.

Knows a network namespace; not which sysctls an engine wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_netlab.lab.net.links import index_of, netlink
from pytest_netlab.lab.net.sysctls import write

if TYPE_CHECKING:
    from collections.abc import Mapping


def boot(netns: str, sysctls: Mapping[str, str]) -> None:
    """Switch the loopback on, and write sysctls.

    Raises:
        LabError: there is no such sysctl yet, or the kernel refuses the value.

    """
    with netlink(netns) as ip:
        ip.link("set", index=index_of(ip, "lo"), state="up")
    for name, value in sysctls.items():
        write(netns, name, value)
