"""Count false alarms: seed scenarios, again and again, on a machine under load.

Both cores are busy; 20 other containers exchange TCP, UDP and ICMP on docker0 and
through the uplink; the connection table is nearly full; the uplink loses 1 % of all
frames and delays them by 5 ms or less, either way. Run as root: `make trial`.
"""

from __future__ import annotations

import argparse
import importlib
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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from pytest_netlab.capture import write
from pytest_netlab.lab import engine
from pytest_netlab.lab.impair import impaired
from pytest_netlab.report.text import render
from pytest_netlab.runner import Netlab, ScenarioFailedError
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.docker_lab import DockerLab

SEEDS = ("ping-host", "ping-beyond", "published-web")
CONTAINERS = 20
TABLE, FILLED = 4096, 0.85  # entries, and how many of them the load keeps alive
NETWORK = {"loss": 0.01, "delay": 0.005, "jitter": 0.005}
SPIN = (sys.executable, "-c", "while True: pass")
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
    lab = engine.start(LabOptions())
    started = time.monotonic()
    try:
        with _loaded(lab), impaired(lab, seed=options.seed, **NETWORK) as tally:
            for number in track(
                range(options.runs), "running", console=Console(stderr=True)
            ):
                for name in SEEDS:
                    why = _run(lab, name, options.artifacts / f"{number}-{name}")
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
        "table": TABLE,
        "entries": {"least": entries[0], "median": entries[len(entries) // 2]},
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


def _run(lab: DockerLab, name: str, folder: Path) -> str:
    """Return why a scenario was red or broken; "" for a pass."""
    module = f"test_{name.replace('-', '_')}"
    scenario = getattr(
        importlib.import_module(f"pytest_netlab.scenarios.{module}"), module
    )
    store = Store(Path(importlib.import_module("pytest_netlab.golden").__path__[0]))
    netlab = Netlab(lab, Scenario(id=name), store)
    try:
        scenario(netlab)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is an alarm
        folder.mkdir(parents=True, exist_ok=True)
        told = traceback.format_exc()
        if isinstance(error, ScenarioFailedError):
            told = render(error.verdict)
        (folder / "alarm.txt").write_text(told, encoding="utf-8")
        if netlab.trace is not None:
            write(folder / "capture.pcapng", netlab.trace.capture)
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    return ""


def _entries(lab: DockerLab) -> int:
    read = lab.nodes["host"].run("sysctl", "-n", "net.netfilter.nf_conntrack_count")
    return int(read.stdout)


@contextmanager
def _loaded(lab: DockerLab) -> Iterator[None]:
    """Load lab and machine while the block runs.

    A host with such traffic is never a test's alone: only the connections of the
    lab's own nodes are forgotten between scenarios, as on a lab host.
    """
    lab._parts = replace(lab._parts, shared=True)  # noqa: SLF001 - a trial's own liberty
    host02 = lab.nodes["host02"]
    with ExitStack() as undo:
        others = _others(lab, undo)
        serve = ("busybox", "httpd", "-f", "-p", "80", "-h", "/srv")
        _start(host02.holder.command(serve, host02.netns, own_files=False), undo)
        for _ in range(os.cpu_count() or 1):
            _start(SPIN, undo)
        proc = lab._parts.procfs  # noqa: SLF001
        plan = {
            "senders": [f"{proc}/proc/{pid}/ns/net" for pid in others],
            "ports": int(TABLE * FILLED / CONTAINERS),
            "to": host02.address,
            "at": host02.netns,
        }
        filler = _start(
            (sys.executable, str(Path(__file__).with_name("load.py"))), undo
        )
        filler.stdin.write(f"{json.dumps(plan)}\n".encode())
        filler.stdin.flush()
        if filler.stdout.readline() != b"ready\n":
            raise SystemExit("the load did not start")
        limit = f"net.netfilter.nf_conntrack_max={TABLE}"
        lab.nodes["host"].run("sysctl", "-w", limit)
        _await(lab, int(TABLE * FILLED * 0.9))
        yield


def _await(lab: DockerLab, entries: int) -> None:
    end = time.monotonic() + 60
    while (now := _entries(lab)) < entries:
        if time.monotonic() > end:
            raise SystemExit(f"only {now} connections of {entries} after 60 s")
        time.sleep(0.2)


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
