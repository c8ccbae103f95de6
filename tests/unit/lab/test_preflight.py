"""What a machine lacks for a lab, told before anything starts."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab import firewall, preflight
from pytest_netlab.lab.backends import kernel
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", preflight.SCRIPTS)
def test_programs_of_the_scripts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that the lab's scripts run is named, with its package."""
    if os.geteuid() != 0 or kernel.unavailable(LabOptions()):
        pytest.skip("needs root, and a machine that lacks nothing")
    others = (*kernel.NEEDED, *firewall.needed(""), "busybox")
    for program in {*preflight.SCRIPTS, *others} - {name}:
        (tmp_path / program).symlink_to(shutil.which(program) or "/none")
    monkeypatch.setenv("PATH", str(tmp_path))

    reason = kernel.unavailable(LabOptions())

    assert reason == f"{name} missing: install the packages {preflight.SCRIPTS[name]}"
