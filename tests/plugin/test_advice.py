"""What a lab's error says would help is told by the plugin's own options."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
ADVICE = "the fake lab has no engine: use --netlab-engine=private"
ASKS = """
import pytest

@pytest.mark.netlab
def test_scenario(netlab):
    netlab.docker

@pytest.mark.netlab
def test_lab(netlab_lab):
    netlab_lab.docker
"""


def test_scenario(pytester: pytest.Pytester, run: Run) -> None:
    """Who asks for an engine where there is none is told which option has one."""
    pytester.makepyfile(ASKS)

    skipped = run("-rs")
    skipped.assert_outcomes(skipped=2)
    skipped.stdout.fnmatch_lines([f"SKIPPED*{ADVICE} (--netlab-strict makes*"])

    run("--netlab-strict").stdout.fnmatch_lines([f"*{ADVICE}"])


def test_without_the_marker(pytester: pytest.Pytester, run: Run) -> None:
    """So is a test that is no scenario."""
    pytester.makepyfile("def test_lab(netlab_lab):\n    netlab_lab.docker\n")

    failed = run("-m", "not netlab")

    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines([ADVICE])
