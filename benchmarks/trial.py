"""Count false alarms: seed scenarios, again and again, on a machine under load.

Both cores are busy; 20 other containers exchange TCP, UDP and ICMP on docker0 and
through the uplink; the connection table is nearly full; the uplink loses 1 % of all
frames and delays them by 5 ms or less, either way. Run as root: `make trial`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import traceback
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from pytest_netlab.capture import write
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.lab.backends import private
from pytest_netlab.mutate.live import Body
from pytest_netlab.mutate.live.impair import impaired
from pytest_netlab.report.text import render
from pytest_netlab.spec import LabOptions
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab

SEEDS = ("ping-host", "ping-beyond", "published-web")
CONTAINERS = 20
FILLED = 0.93  # of the table; other containers and scenarios fill the rest
PORTS = 50  # of each container, that go on sending
NETWORK = {"loss": 0.01, "delay": 0.005, "jitter": 0.005}
SPIN = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0))).start()
while True: pass
"""  # until its standard input is closed, however this process ends
TALK = """
trap 'exit 0' TERM INT
httpd -p 80 -h /srv
(while :; do
  ping -c1 -W1 $NEXT; ping -c1 -W1 $HOST01
  wget -q -T2 -O /dev/null http://$NEXT/; wget -q -T2 -O /dev/null http://$HOST02/
  sleep 0.3
done) >/dev/null 2>&1 & wait
"""


def main() -> None:
    """Run the scenarios, print how many alarms there were, and keep their packets."""
    options = _options()
    alarms: Counter[str] = Counter()
    entries = []
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
    store = Store(Path(str(files("pytest_netlab.golden"))))
    bodies = {name: Body(name, store) for name in SEEDS}
    lab = private.start(LabOptions())
    started, table = time.monotonic(), _table(lab)
    try:
        with _loaded(lab), impaired(lab, seed=options.seed, **NETWORK) as tally:
            for number in track(
                range(options.runs), "running", console=Console(stderr=True)
            ):
                for name, body in bodies.items():
                    why = _alarm(lab, body, options.artifacts / f"{number}-{name}")
                    entries.append(_entries(lab))
                    if why:
                        alarms[f"{name}: {why}"] += 1
    finally:
        lab.close()
    entries.sort()
    figures = {
        "runs": options.runs,
        "scenarios": len(entries),
        "alarms": alarms.total(),
        "causes": alarms,
        "seconds": round(time.monotonic() - started),
        "load average": os.getloadavg()[0],
        "table": table,
        "entries": [entries[0], entries[len(entries) // 2], entries[-1]],
        "frames": {"carried": tally.carried, "lost": tally.lost},
    }
    print(json.dumps(figures, indent=1))
    sys.exit(1 if alarms else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=300, help="of all scenarios (300)")
    parser.add_argument("--seed", type=int, default=1, help="of the network's faults")
    parser.add_argument(
        "--artifacts", type=Path, default=Path("netlab-artifacts/trial")
    )
    return parser.parse_args()


def _alarm(lab: DockerLab, body: Body, folder: Path) -> str:
    """Return why a scenario was red or broken, and keep its packets; "" for a pass."""
    seen = body.run(lab)
    if seen.error is None:
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    told = "".join(traceback.format_exception(seen.error))
    if isinstance(seen.error, ScenarioFailedError):
        told = render(seen.error.verdict)
    (folder / "alarm.txt").write_text(told, encoding="utf-8")
    if seen.run.trace is not None:
        write(folder / "capture.pcapng", seen.run.trace.capture)
    return seen.cause


def _entries(lab: DockerLab) -> int:
    read = lab.nodes["host"].run("sysctl", "-n", "net.netfilter.nf_conntrack_count")
    return int(read.stdout)


@contextmanager
def _loaded(lab: DockerLab) -> Iterator[None]:
    """Load lab and machine while the block runs.

    A host with such traffic is never a test's alone: only the connections of the
    lab's own nodes are forgotten between scenarios, as on a lab host.
    """
    lab._components = replace(lab._components, shared=True)  # noqa: SLF001 - a trial's own liberty
    host02 = lab.nodes["host02"]
    with ExitStack() as undo:
        others = _others(lab, undo)
        serve = ("busybox", "httpd", "-f", "-p", "80", "-h", "/srv")
        _start(host02.namespaces.command(serve, host02.netns), undo)
        for _ in range(os.cpu_count() or 1):
            _start((sys.executable, "-c", SPIN), undo)
        proc = lab._components.procfs  # noqa: SLF001
        host = lab.nodes["host"]
        for name in ("udp_timeout", "udp_timeout_stream"):
            host.run("sysctl", "-w", f"net.netfilter.nf_conntrack_{name}=3600")
        plan = {
            "senders": [f"{proc}/proc/{pid}/ns/net" for pid in others],
            "fill": int(_table(lab) * FILLED / CONTAINERS),
            "ports": PORTS,
            "to": host02.address,
            "at": host02.netns,
        }
        load = Path(__file__).with_name("load.py")
        filler = _start((sys.executable, str(load)), undo)
        filler.stdin.write(f"{json.dumps(plan)}\n".encode())
        filler.stdin.flush()
        if filler.stdout.readline() != b"ready\n":
            raise SystemExit("the load did not start")
        yield


def _table(lab: DockerLab) -> int:
    """Return how many connections the host tracks at most; a namespace cannot say."""
    read = lab.nodes["host"].run("sysctl", "-n", "net.netfilter.nf_conntrack_max")
    return int(read.stdout)


def _others(lab: DockerLab, undo: ExitStack) -> list[int]:
    """Start containers that talk in a ring and to the neighbours; return their pids."""
    image = lab.nodes["c1"].container.image
    made: list[Any] = []
    env = {f"{n.upper()}": lab.nodes[n].address for n in ("host01", "host02")}
    after = lab.nodes["web"].address
    for number in range(CONTAINERS):
        container = lab.docker.containers.create(
            image,
            ["sh", "-c", TALK],
            name=f"other-{number}",
            environment=env | {"NEXT": after},
            network="bridge",
        )
        undo.callback(container.remove, force=True)
        container.start()
        container.reload()
        after = container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        made.append(container)
    return [container.attrs["State"]["Pid"] for container in made]


def _start(argv: tuple[str, ...] | list[str], undo: ExitStack) -> Any:
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    undo.callback(process.wait)
    undo.callback(process.kill)
    return process


if __name__ == "__main__":
    main()
