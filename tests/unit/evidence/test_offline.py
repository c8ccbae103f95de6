"""What is stored of a scenario: a bundle, a golden, or a capture of its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab import capture as captures
from pytest_netlab.errors import GoldenError, LabUnavailableError
from pytest_netlab.evidence import MARK, VERDICT, find
from pytest_netlab.spec import Scenario

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture, Frame

DATA = Path(__file__).parents[2] / "data" / "format1"
BUNDLE, GOLDEN = DATA / "kept" / "shop", DATA / "golden" / "shop" / "here"
PACKETS = BUNDLE / "capture.pcapng"
SHOP = Scenario(id="shop")


def frames(capture: Capture) -> list[Frame]:
    """Return the packets of a capture."""
    return list(capture.frames())


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a bundle that may be changed."""
    return shutil.copytree(BUNDLE, tmp_path / "shop")


def test_bundle() -> None:
    """A bundle has packets, facts, the state of its host, and what it failed by."""
    found = find(DATA / "kept", SHOP)

    assert frames(found.capture) == frames(captures.read(PACKETS))
    assert found.facts["engine"] == "20.10.24+dfsg1"
    assert found.state["iptables.txt"] == (BUNDLE / "host/iptables.txt").read_text()
    assert (found.bundle, found.failure) == (BUNDLE, "")


@pytest.mark.parametrize(
    ("outcome", "failure"), [("fail", "assert 1 == 2"), ("error", "")]
)
def test_failure(bundle: Path, outcome: str, failure: str) -> None:
    """Only a run that failed by something beside its packets fails again by it."""
    table = json.loads((bundle / VERDICT).read_text())
    table |= {"outcome": outcome, "error": "assert 1 == 2"}
    (bundle / VERDICT).write_text(json.dumps(table))

    assert find(bundle.parent, SHOP).failure == failure


def test_only_its_head_counts(bundle: Path) -> None:
    """What the run made of its packets is not asked when they are judged again."""
    head = {"format": 1, "scenario": "shop", "verdict": {"later": 5}}
    (bundle / VERDICT).write_text(json.dumps(head))

    found = find(bundle.parent, SHOP)

    assert (found.facts, found.failure) == ({}, "")


@pytest.mark.parametrize("left", [MARK, "host"])
def test_no_verdict(bundle: Path, left: str) -> None:
    """Evidence without verdict.json is damaged, whatever else of it is there."""
    (bundle / VERDICT).unlink()
    if left == MARK:
        shutil.rmtree(bundle / "host")
    else:
        (bundle / MARK).unlink()

    with pytest.raises(GoldenError, match=r"its verdict\.json is gone: run it again"):
        find(bundle.parent, SHOP)


def test_no_packets(bundle: Path) -> None:
    """A run that captured nothing ended by something, and that is told."""
    (bundle / "capture.pcapng").unlink()

    with pytest.raises(GoldenError, match="holds no packets; its run ended by: "):
        find(bundle.parent, SHOP)


def test_golden(tmp_path: Path) -> None:
    """A golden has packets and provenance; it is no bundle, and has no state."""
    shutil.copytree(GOLDEN, tmp_path / "shop")

    found = find(tmp_path, SHOP)

    assert frames(found.capture) == frames(captures.read(GOLDEN / "capture.pcapng"))
    assert found.facts["engine"] == "20.10.24+dfsg1"
    assert (found.state, found.bundle, found.failure) == ({}, None, "")


def test_damaged_golden(tmp_path: Path) -> None:
    """Beside packets that are judged, a golden.toml is read as any other."""
    toml = shutil.copytree(GOLDEN, tmp_path / "shop") / "golden.toml"
    toml.write_text(toml.read_text().replace('engine = "', "engine = 5 #", 1))

    words = r"golden\.toml: .*\$\.provenance\['engine'\]: expected str, got int"
    with pytest.raises(GoldenError, match=words):
        find(tmp_path, SHOP)


@pytest.mark.parametrize("name", ["shop/capture.pcapng", "shop.pcapng"])
def test_capture(tmp_path: Path, name: str) -> None:
    """A bare capture has packets only."""
    (tmp_path / "shop").mkdir()
    shutil.copy(PACKETS, tmp_path / name)

    found = find(tmp_path, SHOP)

    assert frames(found.capture) == frames(captures.read(PACKETS))
    assert (found.facts, found.state, found.bundle) == ({}, {}, None)


def test_label(tmp_path: Path) -> None:
    """A test with parameters finds its own, or packets of its scenario's id."""
    scenario = Scenario(id="shop", test="test_it[0]")
    with pytest.raises(LabUnavailableError, match=r"neither shop\.test_it-0-/capture"):
        find(tmp_path, scenario)
    shutil.copy(PACKETS, tmp_path / "shop.pcapng")
    assert find(tmp_path, scenario).bundle is None

    shutil.copytree(BUNDLE, tmp_path / "shop.test_it-0-")

    assert find(tmp_path, scenario).bundle == tmp_path / "shop.test_it-0-"


def test_bundle_of_another_test(tmp_path: Path) -> None:
    """The evidence of another test of the scenario is not this one's."""
    shutil.copytree(BUNDLE, tmp_path / "shop")

    with pytest.raises(LabUnavailableError, match="no packets of shop"):
        find(tmp_path, Scenario(id="shop", test="test_it[0]"))
