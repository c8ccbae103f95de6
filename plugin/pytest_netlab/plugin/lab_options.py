"""Options that say what a lab is made of: its engine, its host, its network."""

from __future__ import annotations

import json
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_netlab.errors import LabError
from pytest_netlab.lab import backends, firewall
from pytest_netlab.lab.engine import config as daemon_json
from pytest_netlab.lab.net import sysctls
from pytest_netlab.lab.rootfs import roots, suites
from pytest_netlab.spec import LabOptions, Topology

if TYPE_CHECKING:
    from collections.abc import Callable

DAEMON, SYSCTL, FIREWALL = "--netlab-daemon", "--netlab-sysctl", "--netlab-firewall"
# Which engines take an option; the others have no engine of the lab's own to start, or
# no host.
TAKEN_BY = {
    DAEMON: (backends.PRIVATE,),
    SYSCTL: backends.OWN_HOST,
    FIREWALL: backends.OWN_HOST,
}
_EXAMPLES = {DAEMON: "userland-proxy=false", SYSCTL: f"{sysctls.IP_FORWARD}=1"}


class Group(Protocol):
    """Takes options, as pytest's groups do."""

    def addoption(self, *names: str, **attributes: Any) -> None:
        """Add one."""


def check(config: pytest.Config) -> None:
    """Refuse invalid values, and options of another engine.

    Raises:
        pytest.UsageError: says which, and what is wrong.

    """
    of_lab(config)
    _refuse_engine(config)
    _refuse_elsewhere(config)


def of_lab(config: pytest.Config) -> LabOptions:
    """Return what the command line says about the lab."""
    topology = Topology()
    address = config.getoption("--netlab-uplink-address")
    try:
        if address:
            topology = Topology(uplink=IPv4Interface(address))
    except ValueError as error:
        raise pytest.UsageError(f"--netlab-uplink-address: {error}") from error
    worker = getattr(config, "workerinput", {}).get("workerid", "gw0")
    daemon = _pairs(config, DAEMON, daemon_json.demand)
    return LabOptions(
        topology=topology,
        image=config.getoption("--netlab-image"),
        daemon={key: _value(text) for key, text in daemon.items()},
        sysctls=_pairs(config, SYSCTL, sysctls.demand),
        firewall=config.getoption(FIREWALL) or "",
        worker=int(worker.removeprefix("gw")),
    )


def of_engine(config: pytest.Config) -> tuple[str, str | None, str | None]:
    """Return which backend, and the suite or folder its engine is taken from."""
    names = ("--netlab-engine", "--netlab-engine-suite", "--netlab-engine-root")
    engine, suite, root = map(config.getoption, names)
    return engine, suite, root


def _pairs(
    config: pytest.Config, option: str, demand: Callable[[str], None]
) -> dict[str, str]:
    """Return the values of an option that is repeated; of a key the last one counts."""
    found = {}
    for given in config.getoption(option):
        key, sign, value = given.partition("=")
        if not (key and sign):
            text = f"{option}: {given!r} is no KEY=VALUE, as in {_EXAMPLES[option]}"
            raise pytest.UsageError(text)
        try:
            demand(key)
        except LabError as error:
            raise pytest.UsageError(f"{option}: {error}") from error
        found[key] = value
    return found


def _value(text: str) -> Any:
    """Return a value of daemon.json; text that is no JSON is itself."""
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return text


def _refused(constant: str) -> Any:
    """Have NaN, which is no JSON, taken as text."""
    raise ValueError(constant)


def _refuse_elsewhere(config: pytest.Config) -> None:
    """Refuse what the engine cannot have, or what contradicts another option."""
    engine, *_ = of_engine(config)
    for option, takers in TAKEN_BY.items():
        if config.getoption(option) and engine not in takers:
            text = " or ".join(f"--netlab-engine={one}" for one in takers)
            raise pytest.UsageError(f"{option} is for {text}, and this is {engine}")
    wanted = of_lab(config)
    native = wanted.firewall == firewall.NATIVE
    backend = wanted.daemon.get(daemon_json.BACKEND)
    if wanted.firewall and backend and native != daemon_json.writes_nft(wanted.daemon):
        text = f"{DAEMON} {daemon_json.BACKEND}={backend!r} contradicts"
        raise pytest.UsageError(f"{text} {FIREWALL}={wanted.firewall}")


def _refuse_engine(config: pytest.Config) -> None:
    """Refuse two engine roots, an invalid one, or one for a backend that takes none."""
    engine, suite, folder = of_engine(config)
    if not suite and not folder:
        return
    option = "--netlab-engine-suite" if suite else "--netlab-engine-root"
    if engine != backends.PRIVATE:
        text = f"{option} is for --netlab-engine=private, and this is {engine}"
        raise pytest.UsageError(text)
    if suite and folder:
        raise pytest.UsageError(f"{option} and --netlab-engine-root: choose one")
    if folder:
        try:
            roots.userland(Path(folder))
        except LabError as error:
            raise pytest.UsageError(f"{option}: {error}") from error


def add(group: Group) -> None:
    """Add the options that say what a lab is made of."""
    _engine_options(group)
    _host_options(group)


def _engine_options(group: Group) -> None:
    group.addoption(
        "--netlab-engine",
        choices=tuple(backends.BACKENDS),
        default=backends.PRIVATE,
        help="private: a dockerd of its own in its own namespaces (default); host: the "
        "running engine at DOCKER_HOST; kernel: the rules that Docker documents, but "
        "no Docker, up in a moment; fake: a NAT in memory, needs nothing",
    )
    group.addoption(
        "--netlab-engine-suite",
        choices=suites.SUITES,
        help="take the private engine, with its iptables and nft, from this Debian "
        "suite: a root is built once by mmdebstrap (a minute) and cached",
    )
    group.addoption(
        "--netlab-engine-root",
        metavar="DIR",
        help="take it from an unpacked root directory, or an unpacked static release",
    )
    group.addoption(
        "--netlab-image",
        metavar="NAME|FILE",
        help="image for the containers (it must hold sh and sleep; for the web server "
        "python3, or busybox httpd): a name the engine knows, or an archive of `docker "
        "save` or `docker export`. Default: built from the machine's static busybox",
    )
    group.addoption(
        "--netlab-daemon",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a key of a private engine's daemon.json, and its value as JSON or text: "
        "userland-proxy=false, mtu=1400, 'dns=[\"10.0.0.1\"]'; may be repeated",
    )


def _host_options(group: Group) -> None:
    group.addoption(
        "--netlab-sysctl",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a sysctl of the lab's host, set before its engine starts: "
        "net.ipv4.ip_forward=1; may be repeated",
    )
    group.addoption(
        "--netlab-firewall",
        choices=firewall.CHOICES,
        help="what writes the host's rules: nft or legacy, iptables of that kind; "
        "native, nftables without iptables (an engine from 29 on, or kernel)",
    )
    group.addoption(
        "--netlab-uplink-address",
        metavar="ADDR/LEN",
        help="the host's address on the lab's uplink, host01 and host02 being its "
        "neighbours (default 172.16.211.128/24)",
    )
    group.addoption(
        "--netlab-strict",
        action="store_true",
        help="fail instead of skipping where root, dockerd or a tool is missing",
    )
