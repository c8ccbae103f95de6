"""Time a whole run against what Docker itself needs, in one process tree.

Cold: `pytest -m netlab` from process start to verdict, against a bare dockerd start and
four `docker run` in namespaces of their own. Warm: each scenario once the lab is up.
Run as root from a checkout: `make bench`.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time

from rich.console import Console
from rich.progress import track
from rich.table import Table

from pytest_netlab.lab.lifetime import supervisor

ROUNDS = 5
COLD_LIMIT = 2.5
WARM_LIMIT = 0.5
PYTEST = (sys.executable, "-m", "pytest", "-m", "netlab", "--netlab-strict")
DURATION = re.compile(r"^([\d.]+)s call +(\S+)$", re.MULTILINE)

# What anybody would type: dockerd on a tmpfs, an image of busybox, four containers.
# What dockerd and containerd write to /etc and /opt goes with the mounts.
BARE = r"""
set -e
mount -t tmpfs tmpfs /run
mkdir /run/up /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/up,workdir=/run/work /etc
mount -t tmpfs tmpfs /opt
ip link set lo up
echo '{}' >/run/daemon.json
dockerd --config-file /run/daemon.json --data-root /run/data \
  --exec-root /run/exec --exec-opt native.cgroupdriver=cgroupfs \
  --host unix:///run/d.sock --pidfile /run/d.pid \
  --cgroup-parent /pytest-netlab-bench >/run/log 2>&1 &
export DOCKER_HOST=unix:///run/d.sock
until docker version >/dev/null 2>&1; do sleep 0.02; done
tar -C / -c bin/busybox | docker import - bare >/dev/null
for name in c1 c2 c3 web; do docker run -d --name $name bare /bin/busybox sleep 99; done
"""


def bare() -> float:
    """Return the seconds of a dockerd start and four `docker run`."""
    namespaces = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child")
    started = time.perf_counter()
    command = [*namespaces, "--mount-proc", "sh", "-c", BARE]
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    supervisor.end("bench")  # its cgroups are named as if that were a token
    return seconds


def cold() -> tuple[float, dict[str, float]]:
    """Return the seconds of a whole run, and of each scenario's call."""
    with tempfile.TemporaryDirectory() as cache:
        started = time.perf_counter()
        options = ("--durations=0", "-vv", "-p", "no:cacheprovider", "-q", "scenarios")
        command = [*PYTEST, *options, f"--netlab-artifacts={cache}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - started
    calls = {name: float(took) for took, name in DURATION.findall(done.stdout)}
    return seconds, calls


def main() -> None:
    """Print medians and ratios as a table, and as JSON for a machine."""
    baseline, runs, warm = [], [], []
    for _ in track(range(ROUNDS), "running", console=Console(stderr=True)):
        baseline.append(bare())
        seconds, calls = cold()
        runs.append(seconds)
        warm.append(calls)
    worst = {name: statistics.median(w[name] for w in warm) for name in warm[0]}
    peer, ours = statistics.median(baseline), statistics.median(runs)
    table = Table("what", "seconds", "ratio or limit")
    table.add_row("dockerd + four docker run", f"{peer:.2f}", "1.00 x")
    limit = f"{ours / peer:.2f} x (at most {COLD_LIMIT} x)"
    table.add_row("pytest -m netlab, cold", f"{ours:.2f}", limit)
    for name, seconds in worst.items():
        short = name.partition("::")[2]
        table.add_row(f"warm {short}", f"{seconds:.2f}", f"at most {WARM_LIMIT} s")
    Console().print(table)
    print(json.dumps({"bare": peer, "cold": ours, "warm": worst}))


if __name__ == "__main__":
    main()
