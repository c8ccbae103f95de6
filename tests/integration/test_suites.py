"""One set of goldens holds on the engines of several Debian suites."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab.rootfs.roots import userland

if TYPE_CHECKING:
    from collections.abc import Callable

    Scenarios = Callable[..., pytest.RunResult]

pytestmark = pytest.mark.engine_suites
ROOT = Path(__file__).resolve().parents[2]
OPEN, CLOSED = "engine < 28", "engine >= 28"


@pytest.fixture(scope="module", params=["trixie", "forky"])
def root(request: pytest.FixtureRequest, suite_root: Callable[[str], Path]) -> Path:
    """Return the root of a suite."""
    return suite_root(request.param)


@pytest.fixture
def suite(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the option that names the suite; runs inside find the same cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root.parent.parent.parent))
    return f"--netlab-engine-suite={root.name}"


def test_scenarios_hold(root: Path, suite: str, scenarios: Scenarios) -> None:
    """Every scenario passes, and the header names the root's own versions."""
    result = scenarios(suite)

    assert result.ret == 0
    land = userland(root)
    versions = f"({land.first_line('dockerd')}), {land.first_line('iptables')}"
    assert f"netlab: engine private {versions}, " in result.stdout.str()


def test_rules_are_shown_by_the_tools_that_made_them(
    root: Path, suite: str, scenarios: Scenarios
) -> None:
    """The host's iptables is the root's, not the machine's."""
    version = userland(root).first_line("iptables")
    look = f"assert host.run('iptables', '--version').stdout.strip() == {version!r}"

    assert scenarios(suite, "-k", "ping_host", fault=look).ret == 0


def test_wrong_variant_says_which_change_it_is(
    root: Path, suite: str, pytester: pytest.Pytester
) -> None:
    """Judged against the other engines' variant the failure names what changed."""
    story = (ROOT / "scenarios" / "test_direct_published.py").read_text()
    pytester.makepyfile(test_direct_published=story)
    folder = pytester.path / "golden" / "direct-published"
    shutil.copytree(ROOT / "golden" / "direct-published", folder)
    for name, requires in (("open", CLOSED), ("closed", OPEN)):
        table = folder / name / "golden.toml"
        mine = OPEN if name == "open" else CLOSED
        table.write_text(table.read_text().replace(mine, requires))

    result = pytester.runpytest_subprocess("-m", "netlab", "--netlab-strict", suite)

    result.assert_outcomes(failed=1)
    told = " ".join(result.stdout.str().split())
    seen = "Up to engine 27" if root.name == "trixie" else "From engine 28"
    assert seen in told
    assert "moby/moby/pull/49325" in told
