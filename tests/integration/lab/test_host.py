"""The lab on a host that runs its own engine, with docker0 on 10.200.0.1/16."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Machine = Callable[[str], str]

# `tell` prints an answer; `machine` is what a lab must leave as it was.
BEGIN = """
import json, os, signal, subprocess, sys
from ipaddress import IPv4Interface
import docker
from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab import sweep
from pytest_netlab.lab.backends import host
from pytest_netlab.lab.lifetime import owner
from pytest_netlab.spec import LabOptions, Topology

def say(*command):
    return subprocess.run(command, capture_output=True, text=True).stdout

def options(address="198.51.100.7/24", **more):
    return LabOptions(topology=Topology(uplink=IPv4Interface(address)), **more)

def tell(value):
    print(json.dumps(value))

def machine():
    links = [link["ifname"] for link in json.loads(say("ip", "-j", "link"))]
    containers = [item.name for item in engine.containers.list(all=True)]
    images = [item.id for item in engine.images.list()]
    routes = say("ip", "route").replace(" linkdown", "")
    rules = say("iptables", "-S") + say("iptables", "-t", "nat", "-S")
    return [links, routes, rules, containers, images]

engine = docker.from_env()
"""


def ask(machine: Machine, code: str) -> Any:
    """Return what a script told."""
    return json.loads(machine(BEGIN + code + "\nengine.close()"))


def test_addresses_are_the_hosts_own(lab_host: Machine) -> None:
    """The bridge's network is read from the engine, the uplink's is as asked for."""
    symbols = ask(
        lab_host,
        """
lab = host.start(options())
tell(dict(lab.symbols))
lab.close()
""",
    )

    by_name = {name: address for address, name in symbols.items()}
    assert (by_name["bridge"], by_name["host"]) == ("10.200.0.1", "198.51.100.7")
    assert (by_name["host01"], by_name["host02"]) == ("198.51.100.1", "198.51.100.3")
    assert all(by_name[name].startswith("10.200.0.") for name in ("c1", "c2", "web"))


def test_traffic_crosses_the_real_docker0(lab_host: Machine) -> None:
    """Ping beyond the host and the published port work as in the article."""
    ping, page, log = ask(
        lab_host,
        """
lab = host.start(options())
ping = lab.nodes["c1"].run("ping", "-c", "1", "198.51.100.1").stdout
page = lab.nodes["host01"].run("curl", "-sf", "http://198.51.100.7:81/").stdout
tell([ping, page, lab.nodes["web"].container.logs().decode()])
lab.close()
""",
    )

    assert "ttl=63" in ping
    assert "Directory listing for /" in page
    assert "198.51.100.1" in log


def test_close_leaves_the_host_as_it_was(lab_host: Machine) -> None:
    """Links, routes, rules, containers, a paused one too, and images are as before."""
    before, after = ask(
        lab_host,
        """
before = machine()
lab = host.start(options())
assert machine() != before
lab.nodes["c1"].container.pause()
lab.close()
lab.close()
tell([before, machine()])
""",
    )

    assert before == after


def test_reset_spares_foreign_connections(lab_host: Machine) -> None:
    """Only entries of the lab's own addresses go."""
    tracked = ask(
        lab_host,
        """
lab = host.start(options())
other = engine.containers.run(
    lab.nodes["c1"].container.image.id, ["sleep", "60"], detach=True, name="other"
)
try:
    other.exec_run(["ping", "-c", "1", "10.200.0.1"])
    other.exec_run(["ping", "-c", "1", "198.51.100.1"])
    lab.nodes["c1"].run("ping", "-c", "1", "198.51.100.3")
    other.reload()
    address = other.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    before = say("conntrack", "-L", "-p", "icmp")
    lab.reset()
    after = say("conntrack", "-L", "-p", "icmp")
    tell([address, lab.nodes["c1"].address, before, after])
finally:
    other.remove(force=True)
    lab.close()
""",
    )

    other, c1, before, after = tracked
    assert f"src={c1} " in before
    assert f"src={c1} " not in after
    assert f"src={other} dst=10.200.0.1 " in after


def test_two_labs_share_an_engine(lab_host: Machine) -> None:
    """A second lab takes the next network, and both work."""
    one, two, ping = ask(
        lab_host,
        """
first, second = host.start(options()), host.start(options())
ping = second.nodes["c2"].run("ping", "-c1", second.nodes["host01"].address).stdout
tell([sorted(first.symbols), sorted(second.symbols), ping])
first.close()
second.close()
""",
    )

    assert {"10.200.0.1"} == set(one) & set(two)
    assert "198.51.101.7" in two
    assert "ttl=63" in ping


