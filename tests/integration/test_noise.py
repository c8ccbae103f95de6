"""What a scenario does not speak of keeps it green, on a real engine."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab.backends import private
from pytest_netlab.mutate.live import Body
from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    Scenarios = Callable[..., pytest.RunResult]

GOLDEN = Path(__file__).parents[2] / "golden"
IDS = ("ping-host", "ping-beyond", "published-web")
SEEDS = ("-k", "ping or published_web")
IMPAIRED = (
    "from contextlib import ExitStack; "
    "from pytest_netlab.mutate.live.impair import impaired; "
    "lab.noise = ExitStack(); lab.noise.enter_context(impaired(lab, {})); "
    "lab._undo.push(lab.noise)"
)
OFFLOADS = (
    "[host.run('ethtool', '-K', i, *'tx on tso on gso on gro on'.split(), "
    "check=False) for i in ('ens160', 'docker0')]"
)
RANDOM = "-t nat -{} POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE{}"


def iptables(arguments: str) -> str:
    """Return the Python that runs iptables on the host under test."""
    return f"host.run('iptables', *{arguments.split()!r})"


@pytest.mark.parametrize(
    "how",
    ["duplicate=1.0", "delay=0.02, jitter=0.01, seed=4", "loss=0.15, seed=2"],
    ids=["duplicates", "jitter", "loss"],
)
def test_network(scenarios: Scenarios, how: str) -> None:
    """A network that doubles, delays and loses frames makes no scenario red."""
    result = scenarios(*SEEDS, fault=IMPAIRED.format(how))

    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "setting",
    [
        "host.run(*'sysctl -w net.bridge.bridge-nf-call-iptables=0'.split())",
        "host.run(*'sysctl -w net.bridge.bridge-nf-call-iptables=1'.split())",
        OFFLOADS,
    ],
    ids=["no br_netfilter", "br_netfilter", "offloads"],
)
def test_settings(scenarios: Scenarios, setting: str) -> None:
    """Offloads and br_netfilter, on or off, make no difference to a routed packet."""
    result = scenarios(*SEEDS, fault=setting)

    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("daemon", "name", "setting"),
    [
        ({"userland-proxy": False}, "docker_proxy", "off"),
        ({"ipv6": True, "fixed-cidr-v6": "fd00:17::/64"}, "engine", ""),
    ],
    ids=["no docker-proxy", "dual stack"],
)
def test_daemon(daemon: dict[str, object], name: str, setting: str) -> None:
    """Without docker-proxy, or with IPv6 too, what is routed is the same."""
    options = LabOptions(daemon=daemon)
    if reason := private.unavailable(options):
        pytest.skip(reason)

    with closing(private.start(options)) as lab:
        ends = {id_: Body(id_, Store(GOLDEN)).run(lab) for id_ in IDS}
        settings = lab.nodes["c1"].run("ip", "-6", "addr", "show", "eth0").stdout

        assert {seen.outcome for seen in ends.values()} == {"pass"}, ends
        assert setting in lab.facts[name]
        assert ("fd00:17::" in settings) == ("ipv6" in daemon)


def test_another_address_plan(scenarios: Scenarios) -> None:
    """Goldens hold on other addresses."""
    result = scenarios(*SEEDS, "--netlab-uplink-address=10.99.7.20/24")

    result.assert_outcomes(passed=3)


def test_random_ports(scenarios: Scenarios) -> None:
    """With --random-fully an ICMP id is any, because the host's rules say so."""
    old, new = RANDOM.format("D", ""), RANDOM.format("A", " --random-fully")

    result = scenarios("-k", "ping_beyond", fault=f"{iptables(old)}; {iptables(new)}")

    result.assert_outcomes(passed=1)


def test_id_of_an_earlier_ping(tmp_path: Path) -> None:
    """An id that somebody had before the capture is taken, as connection tracking says.

    Whoever had it may be no node of the lab, and have ended long ago.
    """
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    ask = ("ping", "-c1", "-W1", "-e", "7")

    with closing(private.start(LabOptions())) as lab:
        seen = {}
        for update in ("all", "none"):
            scenario, store = Scenario(id="id"), Store(tmp_path)
            netlab = Netlab(ScenarioRun(lab, scenario, store, update=update))
            if update == "none":
                netlab.c2.run(*ask, netlab.host01.address)
            with netlab.capture() as trace:
                netlab.c1.run(*ask, netlab.host01.address)
            netlab.check(trace)
            seen[update] = trace.canonical.flows[0].translation

    assert seen["all"] is None
    assert seen["none"] is not None
    assert not seen["none"].in_use  # the capture cannot know


def test_lossy_host(scenarios: Scenarios) -> None:
    """A host that drops the first request is red, though a later one is answered."""
    rule = "-I FORWARD -p icmp -m limit --limit 1/hour --limit-burst 1 -j DROP"

    result = scenarios("-k", "ping_beyond", fault=iptables(rule))

    result.assert_outcomes(failed=1)
