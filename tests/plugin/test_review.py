"""Pending goldens from run to decision, on the lab in memory."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_netlab.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

PROGRAM = "from pytest_netlab.cli import main; main()"
LEAK = "lab.wire.nat.masquerade = False"
PENDING = Path("netlab-artifacts/pending/ping")


def netlab(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def leaked(recorded: pytest.Pytester, run: Run, fault: Fault) -> pytest.Pytester:
    """Return the project after a run that differs."""
    fault(LEAK)
    run().assert_outcomes(failed=1)
    return recorded


def files(folder: Path) -> dict[str, bytes]:
    """Return every file's bytes."""
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.usefixtures("leaked")
def test_pending() -> None:
    """A run that differs is listed with what differs, its age and its folder."""
    assert PENDING.is_dir()

    result = netlab("pending")

    head, folder, golden = result.output.splitlines()
    assert head.startswith("ping  leaked, ")
    assert head.endswith(" s ago)")
    assert folder == f"  {PENDING}"
    assert golden == f"  for {Path('golden/ping').resolve()}"
    (one,) = json.loads(netlab("pending", "--json").output)
    assert one["scenario"] == "ping"
    assert one["test"] == "test_ping.py::test_ping"
    assert (one["new"], one["stale"]) == (False, False)


@pytest.mark.usefixtures("leaked")
def test_ci_writes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI set nothing is proposed, and accepting is refused."""
    monkeypatch.setenv("CI", "true")
    before = files(Path("golden"))

    for words in (["accept", "--all"], ["review", "--accept-all"]):
        assert netlab(*words).exit_code == 2
    assert files(Path("golden")) == before
    monkeypatch.delenv("CI")
    assert netlab("reject", "ping").exit_code == 0
    monkeypatch.setenv("CI", "true")
    run().assert_outcomes(failed=1)
    assert not PENDING.exists()


@pytest.mark.usefixtures("leaked")
def test_accepted_run_passes(run: Run) -> None:
    """What was accepted is the golden: the same run passes."""
    result = netlab("accept", "ping")

    assert result.output.startswith("accepted ping: ")
    run().assert_outcomes(passed=1)
    assert netlab("pending").output.startswith("nothing is pending in netlab-artifacts")


def test_rejected_run_fails_again(leaked: pytest.Pytester, run: Run) -> None:
    """What was rejected leaves the golden: the same run fails."""
    before = files(leaked.path / "golden")

    assert netlab("reject", "--all").output == "rejected ping\n"

    assert files(leaked.path / "golden") == before
    run().assert_outcomes(failed=1)


@pytest.mark.usefixtures("leaked")
def test_pass_clears_what_was_pending(run: Run, fault: Fault) -> None:
    """A run that passes takes back what the one before proposed."""
    fault("pass")

    run().assert_outcomes(passed=1)

    assert not PENDING.exists()


@pytest.mark.usefixtures("scenario")
def test_missing_golden_is_proposed(run: Run) -> None:
    """Without a golden the run is an error, and what it saw can be reviewed."""
    result = run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no golden for*", "*pytest-netlab review ping*"])
    assert "no golden yet" in netlab("pending").output
    assert netlab("review", "--accept-all").exit_code == 0
    run().assert_outcomes(passed=1)


@pytest.mark.usefixtures("leaked")
def test_never_keep_proposes_nothing(run: Run) -> None:
    """--netlab-keep=never leaves nothing, and says how to record instead."""
    netlab("reject", "ping")

    result = run("--netlab-keep=never")

    assert not PENDING.exists()
    result.stdout.fnmatch_lines(["* -m netlab --netlab-update*"])


def typed(keys: str) -> tuple[int, str]:
    """Run review at a terminal of its own, and type."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", PROGRAM, "review"]
    os.write(ours, keys.encode())
    done = subprocess.run(
        command, stdin=theirs, capture_output=True, text=True, timeout=60, check=False
    )
    os.close(ours)
    os.close(theirs)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("keys", "words", "stays"),
    [
        ("r\n", "rejected ping", False),
        ("s\n", "skipped ping", True),
        ("\n", "skipped ping", True),
        ("x\nA\n", "accepted ping", False),
    ],
)
@pytest.mark.usefixtures("leaked")
def test_review(keys: str, words: str, *, stays: bool) -> None:
    """Review shows causes and the story's difference, asks, and does as told."""
    code, output = typed(keys)

    assert code == 0
    assert "cause      leaked: c1 left on the uplink" in output
    assert "\n-  uplink   host   > host01" in output
    assert "\n+  uplink   c1" in output
    assert words in output
    assert PENDING.exists() == stays


@pytest.mark.usefixtures("leaked")
def test_interrupted_review() -> None:
    """Whoever leaves review has decided nothing."""
    code, _ = typed("\x04")

    assert code == 130
    assert PENDING.exists()