def test_a_worker_has_addresses_of_its_own(lab_host: Machine) -> None:
    """Worker 1 begins one network higher even when it is first."""
    address = ask(
        lab_host,
        """
lab = host.start(options(worker=1))
tell(lab.nodes["host"].address)
lab.close()
""",
    )

    assert address == "198.51.101.7"


@pytest.mark.parametrize("address", ["10.200.7.7/24", "10.0.0.1/8", "172.30.1.9/25"])
def test_overlap_is_refused(address: str, lab_host: Machine) -> None:
    """A network that this host has a route to is refused before anything is made."""
    before, text, after = ask(
        lab_host,
        f"""
say("ip", "route", "add", "172.30.0.0/16", "dev", "docker0")
before = machine()
try:
    host.start(options({address!r}))
except LabError as error:
    tell([before, str(error), machine()])
finally:
    say("ip", "route", "del", "172.30.0.0/16")
""",
    )

    assert "overlaps the route" in text
    assert "docker0" in text
    assert before == after


def test_failed_start_leaves_nothing(lab_host: Machine) -> None:
    """A port that is taken fails the start, and all that was made is undone."""
    before, text, after = ask(
        lab_host,
        """
import socket
before = machine()
with socket.create_server(("0.0.0.0", 81)):
    try:
        host.start(options())
    except LabError as error:
        text = str(error)
tell([before, text, machine()])
""",
    )

    assert "starting container web" in text
    assert "81" in text
    assert before == after


def test_unknown_image_names_the_next_step(lab_host: Machine) -> None:
    """An image that the engine lacks is an error, and nothing is left."""
    before, text, after = ask(
        lab_host,
        """
before = machine()
try:
    host.start(options(image="nosuch:1"))
except LabError as error:
    tell([before, str(error), machine()])
""",
    )

    assert "no image 'nosuch:1'" in text
    assert "docker pull nosuch:1" in text
    assert before == after


def test_killed_run_is_swept_by_the_next(lab_host: Machine) -> None:
    """After SIGKILL the uplink goes by itself, and the next start takes the rest."""
    before, killed, after = ask(
        lab_host,
        """
import time
before = machine()
child = subprocess.Popen(
    [sys.executable, "-c", "from ipaddress import *; import signal;"
     "from pytest_netlab.lab.backends import host; from pytest_netlab.spec import *;"
     "plan = Topology(uplink=IPv4Interface('198.51.100.7/24'));"
     "lab = host.start(LabOptions(topology=plan));"
     "lab.nodes['c1'].container.pause(); print('up', flush=True);"
     "signal.pause()"],
    stdout=subprocess.PIPE,
)
child.stdout.readline()
child.kill()
child.communicate()
end = time.monotonic() + 5
while '"nl' in say("ip", "-j", "link") and time.monotonic() < end:
    time.sleep(0.02)
killed = machine()
lab = host.start(options())
lab.close()
tell([before, killed, machine()])
""",
    )

    assert not [name for name in killed[0] if name.startswith("nl")]
    assert len(killed[3]) - len(before[3]) == 4
    assert before == after


def test_sweep_spares_what_is_not_a_dead_owners(lab_host: Machine) -> None:
    """Containers of others, of the living and of unseen owners stay."""
    names = ask(
        lab_host,
        """
lab = host.start(options())
image = lab.nodes["c1"].container.image.id
unseen = owner.mint().replace(str(os.stat("/proc/self/ns/pid").st_ino), "1")
for name, labels in {"stranger": {}, "unseen": {owner.LABEL: unseen}}.items():
    engine.containers.create(image, ["sh"], name=name, labels=labels)
dead = owner.mint().replace(str(os.getpid()), "4194303", 1)
engine.containers.create(image, ["sh"], name="dead", labels={owner.LABEL: dead})
say("ip", "link", "add", "nldead", "type", "bridge")
say("ip", "link", "set", "nldead", "alias", owner.PREFIX + dead)
removed = sweep.sweep()
left = sorted(item.name for item in engine.containers.list(all=True))
for name in ("stranger", "unseen"):
    engine.containers.get(name).remove(force=True)
tell([removed.removed, left, removed.left])
lab.close()
""",
    )

    removed, left, stays = names
    assert {"dead", "nldead"} == set(removed)
    assert stays == []
    assert {"stranger", "unseen"} <= set(left)
    assert len(left) == 6


def test_engine_without_a_bridge_is_refused(lab_host: Machine) -> None:
    """An engine whose docker0 is not in this namespace is refused with a way out."""
    text = ask(
        lab_host,
        """
say("ip", "link", "set", "docker0", "name", "gone0")
try:
    host.start(options())
except LabUnavailableError as error:
    tell(f"{error} {error.remedy}")
finally:
    say("ip", "link", "set", "gone0", "name", "docker0")
""",
    )

    assert "is not in this network namespace" in text
    assert "Remedy.OWN_ENGINE" in text
