"""Faults on one engine, judged by the goldens of another: only the fault is cited.

The bundled goldens are of 20.10. On 28 half of Docker's rules are others, and with its
own nft tables all are; none of them has anything to do with a fault.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.host import ruleset
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.lab.backends import kernel, private
from pytest_netlab.mutate.live import Body
from pytest_netlab.mutate.live.inject import addresses
from pytest_netlab.report.provenance import changes
from pytest_netlab.spec import LabOptions
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.judge import Verdict
    from pytest_netlab.lab.backends.docker_lab import DockerLab

pytestmark = pytest.mark.engine_suites
GOLDEN = Path(__file__).resolve().parents[2] / "golden"
BEYOND, WEB, HOST = "ping-beyond", "published-web", "ping-host"
MOST = 14  # lines on how the host differs: 42 before they were grouped


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is broken, and what verdicts must say of it.

    Attributes:
        broken: a command of the host.
        mended: one that undoes it.
        scenario: what it breaks.
        cause: its name.
        cited: what its text must contain.

    """

    broken: str
    mended: str
    scenario: str
    cause: str
    cited: str


def added(rule: str, scenario: str, cause: str, cited: str, table: str = "") -> Fault:
    """Return a fault: a rule of iptables, `CHAIN ...`, comes first."""
    tool = f"iptables -t {table or 'filter'}"
    return Fault(
        broken=f"{tool} -I {rule}",
        mended=f"{tool} -D {rule}",
        scenario=scenario,
        cause=cause,
        cited=f"this rule is new: {table or 'filter'} -A {cited} (it counted ",
    )


def deleted(rule: str, scenario: str, cause: str, cited: str, table: str = "") -> Fault:
    """Return a fault: a rule of iptables is gone, which stood last."""
    tool = f"iptables -t {table or 'filter'}"
    return Fault(
        broken=f"{tool} -D {rule}",
        mended=f"{tool} -A {rule}",
        scenario=scenario,
        cause=cause,
        cited=f"this rule is gone: {table or 'filter'} -A {cited}",
    )


NOT, REPLY = "not forwarded", "reply not forwarded"
CHAIN = "{ type filter hook forward priority 10; }"
FAULTS = {
    "a user's drop": added("DOCKER-USER -j DROP", BEYOND, NOT, "DOCKER-USER -j DROP"),
    "a user's drop of one port": added(
        "DOCKER-USER -p tcp --dport 80 -j DROP",
        WEB,
        NOT,
        "DOCKER-USER -p tcp -m tcp --dport 80 -j DROP",
    ),
    "a drop in front of all": added(
        "FORWARD -o docker0 -j DROP", WEB, NOT, "FORWARD -o docker0 -j DROP"
    ),
    "a drop at the host": added(
        "INPUT -i docker0 -p icmp -j DROP",
        HOST,
        "not answered",
        "INPUT -i docker0 -p icmp -j DROP",
    ),
    "another source": added(
        "POSTROUTING -s {c1} -j SNAT --to-source {host02}",
        BEYOND,
        "wrong source",
        "POSTROUTING -s c1 -j SNAT --to-source host02",
        "nat",
    ),
    "a ttl": added(
        "FORWARD -j TTL --ttl-set 9",
        BEYOND,
        "header changed",
        "FORWARD -j TTL --ttl-set 9",
        "mangle",
    ),
    "masquerade gone": deleted(
        "POSTROUTING -s {net} ! -o docker0 -j MASQUERADE",
        BEYOND,
        "leaked",
        "POSTROUTING -s net ! -o docker0 -j MASQUERADE",
        "nat",
    ),
    "jump of published ports gone": deleted(
        "PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        WEB,
        "proxied",
        "PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        "nat",
    ),
    "containers' way out gone": deleted(
        "DOCKER-FORWARD -i docker0 -j ACCEPT",
        BEYOND,
        NOT,
        "DOCKER-FORWARD -i docker0 -j ACCEPT",
    ),
    "jump of 28 gone": deleted(
        "FORWARD -j DOCKER-FORWARD", WEB, NOT, "FORWARD -j DOCKER-FORWARD"
    ),
    "published port closed": Fault(
        broken="iptables -D DOCKER {opened}",
        mended="iptables -I DOCKER {opened}",
        scenario=WEB,
        cause=NOT,
        cited="this rule is gone: filter -A DOCKER -d web ! -i docker0 -o docker0 "
        "-p tcp -m tcp --dport 80 -j ACCEPT",
    ),
    "no forwarding": Fault(
        broken="sysctl -w net.ipv4.ip_forward=0",
        mended="sysctl -w net.ipv4.ip_forward=1",
        scenario=BEYOND,
        cause=NOT,
        cited="net.ipv4.ip_forward is 0 here, 1 when",
    ),
    "drops of IPv6 beside it": Fault(
        broken="iptables -D DOCKER-FORWARD -j DOCKER-CT; nft add table ip6 site; "
        f"nft 'add chain ip6 site forward {CHAIN}'; "
        "nft add rule ip6 site forward drop; ip6tables -I DOCKER-USER -j DROP",
        mended="iptables -I DOCKER-FORWARD -j DOCKER-CT; nft delete table ip6 site; "
        "ip6tables -D DOCKER-USER -j DROP",
        scenario=BEYOND,
        cause=REPLY,
        cited="this rule is gone: filter -A DOCKER-FORWARD -j DOCKER-CT",
    ),
    "a foreign table": Fault(
        broken=f"nft add table inet site; nft 'add chain inet site forward {CHAIN}'; "
        "nft add rule inet site forward counter drop",
        mended="nft delete table inet site",
        scenario=WEB,
        cause=NOT,
        cited="this rule is new: nft inet site forward counter drop (it counted ",
    ),
}

