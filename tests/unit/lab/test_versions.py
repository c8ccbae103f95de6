"""The header's note on a machine that has no uplink of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab.versions import uplink_note

if TYPE_CHECKING:
    from pathlib import Path

HEAD = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
)
DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
LINK = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
HALF = "tun0\t00000000\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"


@pytest.mark.parametrize("table", [HEAD, HEAD + LINK, HEAD + HALF])
@pytest.mark.parametrize("engine", ["private", "host", "kernel"])
def test_machine_without_a_default_route(
    engine: str, table: str, tmp_path: Path
) -> None:
    """It is told that the scenarios pass without one."""
    (tmp_path / "route").write_text(table)

    note = uplink_note(engine, tmp_path / "route")

    assert note.startswith("this machine has no default route: ")


def test_nothing_to_note(tmp_path: Path) -> None:
    """A machine with one is told nothing, nor where no route is used or known."""
    (tmp_path / "route").write_text(HEAD + LINK + DEFAULT)
    assert uplink_note("private", tmp_path / "route") == ""

    (tmp_path / "route").write_text(HEAD)
    assert uplink_note("fake", tmp_path / "route") == ""
    assert uplink_note("private", tmp_path / "none") == ""
