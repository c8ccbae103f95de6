"""The goldens that ship: each tells what its capture holds, and proves it could see."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_netlab import capture as captures
from pytest_netlab.spec import POINTS
from pytest_netlab.store import Store, read
from pytest_netlab.wire import canary

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
NAMES = sorted(
    str(path.parent.relative_to(GOLDEN)) for path in GOLDEN.glob("**/golden.toml")
)


def test_every_judged_scenario_has_one() -> None:
    """Each scenario file that checks a trace has a golden of its name."""
    files = (GOLDEN.parent / "scenarios").glob("test_*.py")

    judged = {
        path.stem.removeprefix("test_").replace("_", "-")
        for path in files
        if "netlab.check(" in path.read_text()
    }
    assert set(Store(GOLDEN).scenarios()) == judged


@pytest.mark.parametrize("name", NAMES)
def test_story_is_what_the_capture_holds(name: str) -> None:
    """Loading a golden checks story.txt against capture.pcapng."""
    golden = read(GOLDEN / name)

    assert golden.canonical.flows
    assert not [x.violations for x in golden.canonical.flows if x.violations]
    assert "ruleset" in golden.provenance


@pytest.mark.parametrize("name", NAMES)
def test_capture_proves_that_it_saw(name: str) -> None:
    """Each point begins and ends with its canary, and dropped nothing."""
    found = captures.read(GOLDEN / name / "capture.pcapng")

    assert {interface.name for interface in found.interfaces} == set(POINTS)
    assert [interface.dropped for interface in found.interfaces] == [0, 0]
    for point in POINTS:
        seen = found.at(point)
        ends = [canary.parse(seen[row].bytes) for row in (0, len(seen) - 1)]
        assert [end and (end.point, end.kind) for end in ends] == [
            (point, "open"),
            (point, "close"),
        ]
