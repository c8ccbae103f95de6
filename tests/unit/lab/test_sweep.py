import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest
from click.testing import CliRunner

from pytest_netlab.cli import main
from pytest_netlab.lab import sweep
from pytest_netlab.lab.lifetime import owner, supervisor

SLOW_SECONDS = 0.25
SLOW_GREP = f"""#!/bin/sh
echo "$@" >>{{looks}}
sleep {SLOW_SECONDS}
exec {{grep}} "$@"
"""
STUBBORN = "trap '' HUP INT TERM; echo there; while :; do sleep 600; done"


@pytest.fixture
def hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that plays the cgroup file systems."""
    monkeypatch.setattr(supervisor, "CGROUPS", tmp_path)
    return tmp_path


def dead_token() -> str:
    """Return the token of a process that never was."""
    return owner.mint().replace(str(os.getpid()), "4194303", 1)


@pytest.fixture
def marked() -> Iterator[Popen[str]]:
    """Return a process that carries a dead owner's token and ignores signals."""
    with Popen(
        ["sh", "-c", STUBBORN],
        env={**os.environ, owner.MARK: dead_token()},
        stdin=DEVNULL,
        stdout=PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)


def test_dead_owners_cgroups_go(hierarchies: Path) -> None:
    """They go with what is below them, at the top and in each v1 hierarchy."""
    name = owner.PREFIX + dead_token()
    folders = [hierarchies / name, hierarchies / "memory" / name]
    for folder in folders:
        (folder / "container" / "inner").mkdir(parents=True)

    swept = sweep.locally()

    assert set(map(str, folders)) <= set(swept.removed)
    assert not any(folder.exists() for folder in folders)


def test_others_cgroups_stay(hierarchies: Path) -> None:
    """Those of the living, and those with other names, stay."""
    names = [owner.PREFIX + owner.mint(), f"{owner.PREFIX}mine", f"x-{dead_token()}"]
    for name in names:
        (hierarchies / name).mkdir()

    sweep.locally()

    assert sorted(path.name for path in hierarchies.iterdir()) == sorted(names)


def test_what_stays_is_named(hierarchies: Path) -> None:
    """A cgroup that cannot be removed is what is left, and not what was removed."""
    folder = hierarchies / (owner.PREFIX + dead_token())
    folder.mkdir()
    (folder / "busy").touch()

    swept = sweep.locally(seconds=0.1)

    assert str(folder) in swept.left
    assert str(folder) not in swept.removed


def test_clean_says_what_stays(
    hierarchies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`clean` ends with exit code 2 and one sentence when something stays."""
    monkeypatch.setattr(supervisor, "SECONDS", 0.1)
    name = owner.PREFIX + dead_token()
    (hierarchies / name).mkdir()
    (hierarchies / name / "busy").touch()

    done = CliRunner().invoke(main, ["clean"])

    assert done.exit_code == 2
    assert f"Error: cannot remove {hierarchies / name}" in done.output


def test_time_is_that_of_a_clock(
    hierarchies: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However slow a look is, and however many owners died, the time is the same."""
    tokens = [f"{dead_token()}{number}" for number in range(4)]
    for token in tokens:
        (hierarchies / (owner.PREFIX + token) / "busy").mkdir(parents=True)
        (hierarchies / (owner.PREFIX + token) / "busy" / "file").touch()
    folder = tmp_path_factory.mktemp("bin")
    looks = folder / "looks"
    program = folder / "grep"
    program.write_text(SLOW_GREP.format(looks=looks, grep=shutil.which("grep")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    sweep.locally(seconds=1)

    lines = looks.read_text().splitlines()
    ours = [line for line in lines if any(token in line for token in tokens)]
    assert len(tokens) <= len(ours) <= len(tokens) + 1 / SLOW_SECONDS


def test_own_cgroup_goes_everywhere(hierarchies: Path) -> None:
    """A lab's own cgroup is removed by its token while its owner lives."""
    token = owner.mint()
    folders = [hierarchies / kind / f"{owner.PREFIX}{token}" for kind in ("cpu", "pid")]
    for folder in folders:
        folder.mkdir(parents=True)

    ended = supervisor.end(token)

    assert ended
    assert not any(folder.exists() for folder in folders)


def test_dead_owners_processes_end(marked: Popen[str]) -> None:
    """A process that carries a dead owner's token is ended, whatever it ignores."""
    sweep.locally(seconds=60)  # or another sweep on this machine

    assert marked.wait(60) == -9


def test_living_owners_processes_stay() -> None:
    """A process of an owner that lives is left alone."""
    env = {**os.environ, owner.MARK: owner.mint()}
    with Popen(["sleep", "600"], env=env) as process:
        sweep.locally()
        running = process.poll() is None
        process.kill()

    assert running
