"""Goldens and real programs' packets cross the NAT of an old and a new engine again."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.traffic import Packet, capture

from pytest_netlab.capture import write
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.lab.backends import private
from pytest_netlab.replay import play
from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.captured import Trace
    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.recorder import Update

pytestmark = pytest.mark.engine_suites
ROOT = Path(__file__).resolve().parents[2]
GOLDEN, DATA = ROOT / "golden", ROOT / "tests" / "data" / "replay"
RECORDED = sorted(path.stem for path in DATA.glob("*.pcapng"))
OUT, INTO = ("c1", "host01"), ("host01", "web:80")
# Whose data connections nothing lets in, without a helper; or whose client heard more
# than it would without.
HELPLESS = {
    ("ftp-active-inbound", OUT),
    ("ftp-passive-inbound-helper", OUT),
    ("ftp-active-helper", OUT),
    ("ftp-active-helper", INTO),
    ("ftp-passive", INTO),
    ("ftp-passive-helper", INTO),
    ("ftp-passive-inbound-helper", INTO),
}


@pytest.fixture(scope="module", params=["machine", "forky"])
def lab(
    request: pytest.FixtureRequest, suite_root: Callable[[str], Path]
) -> Iterator[DockerLab]:
    """Return a lab of the machine's own engine, and one of a later one."""
    root = None if request.param == "machine" else suite_root(request.param)
    options = LabOptions(root=root, transports=("tcp", "udp"))
    if reason := private.unavailable(options):
        pytest.skip(reason)
    with closing(private.start(options)) as started:
        yield started


@pytest.fixture
def netlab(lab: DockerLab, tmp_path: Path) -> Netlab:
    """Return the lab as a scenario of no golden sees it."""
    return Netlab(ScenarioRun(lab, Scenario(id="played"), Store(tmp_path)))


@contextmanager
def helper(
    lab: DockerLab, port: int, name: str = "ftp", proto: str = "tcp"
) -> Iterator[None]:
    """Let the host's connection tracking read what FTP says, or another protocol."""
    rule = ("PREROUTING", "-p", proto, "--dport", str(port))
    help_it = (*rule, "-j", "CT", "--helper", name)
    host = lab.nodes["host"]
    host.run("iptables", "-t", "raw", "-A", *help_it)
    try:
        yield
    finally:
        host.run("iptables", "-t", "raw", "-D", *help_it)


@pytest.mark.parametrize("name", ["ping-host", "ping-beyond", "published-web"])
def test_golden(lab: DockerLab, name: str) -> None:
    """A golden that is played gives the verdict of the run it was recorded from."""
    run = ScenarioRun(lab, Scenario(id=name), Store(GOLDEN))

    run.replay_golden()

    assert run.verdict is not None
    assert run.verdict.outcome == "pass"


