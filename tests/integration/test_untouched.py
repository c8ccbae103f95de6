"""A full run leaves the machine's own namespaces as they were."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Scenarios = Callable[..., pytest.RunResult]

# Counters, random numbers and what other programs change all the time.
LIVELY = re.compile(
    r"random/|fs/(dentry|file|inode|aio-nr)|pty/nr|ns_last_pid|nf_conntrack_count"
    r"|kernel/(seccomp|sched_domain)|netdev_rss_key"
)
DOCKER_FILES = (
    "/etc/docker",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/opt/containerd",
)


def said(*command: str) -> str:
    """Return what a command printed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def sysctls() -> dict[str, str]:
    """Return every readable sysctl that holds still."""
    found = {}
    for path in Path("/proc/sys").rglob("*"):
        if path.is_file() and not LIVELY.search(str(path)):
            try:
                found[str(path)] = path.read_text(errors="replace")
            except OSError:  # write-only, or of a device without it
                continue
    return found


def addresses(link: dict[str, list[dict[str, object]]]) -> list[object]:
    """Return a link's addresses; their lifetimes run down."""
    return [address["local"] for address in link["addr_info"]]


def machine() -> dict[str, object]:
    """Return links, addresses, routes, rules, sysctls, mounts and Docker's files."""
    links = json.loads(said("ip", "-j", "-d", "address"))
    ours = Path("/proc/self/mounts").read_text().splitlines()
    return {
        "links": [(link["ifname"], link["flags"], addresses(link)) for link in links],
        "routes": said("ip", "route", "show", "table", "all"),
        "policies": said("ip", "rule"),
        "rules": said("nft", "--stateless", "list", "ruleset"),
        "sysctls": sysctls(),
        "mounts": sorted(ours),
        "namespaces": said("ip", "netns", "list"),
        "docker": {name: sorted(Path(name).rglob("*")) for name in DOCKER_FILES},
    }


def test_full_run_leaves_the_machine_alone(scenarios: Scenarios) -> None:
    """Links, routes, rules, sysctls, mounts and files are equal before and after."""
    before = machine()

    result = scenarios()

    result.assert_outcomes(passed=10)
    after = machine()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == set()
