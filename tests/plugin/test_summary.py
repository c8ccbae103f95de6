"""What a run came to: what judged its scenarios, and why others were not judged."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]

NOTHING = pytest.ExitCode.NO_TESTS_COLLECTED
PROGRAM = "from pytest_netlab.cli import main; main()"
MARKED = "import pytest\n\n@pytest.mark.netlab\n"


@pytest.fixture
def bare(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a project with two scenarios, on a machine that lacks every program."""
    monkeypatch.setenv("PATH", "/nonexistent")
    for name in ("one", "two"):
        pytester.makepyfile(**{f"test_{name}": f"{MARKED}def test_it(netlab): pass"})
    return pytester


@pytest.mark.parametrize("more", [(), ("-m", "netlab"), ("-n1",)])
def test_a_run_that_judged_nothing_is_not_green(
    bare: pytest.Pytester, more: tuple[str, ...]
) -> None:
    """All are scenarios and all are skipped: exit code 5, and the reason."""
    result = bare.runpytest_subprocess(*more)

    result.assert_outcomes(skipped=2)
    assert result.ret == NOTHING
    result.stdout.fnmatch_lines(
        [
            "scenarios not judged: 2 skipped: *missing: install the packages*",
            "no scenario was judged: this run says nothing of the host (exit code 5)",
        ]
    )


def test_a_mixed_run_stays_green_and_says_so_in_a_line(bare: pytest.Pytester) -> None:
    """A developer's own tests passed; one line says what was not tested."""
    bare.makepyfile(
        test_own="def test_own(): pass",
        test_three=f"{MARKED}@pytest.mark.skip('another')\ndef test_it(netlab): pass",
    )

    result = bare.runpytest_subprocess()

    result.assert_outcomes(passed=1, skipped=3)
    assert result.ret == pytest.ExitCode.OK
    lines = [line for line in result.outlines if "scenarios not judged" in line]
    assert len(lines) == 1
    assert lines[0].endswith("(and 1 other reasons: -rs lists them)")
    result.stdout.no_fnmatch_line("no scenario was judged*")


def test_other_tests_alone_are_not_talked_about(pytester: pytest.Pytester) -> None:
    """A run without scenarios ends as it does without the plugin."""
    pytester.makepyfile("import pytest\ndef test_own(): pytest.skip('x')")

    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*netlab ---*")


def test_one_that_was_judged_is_enough(recorded: pytest.Pytester, run: Run) -> None:
    """A run that judged one scenario and skipped the others is green."""
    recorded.makepyfile(test_docker=f"{MARKED}def test_it(netlab): netlab.docker")

    result = run()

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "scenarios judged from packets: 1 pass",
            "scenarios not judged: 1 skipped: the fake lab has no engine*",
        ]
    )


def test_what_judged_a_scenario_is_told(recorded: pytest.Pytester, run: Run) -> None:
    """A test that captured nothing is not counted as judged from packets."""
    recorded.makepyfile(
        test_more=f"""
        {MARKED.replace(chr(10), chr(10) + " " * 8)}def test_right(netlab):
            assert netlab.facts

        @pytest.mark.netlab
        def test_wrong(netlab):
            assert not netlab.facts

        @pytest.mark.netlab
        def test_expected(netlab):
            pytest.xfail("known")

        @pytest.fixture
        def broken():
            raise KeyError

        @pytest.mark.netlab
        def test_broken(broken, netlab):
            pass
        """
    )

    result = run()

    result.assert_outcomes(passed=2, failed=1, xfailed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "scenarios judged from packets: 1 pass",
            "scenarios without a verdict on packets: 1 pass, 1 fail, 1 xfail",
            "scenarios not judged: 1 error: *",
        ]
    )


def pytest_netlab_run(where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bundled scenarios on a machine that lacks every program."""
    argv = [sys.executable, "-c", PROGRAM, "run", *arguments]
    env = os.environ | {"PATH": "/nonexistent"}
    return subprocess.run(
        argv, capture_output=True, text=True, check=False, env=env, cwd=where
    )


@pytest.mark.parametrize("engine", ["private", "host"])
def test_the_command_is_strict(engine: str, tmp_path: Path) -> None:
    """`pytest-netlab run` where it cannot test is red, with the reason once more."""
    done = pytest_netlab_run(tmp_path, "--netlab-engine", engine, "-k", "ping")

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "2 errors" in done.stdout
    assert "scenarios not judged: 2 error: " in done.stdout


@pytest.mark.parametrize(
    "named", [("--netlab-engine=fake",), ("--netlab-engine", "fake")]
)
def test_an_engine_without_docker_skips_what_needs_it(
    named: tuple[str, ...], tmp_path: Path
) -> None:
    """Who names such an engine knows; what it can show is judged."""
    done = pytest_netlab_run(tmp_path, *named, "-k", "ping or filter")
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert "scenarios judged from packets: 2 pass" in done.stdout
    assert "scenarios not judged: 1 skipped: the fake lab plays ping" in done.stdout

    assert pytest_netlab_run(tmp_path, *named, "-k", "filter").returncode == NOTHING
