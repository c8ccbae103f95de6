"""Sysctls of a network namespace, by the names that sysctl(8) takes.

Imports little: the plugin checks names whenever pytest starts.
"""

from __future__ import annotations

from pathlib import Path

from pytest_netlab.errors import LabError
from pytest_netlab.lab.net.netns import inside

IP_FORWARD = "net.ipv4.ip_forward"
ROOT = Path("/proc/sys")
# What separates the first two words separates all, and the other one is part of a name:
# net/ipv4/conf/eth0.1/rp_filter, net.ipv4.conf.eth0/1.rp_filter.
_SWAPPED = str.maketrans("./", "/.")


def write(netns: str, name: str, value: str) -> None:
    """Write a sysctl of a network namespace.

    Raises:
        LabError: there is no such sysctl, or the kernel refuses the value.

    """
    path = _path(name)
    with inside(netns):
        try:
            path.write_text(value, encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LabError(
                f"the host has no sysctl {name} when nothing runs on it yet; docker0 "
                "and the uplink, which come later, take over net.ipv4.conf.default"
            ) from error
        except OSError as error:
            text = f"sysctl {name} cannot be {value!r}: {error.strerror}"
            raise LabError(text) from error


def demand(name: str) -> None:
    """Check that a sysctl is one of a network namespace's own.

    Raises:
        LabError: all others are the machine's, which a lab leaves alone.

    """
    words = _path(name).relative_to(ROOT).parts
    if words[:1] != ("net",) or len(words) == 1 or ".." in words:
        raise LabError(
            f"{name!r} is no sysctl of a network: a lab sets only those that begin "
            f"with net., as in {IP_FORWARD}; others are the machine's"
        )


def _path(name: str) -> Path:
    if next((one for one in name if one in "./"), "") == ".":
        name = name.translate(_SWAPPED)
    return ROOT / name.strip("/")
