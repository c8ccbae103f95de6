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


def test_delete_leaves_what_is_its_users(lost: Path, run: Run) -> None:
    """Only the files of goldens go: notes stay, and so does what a link leads to."""
    variant = lost / "old"
    shutil.copytree(lost, variant)
    for folder in (lost, variant):
        (folder / "notes.md").write_text("mine")
    shutil.copytree(lost, lost / "_parked")
    away = lost.parents[1] / "away"
    shutil.copytree(lost, away)
    (lost / "link").symlink_to(away)
    (lost.parent / "linked").symlink_to(away)
    hidden = lost.with_name(".hidden")
    shutil.copytree(lost, hidden, symlinks=True)

    def held(folder: Path) -> list[str]:
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))

    before = held(away), held(hidden), held(lost / "_parked")

    result = run("--netlab-unreferenced=delete")

    result.stdout.fnmatch_lines([f"deleted, but for your files in: {lost}"])
    result.stdout.no_fnmatch_line(f"*{hidden}*")
    files = ["notes.md", "old", "old/notes.md", "link"]
    assert [name for name in held(lost) if "_parked" not in name] == sorted(files)
    assert (held(away), held(hidden), held(lost / "_parked")) == before
    assert (lost.parent / "linked").is_symlink()


def test_delete_that_fails_is_told(lost: Path, run: Run) -> None:
    """What cannot be deleted is told with the reason, and the run ends as it should."""
    (lost / "capture.pcapng").unlink()
    (lost / "capture.pcapng").mkdir()

    result = run("--netlab-unreferenced=delete")

    assert result.ret == 0
    result.stdout.fnmatch_lines([f"cannot be deleted (Is a directory): {lost}"])


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
