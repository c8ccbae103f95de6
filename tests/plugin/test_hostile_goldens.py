"""Goldens and proposals written to break their reader: one sentence each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.hostile import GOLDEN, PENDING, PLACES, put
from tests.hostile import TOML as TOMLS

from pytest_netlab import capture as captures
from pytest_netlab.cli import main
from pytest_netlab.store import CAPTURE, PendingStore, Proposal

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

LONGEST = 2000  # characters of a sentence, with what it quotes and a path
RECORDED = Path(__file__).parents[2] / "golden" / "ping-beyond"
SCENARIO = """
import pytest

@pytest.mark.netlab(waive=["container-address-on-uplink"])
def test_s{0}(netlab):
    with netlab.capture() as trace:
        netlab.c1.run("ping", "-c", "1", netlab.host01.address)
    netlab.check(trace)
"""
TOML, STORY, MARK = "golden.toml", "story.txt", "pending.toml"
NAME, PENDING_ROOT = "ping-beyond", "netlab-artifacts/pending"
COMPARE = ("diff", "seen.pcapng", "seen.pcapng")
COMMANDS = (
    ("diff", f"golden/{NAME}", "seen.pcapng"),
    ("replay", f"golden/{NAME}", "--engine=kernel"),
    ("mutate", "--golden=golden", NAME),
    ("accept", NAME),
    ("review", "--accept-all"),
)
NO_TARGET = ("loop", "nowhere")
POLICIES = {
    name: edit
    for name, edit in GOLDEN.items()
    if name in TOMLS or name.startswith(("policy", "waive"))
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a golden, a proposal of another one, and a capture."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(RECORDED, "golden/ping-beyond")
    shutil.copy(RECORDED / CAPTURE, "seen.pcapng")
    proposal = Proposal(
        scenario="ping-beyond",
        golden=tmp_path / "golden" / "ping-beyond",
        about={"description": "x", "provenance": {"engine": "29.0"}},
        test="test_x.py::test_it",
        differs="leaked, 2 differences",
    )
    other = captures.read(RECORDED.parent / "ping-host" / CAPTURE)
    PendingStore.beside(tmp_path / "netlab-artifacts").write(
        "ping-beyond", other, proposal
    )
    return tmp_path


def listed_as_damaged(of: str) -> None:
    """Assert that the proposal is listed, with a sentence on a file, then reject it."""
    result = CliRunner().invoke(main, ["pending"])
    assert result.exception is None, result.exception
    assert "damaged" in result.stdout
    assert of in result.stdout
    assert len(result.stdout) < LONGEST
    assert CliRunner().invoke(main, ["reject", NAME]).exit_code == 0


def failures(result: pytest.RunResult) -> list[str]:
    """Return how each test of a run failed."""
    recorder: Any = result.reprec  # type: ignore[attr-defined]
    reports = recorder.getreports("pytest_runtest_logreport")
    return [report.longreprtext for report in reports if report.failed]


def refused(*arguments: str, of: str) -> None:
    """Assert that a command ends with one sentence on a file, and exit code 2."""
    result = CliRunner().invoke(main, arguments)

    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2, result.output
    first = result.stderr.splitlines()[0]
    assert of in first
    assert len(first) < LONGEST


@pytest.mark.parametrize("edit", GOLDEN)
def test_commands(project: Path, edit: str) -> None:
    """Every command that reads a golden refuses one that cannot be meant."""
    golden = project / "golden" / "ping-beyond" / TOML
    hostile = GOLDEN[edit](golden.read_bytes())
    golden.write_bytes(hostile)

    for command in COMMANDS:
        refused(*command, of=TOML)
    assert golden.read_bytes() == hostile


@pytest.mark.parametrize("name", ["copy", "My golden", "ping_beyond", "x" * 200])
def test_replay_of_a_copy(project: Path, name: str) -> None:
    """A golden in a folder of another name is refused before a lab is started."""
    (project / "golden" / NAME).rename(project / "golden" / name)

    refused("replay", f"golden/{name}", "--engine=kernel", of="in a folder of another")


@pytest.mark.parametrize("edit", POLICIES)
def test_policy_file(project: Path, edit: str) -> None:
    """A policy in a file of its own is read as carefully."""
    text = (RECORDED / TOML).read_bytes()
    (project / "strict.toml").write_bytes(POLICIES[edit](text))

    refused(*COMPARE, "--policy=strict.toml", of="strict.toml")


@pytest.mark.parametrize("edit", GOLDEN)
def test_proposal_of_it(project: Path, edit: str) -> None:
    """A proposal with such a golden.toml is listed as damaged, and can be rejected."""
    damaged = project / PENDING_ROOT / NAME / TOML
    damaged.write_bytes(GOLDEN[edit](damaged.read_bytes()))

    refused("accept", NAME, of=TOML)
    listed_as_damaged(TOML)


@pytest.mark.parametrize("edit", PENDING)
def test_pending_toml(project: Path, edit: str) -> None:
    """A proposal that says nonsense of itself is damaged, and can be rejected."""
    mark = project / PENDING_ROOT / NAME / MARK
    mark.write_bytes(PENDING[edit](mark.read_bytes()))

    refused("accept", NAME, of=MARK)
    refused("review", "--accept-all", of=MARK)
    listed_as_damaged(MARK)


@pytest.mark.parametrize("name", [TOML, STORY, CAPTURE])
@pytest.mark.parametrize("place", PLACES)
def test_no_file(project: Path, place: str, name: str) -> None:
    """What is no regular file, or has no end, is never read as a golden's."""
    put(project / "golden" / NAME / name, PLACES[place])

    missing = name == TOML or place in NO_TARGET  # then there is no golden at all
    refused("mutate", "--golden=golden", NAME, of="golden" if missing else name)
    refused("accept", NAME, of="golden" if missing else name)


@pytest.mark.parametrize("place", PLACES)
def test_no_policy(project: Path, place: str) -> None:
    """Nor as a policy."""
    (project / "strict.toml").touch()
    put(project / "strict.toml", PLACES[place])

    result = CliRunner().invoke(main, [*COMPARE, "--policy=strict.toml"])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2
    assert "strict.toml" in result.stderr


def test_run(pytester: pytest.Pytester, run: Run) -> None:
    """In a run each is an error of its scenario, in a sentence that names the file."""
    for number in range(len(GOLDEN)):
        pytester.path.joinpath(f"test_s{number}.py").write_text(SCENARIO.format(number))
    run("--netlab-update").assert_outcomes(passed=len(GOLDEN))
    for number, edit in enumerate(GOLDEN.values()):
        golden = pytester.path / "golden" / f"s{number}" / TOML
        golden.write_bytes(edit(golden.read_bytes()))

    result = run("--netlab-keep=never")

    result.assert_outcomes(errors=len(GOLDEN))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = failures(result)
    assert len(told) == len(GOLDEN)
    assert [text for text in told if TOML not in text or len(text) > LONGEST] == []
