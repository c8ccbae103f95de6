from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_netlab.evidence.dissect import MOST, available, dissect

CAPTURE = Path(__file__).resolve().parents[3] / "golden/ping-beyond/capture.pcapng"

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is missing: install the package"
)


def test_packets_are_told_by_number() -> None:
    """Each packet asked for is told once, under its number, in order."""
    assert available()

    told = dissect(CAPTURE, [4, 3, 3])

    heads = [line for line in told.splitlines() if line.startswith("packet ")]
    assert heads == ["packet 3", "packet 4"]
    assert "Layer ETH" in told


def test_only_the_first_are_told() -> None:
    """A flood of differences does not become a flood of words."""
    told = dissect(CAPTURE, range(1, 1000))

    assert 0 < told.count("packet ") <= MOST


def test_damage_is_told_not_raised(tmp_path: Path) -> None:
    """A file that tshark cannot read is said to be so."""
    broken = tmp_path / "broken.pcapng"
    broken.write_bytes(b"no capture")

    assert dissect(broken, [1]).startswith("tshark failed")


def test_without_tshark_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tshark is missing the evidence goes without."""
    monkeypatch.setenv("PATH", "/nonexistent")

    assert not available()