OWN = "nft ip docker-bridges"


def lost(chain: str, words: str, rule: str, scenario: str, cause: str) -> Fault:
    """Return a fault: a rule of the engine's own table of nft is gone."""
    listed = f"nft -a list chain ip docker-bridges {chain}"
    handle = f"$({listed} | grep '{words}' | sed 's/.*handle //')"
    told = rule.replace("{web}", "web").replace("{net}", "net")
    return Fault(
        broken=f"nft delete rule ip docker-bridges {chain} handle {handle}",
        mended=f"nft insert rule ip docker-bridges {chain} '{rule}'",
        scenario=scenario,
        cause=cause,
        cited=f"this rule is gone: {OWN} {chain} {told}",
    )


TRACKED = "ct state established,related counter accept"
NATIVE = {
    "jump of published ports gone": lost(
        "nat-PREROUTING",
        "jump",
        "fib daddr type local counter jump nat-prerouting-and-output",
        WEB,
        NOT,
    ),
    "published port closed": lost(
        "filter-forward-in__docker0",
        "dport 80",
        "ip daddr {web} tcp dport 80 counter accept",
        WEB,
        NOT,
    ),
    "no way back": lost(
        "filter-forward-in__docker0", "established", TRACKED, BEYOND, REPLY
    ),
    "masquerade gone": lost(
        "nat-postrouting-out__docker0",
        "masquerade",
        'oifname != "docker0" ip saddr {net} counter masquerade comment "MASQUERADE"',
        BEYOND,
        "leaked",
    ),
    "an element of a map gone": Fault(
        broken="nft 'delete element ip docker-bridges nat-postrouting-out-jumps "
        '{ "docker0" }\'',
        mended="nft 'add element ip docker-bridges nat-postrouting-out-jumps "
        '{ "docker0" : jump nat-postrouting-out__docker0 }\'',
        scenario=BEYOND,
        cause="leaked",
        cited=f'this rule is gone: {OWN} @nat-postrouting-out-jumps "docker0" : jump '
        f"nat-postrouting-out__docker0, an element for {OWN} nat-POSTROUTING iifname "
        "vmap @nat-postrouting-out-jumps",
    ),
    "a foreign table": FAULTS["a foreign table"],
}
# Those of them that also a host has on which a lab starts.
BEFORE = (
    *("a user's drop", "masquerade gone", "jump of published ports gone"),
    *("jump of 28 gone", "published port closed", "a foreign table"),
)


