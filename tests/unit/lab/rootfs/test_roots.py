"""What a folder given as an engine's root is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_netlab.errors import LabError
from pytest_netlab.lab.rootfs.roots import OWN_TOOLS, STATIC, WHOLE, userland


def _put(folder: Path, *programs: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for program in programs:
        (folder / program).write_text("#!/bin/sh\n")
    return folder


def test_none_is_the_machine() -> None:
    """Without a folder all is the machine's, rules included."""
    land = userland(None)

    assert land.lower == Path("/")
    assert not land.own_tools


def test_unpacked_root(tmp_path: Path) -> None:
    """A root is gone into whole; what it lacks is not taken from the machine."""
    _put(tmp_path / "usr/sbin", *WHOLE)
    _put(tmp_path / "bin", "iptables")

    land = userland(tmp_path)

    assert land.lower == tmp_path
    assert set(land.own_tools) == set(OWN_TOOLS)
    assert {name: path for name, path in land.own_tools.items() if path} == {
        name: f"/usr/sbin/{name}" for name in (*STATIC, "iptables")
    }


def test_links_of_a_root_need_lead_nowhere_from_here(tmp_path: Path) -> None:
    """A link like that of iptables only means something inside the root."""
    programs = [name for name in WHOLE if name != "iptables"]
    (_put(tmp_path / "usr/sbin", *programs) / "iptables").symlink_to("/nowhere")

    assert userland(tmp_path).lower == tmp_path


@pytest.mark.parametrize("inner", ["", "docker"])
def test_static_release(tmp_path: Path, inner: str) -> None:
    """A release comes first on PATH and uses the machine's other programs."""
    release = _put(tmp_path / inner, *STATIC)

    land = userland(tmp_path)

    assert land.lower == Path("/")
    assert land.path.startswith(f"{release}:")
    assert not land.own_tools


def test_root_without_dockerd(tmp_path: Path) -> None:
    """A folder with no engine is refused, and the text says what one looks like."""
    _put(tmp_path / "usr/bin", "sh", "mount")

    with pytest.raises(LabError, match=r"has no dockerd.*usr/sbin/dockerd.*static"):
        userland(tmp_path)


def test_root_that_lacks_a_program(tmp_path: Path) -> None:
    """What an engine cannot do without is named before anything starts."""
    _put(tmp_path / "usr/sbin", "dockerd", "containerd", "sh", "mount", "umount")

    with pytest.raises(LabError, match="lacks runc, iptables, unshare, rmdir"):
        userland(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    """A path that leads nowhere is said to."""
    with pytest.raises(LabError, match="nosuch is no folder"):
        userland(tmp_path / "nosuch")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("loop", "n" * 300, f"{'n' * 300}/n"):
        with pytest.raises(LabError, match="is no folder"):
            userland(tmp_path / name)


def test_release_without_runc(tmp_path: Path) -> None:
    """A release is complete only with what its dockerd starts."""
    _put(tmp_path, "dockerd", "containerd")

    with pytest.raises(LabError, match=r"static release .* lacks runc"):
        userland(tmp_path)
