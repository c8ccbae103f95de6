"""What is kept of an engine's suite, whatever the umask of who has it built."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_netlab.lab.rootfs import suites

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Have everything made as open as its maker asks for."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
def test_nobody_else_writes_to_a_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root runs programs of it: neither the cache nor what a build makes is open."""

    def build(*arguments: Any) -> None:
        """Stand for mmdebstrap, which takes two minutes to make folders."""
        arguments[2].mkdir()
        (arguments[2] / "dockerd").touch()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setattr(suites, "_demand_tools", lambda: None)
    monkeypatch.setattr(suites, "_mirror", lambda: "")
    monkeypatch.setattr(suites, "_build", build)
    root = suites.provide("trixie", lambda _: None)

    below = [tmp_path / "home", *(tmp_path / "home").rglob("*")]
    assert root / "dockerd" in below
    assert [path for path in below if path.stat().st_mode & 0o022] == []
    assert os.umask(0) == 0