@pytest.fixture(scope="module")
def newer(suite_root: Callable[[str], Path]) -> Iterator[DockerLab]:
    """Return a lab with 28, which writes other rules than the goldens' 20.10."""
    options = LabOptions(root=suite_root("forky"))
    if reason := private.unavailable(options):
        pytest.skip(reason)
    with closing(private.start(options)) as lab:
        yield lab


@pytest.fixture
def native() -> Iterator[DockerLab]:
    """Return a lab with the tables of nft that 29 writes itself."""
    options = LabOptions(firewall="native")
    if reason := kernel.unavailable(options):
        pytest.skip(reason)
    with closing(kernel.start(options)) as lab:
        yield lab


def judged(lab: DockerLab, fault: Fault) -> Verdict:
    """Return the verdict on a fault's scenario while that is broken."""
    places = addresses(lab) | {"net": "172.17.0.0/16"}
    places["opened"] = (
        f"-d {places['web']} ! -i docker0 -o docker0 -p tcp --dport 80 -j ACCEPT"
    )
    host = lab.nodes["host"]

    def run(command: str) -> None:
        for name, text in places.items():
            command = command.replace(f"{{{name}}}", text)
        host.run("sh", "-ec", command)

    with ExitStack() as undo:
        undo.callback(run, fault.mended)
        run(fault.broken)
        error = Body(fault.scenario, Store(GOLDEN)).run(lab).error
    assert isinstance(error, ScenarioFailedError), error
    return error.verdict


def cited(verdict: Verdict) -> list[str]:
    """Return the texts of its causes."""
    causes = dict.fromkeys(one.cause for one in verdict.differences if one.cause)
    return [one.text for one in causes]


@pytest.mark.parametrize("name", FAULTS)
def test_only_the_fault_is_cited(newer: DockerLab, name: str) -> None:
    """The cause names the fault; no cause, and hardly a line, what 28 always writes."""
    only_it_is_cited(newer, FAULTS[name])


@pytest.mark.parametrize("name", NATIVE)
def test_only_the_fault_is_cited_in_nft(native: DockerLab, name: str) -> None:
    """So it is where an engine has no rule of iptables at all."""
    only_it_is_cited(native, NATIVE[name])


def only_it_is_cited(lab: DockerLab, fault: Fault) -> None:
    """Demand that what lab and engine always have is not what explains a fault."""
    always = ruleset(lab.snapshot().files, lab.symbols).splitlines()

    verdict = judged(lab, fault)

    texts = cited(verdict)
    assert verdict.cause == fault.cause, texts
    assert any(fault.cited in text for text in texts), texts
    normal = [line for line in always if line not in fault.cited]
    assert [(line, text) for line in normal for text in texts if line in text] == []
    told = list(changes(verdict.recorded_on, verdict.host))
    assert len(told) <= MOST, told
    assert sum(line in entry for line in normal for entry in told) == 0


@pytest.mark.parametrize("name", BEFORE)
def test_a_fault_that_was_there_before(
    newer: DockerLab, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody knows how the host was, it lacks what each engine writes."""
    monkeypatch.setattr(newer, "_start", None)

    verdict = judged(newer, FAULTS[name])

    assert verdict.host.since is None
    assert any(FAULTS[name].cited in text for text in cited(verdict)), cited(verdict)


def test_networks_that_a_test_makes(newer: DockerLab) -> None:
    """What the engine writes for a network since the lab started explains nothing."""
    options = {"com.docker.network.bridge.name": "br-netlab"}
    network = newer.docker.networks.create("made", options=options)
    try:
        verdict = judged(newer, FAULTS["a user's drop"])
    finally:
        network.remove()

    assert any(FAULTS["a user's drop"].cited in text for text in cited(verdict))
    told = list(changes(verdict.recorded_on, verdict.host))
    assert [line for line in told if "br-netlab" in line] == []


@pytest.mark.parametrize("scenario", [BEYOND, WEB, HOST])
def test_nothing_is_wrong(newer: DockerLab, scenario: str) -> None:
    """Without a fault, 28 is as good as 20.10, by the same goldens."""
    assert Body(scenario, Store(GOLDEN)).run(newer).outcome == "pass"
