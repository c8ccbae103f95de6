"""One set of goldens holds on the engines of several Debian suites."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import CommandError, LabUnavailableError
from pytest_netlab.lab.backends import private
from pytest_netlab.lab.rootfs.roots import userland
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab

    Scenarios = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.engine_suites
ROOT = Path(__file__).resolve().parents[2]
OPEN, CLOSED = "engine < 28", "engine >= 28"


@pytest.fixture(scope="module", params=["trixie", "forky"])
def root(request: pytest.FixtureRequest, suite_root: Callable[[str], Path]) -> Path:
    """Return the root of a suite."""
    return suite_root(request.param)


@pytest.fixture(scope="module")
def suite_lab(root: Path) -> Iterator[DockerLab]:
    """Return a lab with an engine of the suite."""
    if reason := private.unavailable(LabOptions(root=root)):
        pytest.skip(reason)
    with closing(private.start(LabOptions(root=root))) as started:
        yield started


@pytest.fixture
def suite(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the option that names the suite; runs inside find the same cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root.parent.parent.parent))
    return f"--netlab-engine-suite={root.name}"


def test_scenarios_hold(root: Path, suite: str, scenarios: Scenarios) -> None:
    """Every scenario passes, and the header names the root's own versions."""
    result = scenarios(suite)

    assert result.ret == 0
    land = userland(root)
    versions = f"({land.first_line('dockerd')}), {land.first_line('iptables')}"
    assert f"netlab: engine private {versions}, " in result.stdout.str()


def test_rules_are_shown_by_the_tools_that_made_them(
    root: Path, suite: str, scenarios: Scenarios
) -> None:
    """The host's iptables is the root's, not the machine's."""
    version = userland(root).first_line("iptables")
    look = f"assert host.run('iptables', '--version').stdout.strip() == {version!r}"

    assert scenarios(suite, "-k", "ping_host", fault=look).ret == 0


TABLE = "table inet netlab_own {}\n"


@pytest.mark.parametrize(
    ("argv", "program"),
    [
        (("sh", "-c", "nft --version"), "nft"),
        (("env", "A=1", "iptables", "--version"), "iptables"),
        (("timeout", "5", "sh", "-c", "true; dockerd --version"), "dockerd"),
        (("python3", "-c", "import os; os.execlp('nft', 'nft', '-v')"), "nft"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_what_a_command_starts(
    suite_lab: DockerLab, root: Path, argv: tuple[str, ...], program: str
) -> None:
    """A shell, or any other program, finds the host's tools where `run` does."""
    said = suite_lab.nodes["host"].run(*argv).stdout

    assert said.startswith(userland(root).first_line(program))


@pytest.mark.parametrize("named", ["path", "folder's own", "standard input"])
def test_files_are_the_machine_s(
    suite_lab: DockerLab, tmp_path: Path, named: str
) -> None:
    """A root's tool reads files that only the machine has."""
    host, file = suite_lab.nodes["host"], tmp_path / "some rules.nft"
    file.write_text(TABLE)
    command = {
        "path": f"nft -f '{file}'",
        "folder's own": f"cd '{tmp_path}' && nft -f 'some rules.nft'",
        "standard input": f"nft -f - <'{file}'",
    }[named]

    host.run("sh", "-c", command)

    assert "inet netlab_own" in host.run("nft", "list", "tables").stdout
    host.run("nft", "delete", "table", "inet", "netlab_own")


def test_neighbours_have_the_machine_s_tools(suite_lab: DockerLab) -> None:
    """Only the host is of the suite."""
    versions = {
        name: suite_lab.nodes[name].run("sh", "-c", "nft --version").stdout
        for name in ("host", "host01", "c1")
    }

    assert versions["host01"] == versions["c1"] != versions["host"]


def test_tool_that_a_root_lacks(root: Path, tmp_path: Path) -> None:
    """The machine's is no substitute, whoever starts it; the text says what to do."""
    subprocess.run(["cp", "-a", str(root), str(tmp_path / "root")], check=True)
    (tmp_path / "root/usr/sbin/nft").unlink()
    with closing(private.start(LabOptions(root=tmp_path / "root"))) as lab:
        host = lab.nodes["host"]

        with pytest.raises(CommandError, match=r"127\nno program nft in the root that"):
            host.run("sh", "-c", "nft --version")
        with pytest.raises(LabUnavailableError, match="no program 'nft' in the root"):
            host.run("nft", "--version")


def test_variant_for_other_engines_is_no_known_change(
    root: Path, suite: str, pytester: pytest.Pytester
) -> None:
    """Judged by what other engines do, it fails, and that is no known change here."""
    story = (ROOT / "scenarios" / "test_direct_published.py").read_text()
    pytester.makepyfile(test_direct_published=story)
    folder = pytester.path / "golden" / "direct-published"
    shutil.copytree(ROOT / "golden" / "direct-published", folder)
    for name, requires in (("open", CLOSED), ("closed", OPEN)):
        table = folder / name / "golden.toml"
        mine = OPEN if name == "open" else CLOSED
        table.write_text(table.read_text().replace(mine, requires))

    result = pytester.runpytest_subprocess("-m", "netlab", "--netlab-strict", suite)

    result.assert_outcomes(failed=1)
    told = " ".join(result.stdout.str().split())
    cause = "let through" if root.name == "trixie" else "not forwarded"
    assert f"direct-published FAILED: {cause}" in told
    assert "moby/moby/pull/49325" not in told