@pytest.mark.parametrize("ends", [OUT, INTO], ids=["out", "in"])
@pytest.mark.parametrize("name", RECORDED)
def test_recorded(
    netlab: Netlab,
    name: str,
    ends: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of it comes out, but a data connection that no rule lets in."""
    monkeypatch.setattr(play, "PATIENCE", 0.3)  # seconds, for each that is lost
    client, server = ends
    path = DATA / f"{name}.pcapng"

    played = netlab.replay(path, client=client, server=server, check=False)

    assert played.packets > 1
    if (name, ends) in HELPLESS:
        assert played.delivered < played.packets
        assert "lost" in [one.what for one in played.findings]
    else:
        assert (played.delivered, played.findings) == (played.packets, [])
        assert played.alg_rewrites == []


@pytest.mark.parametrize(
    ("name", "ends", "told"),
    [
        ("ftp-active-helper", OUT, "PORT 172,17,0,2,{} became PORT 172,16,211,128,{}"),
        ("ftp-active", OUT, "PORT 172,17,0,2,{} became PORT 172,16,211,128,{}"),
        ("ftp-passive-helper", OUT, None),
        ("ftp-passive-inbound-helper", INTO, "(172,17,0,5,{}). became 227 *"),
    ],
)
def test_helper(
    lab: DockerLab, netlab: Netlab, name: str, ends: tuple[str, str], told: str | None
) -> None:
    """A helper lets data connections in, and what it changes is told, not blamed."""
    client, server = ends
    with helper(lab, 21 if ends == OUT else 81):
        path = DATA / f"{name}.pcapng"
        played = netlab.replay(path, client=client, server=server)

    assert (played.delivered, played.findings) == (played.packets, [])
    assert len(played.alg_rewrites) == (told is not None)
    for text in played.alg_rewrites:
        pytest.LineMatcher([text]).fnmatch_lines(["*" + str(told).replace("{}", "*")])


@pytest.mark.parametrize(
    ("name", "ends", "port"),
    [("ftp-active-helper", OUT, 21), ("ftp-passive-inbound-helper", INTO, 81)],
)
def test_helper_that_is_gone(
    lab: DockerLab,
    tmp_path: Path,
    name: str,
    ends: tuple[str, str],
    port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What fails without its helper is led to the rule that assigned it."""
    monkeypatch.setattr(play, "PATIENCE", 0.3)  # seconds, for each that is lost
    store, path = Store(tmp_path), DATA / f"{name}.pcapng"

    def played(update: Update) -> tuple[ScenarioRun, Trace]:
        run = ScenarioRun(lab, Scenario(id="ftp"), store, update=update)
        with run.capture() as trace:
            run.replay(path, client=ends[0], server=ends[1])
        return run, trace

    with helper(lab, port):
        recorded, trace = played("all")
        recorded.check(trace)
        assert recorded.judge(trace).outcome == "pass"
    run, trace = played("none")
    verdict = run.judge(trace)

    assert verdict.cause == "no helper"
    texts = {one.cause.text for one in verdict.differences if one.cause}
    rule = f"-A PREROUTING -p tcp -m tcp --dport {port} -j CT --helper ftp"
    assert len([one for one in texts if one.endswith(rule)]) == 2
    assert any(" announced " in one for one in texts)


def test_server_begins(lab: DockerLab, netlab: Netlab) -> None:
    """What a server begins is led to whom the helper says, as a flow of its own."""
    with helper(lab, 21):
        path = DATA / "ftp-active-helper.pcapng"
        played = netlab.replay(path, client="c1", server="host01")

    control, data = played.flows
    assert (control.plan.server_initiated, data.plan.server_initiated) == (False, True)
    assert data.original_tuple.dst == netlab.host.address
    assert data.translated_tuple == data.original_tuple._replace(dst=netlab.c1.address)


def test_datagrams_that_a_server_begins(
    lab: DockerLab, netlab: Netlab, tmp_path: Path
) -> None:
    """TFTP's data comes from a port of the server's own, and is let in by a helper."""
    key = Tuple5(UDP, "10.1.1.1", 5000, "10.1.1.2", 69)
    data = Tuple5(UDP, key.dst, 3333, key.src, key.sport)
    read = b"\0\1file\0octet\0"
    packets = [
        Packet(key=key, data=read, ip_id=1),
        Packet(key=data, data=b"\0\3\0\1file's", ip_id=2),
        Packet(key=data.reply, data=b"\0\4\0\1", ip_id=3),
    ]
    write(tmp_path / "tftp.pcapng", capture(packets))

    with helper(lab, 69, "tftp", "udp"):
        played = netlab.replay(tmp_path / "tftp.pcapng", client="c1", server="host01")

    assert (played.delivered, played.findings) == (3, [])
    flow = played.flows[1]
    assert flow.original_tuple == Tuple5(
        UDP, netlab.host01.address, 3333, netlab.host.address, 5000
    )
    assert flow.translated_tuple == flow.original_tuple._replace(dst=netlab.c1.address)
