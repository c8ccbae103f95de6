"""A real engine under every test here: needs root and dockerd."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import LabUnavailableError
from pytest_netlab.lab.backends import private
from pytest_netlab.lab.rootfs import suites
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_netlab.lab.backends.docker_lab import DockerLab

    Scenarios = Callable[..., pytest.RunResult]


@pytest.fixture
def engine() -> None:
    """Skip where no private engine can run; in CI that is a failure."""
    reason = private.unavailable(LabOptions())
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def suite_root() -> Callable[[str], Path]:
    """Return a function: the root of a suite, built if the cache has none."""

    def provided(suite: str) -> Path:
        try:
            return suites.provide(suite, print)
        except LabUnavailableError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(error))

    return provided


@pytest.fixture(scope="module")
def lab() -> Iterator[DockerLab]:
    """Return a private lab that the tests of a file share."""
    if reason := private.unavailable(LabOptions()):
        pytest.skip(reason)
    with closing(private.start(LabOptions())) as started:
        yield started


@pytest.fixture
def scenarios(
    engine: None,  # noqa: ARG001 - skips
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> Scenarios:
    """Return a function that runs bundled scenarios in a process of their own.

    `fault` is a line of Python that the lab is given before the first scenario.
    """

    def run(*arguments: str, fault: str = "pass") -> pytest.RunResult:
        hook = "def pytest_netlab_lab_started(lab):\n    host = lab.nodes['host']\n"
        pytester.makepyfile(netlab_fault=f"{hook}    {fault}\n")
        monkeypatch.setenv("PYTHONPATH", str(pytester.path))
        return pytester.runpytest_subprocess(
            *("--import-mode=importlib", "-p", "netlab_fault", "-m", "netlab"),
            *("--netlab-strict", "--pyargs", "pytest_netlab.scenarios"),
            *arguments,
        )

    return run
