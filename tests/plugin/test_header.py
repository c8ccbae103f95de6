"""What pytest's header says of a lab before there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab import modules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("modprobe", "lines"), [("/sbin/modprobe", 1), ("", 0)])
def test_modules_are_in_the_header(
    modprobe: str,
    lines: int,
    pytester: pytest.Pytester,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line says that modules may stay, where the kernel would load some."""
    settings = tmp_path / "proc" / "sys" / "kernel"
    settings.mkdir(parents=True)
    (settings / "modprobe").write_text(modprobe)
    (tmp_path / "proc" / "modules").touch()
    monkeypatch.setattr(modules, "ROOT", tmp_path)

    told = pytester.runpytest("-m", "netlab", "-p", "no:hypothesispytest").outlines

    begin = "netlab: engine private may load kernel modules, which stay after the run"
    assert lines == sum(line.startswith(begin) for line in told)
    assert sum(line.startswith("netlab: engine private (") for line in told) == 1
