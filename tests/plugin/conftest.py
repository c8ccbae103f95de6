"""Run pytest inside pytest, on the lab that needs nothing: the NAT in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab import versions
from pytest_netlab.lab.backends import fake
from pytest_netlab.report import outcome

if TYPE_CHECKING:
    from collections.abc import Callable

# pytester unloads what an inner run has loaded first; numpy cannot be loaded twice, and
# the rest would be compiled anew for every run.
LOADED = (fake, versions, outcome)

SCENARIO = '''
import pytest

@pytest.mark.netlab("ping", waive=["container-address-on-uplink"])
def test_ping(netlab):
    """A container pings beyond its host."""
    with netlab.capture("docker0", "uplink") as trace:
        netlab.c1.run("ping", "-c", "1", netlab.host01.address)
    netlab.check(trace)
'''


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs inside record goldens: the outer run may be CI's."""
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def scenario(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with one scenario of its own."""
    pytester.makepyfile(test_ping=SCENARIO)
    return pytester


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Return a function that runs `pytest -m netlab` on the fake lab."""

    def pytest_m_netlab(*arguments: str) -> pytest.RunResult:
        fixed = ("-m", "netlab", "--netlab-engine=fake", "-p", "no:hypothesispytest")
        return pytester.runpytest(*fixed, *arguments)

    return pytest_m_netlab


@pytest.fixture
def recorded(
    scenario: pytest.Pytester, run: Callable[..., pytest.RunResult]
) -> pytest.Pytester:
    """Return the project with its golden recorded."""
    run("--netlab-update").assert_outcomes(passed=1)
    return scenario


@pytest.fixture
def fault(pytester: pytest.Pytester) -> Callable[[str], None]:
    """Return a function that makes every lab start with a fault (Python source)."""

    def start_with(source: str) -> None:
        body = f"def pytest_netlab_lab_started(lab):\n    {source}\n"
        pytester.makeconftest(body)

    return start_with
