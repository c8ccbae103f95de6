"""A run as root in a user's checkout leaves what the user can change and remove."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pytest_netlab.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]
    Fault = Callable[[str], None]

USER = 12345
OTHERS = (".pytest_cache", "__pycache__")  # pytest's and Python's own


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away: needs root")
def test_run_for_a_user(
    scenario: pytest.Pytester,
    run: Run,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goldens, evidence, proposals and what commands write are the user's alone."""
    monkeypatch.setenv("SUDO_UID", str(USER))
    monkeypatch.setenv("SUDO_GID", str(USER))
    os.chown(scenario.path, USER, USER)
    before = set(scenario.path.rglob("*"))
    umask = os.umask(0)
    try:
        run("--netlab-update").assert_outcomes(passed=1)
        fault("lab.wire.nat.masquerade = False")
        run().assert_outcomes(failed=1)
        evidence = "netlab-artifacts/ping"
        words = ("diff", "golden/ping", evidence, "--write-diff", "why.pcapng")
        assert CliRunner().invoke(main, words).exit_code == 1
        assert CliRunner().invoke(main, ["accept", "ping"]).exit_code == 0
        run("--netlab-artifacts=kept/here").assert_outcomes(passed=1)
    finally:
        os.umask(umask)

    written = [
        path
        for path in set(scenario.path.rglob("*")) - before
        if not set(OTHERS) & set(path.parts) and path.name != "conftest.py"
    ]
    names = {str(path.relative_to(scenario.path)) for path in written}
    assert names >= {
        *("golden/ping/story.txt", "why.pcapng", f"{evidence}/host"),
        *(f"{evidence}/verdict.json", "kept/here/ping/capture.pcapng"),
    }
    for path in written:
        found = path.lstat()
        most = 0o755 if path.is_dir() else 0o644
        assert (path, found.st_uid, found.st_gid) == (path, USER, USER)
        assert (path, stat.S_IMODE(found.st_mode)) == (path, most)
