"""--netlab-unreferenced: goldens no scenario used, after a complete run only."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

SKIPPED = '''
import pytest

@pytest.mark.netlab("lost")
def test_lost(netlab):
    """Skipped today."""
    pytest.skip("not today")
'''


@pytest.fixture
def lost(recorded: pytest.Pytester) -> Path:
    """Return a golden whose scenario is gone."""
    golden = recorded.path / "golden" / "ping"
    folder = golden.with_name("lost")
    shutil.copytree(golden, folder)
    toml = folder / "golden.toml"
    toml.write_text(toml.read_text().replace('scenario = "ping"', 'scenario = "lost"'))
    (golden.parent / "notes").mkdir()
    return folder


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("choice", "code", "words", "stays"),
    [
        ("ignore", 0, None, True),
        ("warn", 0, "unreferenced: {}", True),
        ("reject", 1, "unreferenced: {}", True),
        ("delete", 0, "deleted: {}", False),
    ],
)
def test_choices(  # noqa: PLR0913 - two tables
    lost: Path,
    run: Run,
    choice: str,
    code: int,
    words: str | None,
    workers: tuple[str, ...],
    *,
    stays: bool,
) -> None:
    """The run tells, fails or deletes, with workers and without."""
    result = run(f"--netlab-unreferenced={choice}", *workers)

    assert result.ret == code
    if words is None:
        result.stdout.no_fnmatch_line("*unreferenced*")
    else:
        result.stdout.fnmatch_lines([words.format(lost)])
    assert lost.exists() == stays
    assert (lost.parent / "ping" / "story.txt").is_file()
    assert (lost.parent / "notes").is_dir()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("-k", "ping"),
        ("-m", "netlab and not slow"),
        ("test_ping.py",),
        ("--deselect=test_other.py",),
        ("--ignore=nothing",),
        ("--lf",),
        ("--maxfail=1",),
    ],
    ids=" ".join,
)
def test_incomplete_run(
    lost: Path, run: Run, arguments: tuple[str, ...], workers: tuple[str, ...]
) -> None:
    """A run that was told to leave something out deletes nothing."""
    run("--netlab-unreferenced=delete", *arguments, *workers)

    assert lost.exists()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_skip(
    lost: Path, recorded: pytest.Pytester, run: Run, workers: tuple[str, ...]
) -> None:
    """A run in which a scenario was skipped deletes nothing."""
    recorded.makepyfile(test_lost=SKIPPED)

    run("--netlab-unreferenced=delete", *workers).assert_outcomes(passed=1, skipped=1)

    assert lost.exists()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_deselected_by_a_plugin(
    lost: Path, recorded: pytest.Pytester, run: Run, workers: tuple[str, ...]
) -> None:
    """Scenarios that a conftest leaves out were not run either, on workers too."""
    recorded.makepyfile(test_lost=SKIPPED)
    recorded.makeconftest(
        """
        def pytest_collection_modifyitems(config, items):
            out = [item for item in items if "lost" in item.nodeid]
            items[:] = [item for item in items if item not in out]
            config.hook.pytest_deselected(items=out)
        """
    )

    run("--netlab-unreferenced=delete", *workers).assert_outcomes(passed=1)

    assert lost.exists()


def test_interrupted_run(lost: Path, recorded: pytest.Pytester) -> None:
    """A run that was interrupted deletes nothing."""
    recorded.makepyfile(
        test_zlast=SKIPPED.replace(
            'pytest.skip("not today")', "raise KeyboardInterrupt"
        )
    )

    arguments = ("-m", "netlab", "--netlab-engine=fake")
    result = recorded.runpytest_subprocess(*arguments, "--netlab-unreferenced=delete")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert lost.exists()


def test_file_that_cannot_be_collected(
    lost: Path, recorded: pytest.Pytester, run: Run
) -> None:
    """A run that could not read a file knows not which goldens it uses."""
    recorded.makepyfile(test_lost="import nothing_of_this_name")

    run("--netlab-unreferenced=delete", "--continue-on-collection-errors")

    assert lost.exists()


def test_failing_scenario_uses_its_golden(lost: Path, run: Run, fault: Fault) -> None:
    """A scenario that fails still used its golden, and the run was complete."""
    fault("lab.wire.forwarding = False")

    run("--netlab-unreferenced=delete").assert_outcomes(failed=1)

    assert not lost.exists()
    assert (lost.parent / "ping").is_dir()


def test_delete_is_refused_in_ci(
    lost: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CI set nothing is deleted and the run is a usage error."""
    monkeypatch.setenv("CI", "1")

    result = run("--netlab-unreferenced=delete")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--netlab-unreferenced=delete: CI never writes*"])
    assert lost.exists()


def test_run_without_scenarios(pytester: pytest.Pytester, run: Run) -> None:
    """A run that used no golden knows of none."""
    pytester.makepyfile("def test_nothing():\n    pass\n")

    result = run("--netlab-unreferenced=reject")

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
