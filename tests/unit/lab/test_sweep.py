import os
from pathlib import Path

import pytest

from pytest_netlab.lab import owner, sweep


@pytest.fixture
def hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that plays the cgroup file systems."""
    monkeypatch.setattr(sweep, "CGROUPS", tmp_path)
    return tmp_path


def dead_token() -> str:
    """Return the token of a process that never was."""
    return owner.mint().replace(str(os.getpid()), "4194303", 1)


def test_dead_owners_cgroups_go(hierarchies: Path) -> None:
    """They go with what is below them, at the top and in each v1 hierarchy."""
    name = owner.PREFIX + dead_token()
    folders = [hierarchies / name, hierarchies / "memory" / name]
    for folder in folders:
        (folder / "container" / "inner").mkdir(parents=True)

    removed = sweep.cgroups()

    assert sorted(removed) == sorted(map(str, folders))
    assert not any(folder.exists() for folder in folders)


def test_others_cgroups_stay(hierarchies: Path) -> None:
    """Those of the living, and those with other names, stay."""
    names = [owner.PREFIX + owner.mint(), f"{owner.PREFIX}mine", f"x-{dead_token()}"]
    for name in names:
        (hierarchies / name).mkdir()

    assert sweep.cgroups() == []
    assert sorted(path.name for path in hierarchies.iterdir()) == sorted(names)


def test_busy_cgroup_is_not_claimed(hierarchies: Path) -> None:
    """One that cannot be removed is not reported as removed."""
    folder = hierarchies / (owner.PREFIX + dead_token())
    folder.mkdir()
    (folder / "busy").touch()

    assert sweep.cgroups() == []
    assert folder.exists()


def test_own_cgroup_goes_everywhere(hierarchies: Path) -> None:
    """A lab's own cgroup is removed by name while its owner lives."""
    name = owner.PREFIX + owner.mint()
    folders = [hierarchies / kind / name for kind in ("cpu", "memory")]
    for folder in folders:
        folder.mkdir(parents=True)

    sweep.remove_cgroup(name)

    assert not any(folder.exists() for folder in folders)