@pytest.mark.usefixtures("leaked")
@pytest.mark.parametrize("names", [(), ("ping",)])
def test_review_without_terminal(names: tuple[str, ...]) -> None:
    """Without a terminal review shows what there is, and says what to type."""
    result = netlab("review", *names)

    assert result.exit_code == 0
    assert "cause      leaked: c1 left on the uplink" in result.output
    assert "\n-  uplink   host   > host01" in result.output
    assert "nothing is decided: " in result.output
    assert "pytest-netlab accept ping`" in result.output
    assert PENDING.exists()


@pytest.mark.usefixtures("leaked")
def test_review_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI it shows, too, even on a terminal, and writes nothing."""
    monkeypatch.setenv("CI", "true")
    before = files(Path())

    code, output = typed("a\n")

    assert code == 0
    assert "nothing is decided: " in output
    assert files(Path()) == before


@pytest.mark.parametrize(
    "words",
    [
        ["accept"],
        ["accept", "ping", "--all"],
        ["reject"],
        ["review", "--accept-all", "--reject-all"],
        ["accept", "pong"],
        ["review", "pong", "--reject-all"],
    ],
)
@pytest.mark.usefixtures("leaked")
def test_wrong_use_decides_nothing(words: list[str]) -> None:
    """What is not clear is refused, and everything stays."""
    result = netlab(*words)

    assert result.exit_code == 2
    assert "ping" in result.output or "exclude" in result.output
    assert PENDING.exists()


def test_damaged_does_not_stop_the_others(leaked: pytest.Pytester, run: Run) -> None:
    """One that is damaged is told and stays; the others are accepted."""
    leaked.makepyfile(
        test_more=(leaked.path / "test_ping.py")
        .read_text()
        .replace('netlab("ping"', 'netlab("pong"')
    )
    run()
    (PENDING / "pending.toml").write_text("format = 7")

    listed = netlab("pending")
    result = netlab("accept", "--all")

    assert "ping  damaged" in listed.output
    assert "pong.test_ping  no golden yet" in listed.output
    assert result.exit_code == 2
    assert "accepted pong.test_ping" in result.output
    assert "1 of 2 could not be decided" in result.output
    assert PENDING.exists()


@pytest.mark.usefixtures("leaked")
def test_environment_is_told(run: Run, fault: Fault) -> None:
    """Failure, review and list say on which engine the golden was recorded."""
    fault(f"{LEAK}; lab.facts = {{'engine': '28.5.2'}}")
    words = "recorded on engine fake; here engine 28.5.2"

    run().stdout.fnmatch_lines([f"  {words}"])

    assert words in netlab("pending").output
    assert words in typed("s\n")[1]


def test_new_only(recorded: pytest.Pytester, run: Run, fault: Fault) -> None:
    """--netlab-update-new-only records what is missing and judges what is there."""
    fault(LEAK)
    recorded.makepyfile(
        test_more=(recorded.path / "test_ping.py")
        .read_text()
        .replace('netlab("ping"', 'netlab("pong"')
        .replace('"-c", "1",', '"-c", "1", check=False,')
        .replace(
            "check=False, netlab.host01.address", "netlab.host01.address, check=False"
        )
    )
    before = files(recorded.path / "golden" / "ping")

    run("--netlab-update-new-only").assert_outcomes(passed=1, failed=1)

    assert files(recorded.path / "golden" / "ping") == before
    assert (recorded.path / "golden" / "pong" / "story.txt").is_file()


def test_known_change_of_behaviour(
    recorded: pytest.Pytester, run: Run, fault: Fault
) -> None:
    """A run like another variant, which may be for this host, names it."""
    golden = recorded.path / "golden" / "ping"
    (golden / "old").mkdir()
    for path in [p for p in golden.iterdir() if p.is_file()]:
        path.rename(golden / "old" / path.name)
    toml = golden / "old" / "golden.toml"
    toml.write_text('requires = "engine == fake"\n' + toml.read_text())
    (golden / "new").mkdir()
    (golden / "new" / "golden.toml").write_text(
        'format = 1\nscenario = "ping"\nrequires = "api >= 99"\n'
        'description = "Masquerading is gone."\nreference = "https://example.org/99"\n'
    )
    fault(f"{LEAK}; lab.facts = {{'engine': 'none', 'api': '99'}}")
    run("--netlab-update").assert_outcomes(passed=1)
    fault(LEAK)

    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "known as   the packets match variant new (requires api >= 99):*",
            "           https://example.org/99",
        ]
    )

    fault(f"{LEAK}; lab.facts = {{**lab.facts, 'api': '41'}}")
    assert "known as" not in run().stdout.str()  # it is not for this host
