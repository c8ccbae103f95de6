"""The options that take the private engine from elsewhere, used wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

SUITE = "--netlab-engine-suite=trixie"


def test_unknown_suite(run: Run) -> None:
    """A suite that is none of the known ones is refused, and they are named."""
    result = run("--netlab-engine-suite=sarge")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*invalid choice: 'sarge'*bookworm*trixie*forky*"])


def test_other_engines_take_no_root(run: Run) -> None:
    """Only the private engine can be from elsewhere."""
    result = run(SUITE)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--netlab-engine-suite is for *private*fake*"])


def test_suite_and_root_exclude_each_other(run: Run, pytester: pytest.Pytester) -> None:
    """Two places for one engine cannot be meant."""
    folder = f"--netlab-engine-root={pytester.path}"
    result = run(SUITE, folder, "--netlab-engine=private")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*choose one*"])


def test_root_without_dockerd(run: Run, pytester: pytest.Pytester) -> None:
    """A folder with no engine in it is a usage error before anything starts."""
    folder = f"--netlab-engine-root={pytester.path}"
    result = run(folder, "--netlab-engine=private")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--netlab-engine-root: *has no dockerd*"])
