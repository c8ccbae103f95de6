"""What pytest's header says of a lab before there is one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_netlab.lab import modules
from pytest_netlab.lab.backends import BACKENDS, FAKE, KERNEL

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(("modprobe", "lines"), [("/sbin/modprobe", 1), ("", 0)])
def test_modules_are_in_the_header(
    modprobe: str,
    lines: int,
    pytester: pytest.Pytester,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line says that modules may stay, where the kernel would load some."""
    settings = tmp_path / "proc" / "sys" / "kernel"
    settings.mkdir(parents=True)
    (settings / "modprobe").write_text(modprobe)
    (tmp_path / "proc" / "modules").touch()
    monkeypatch.setattr(modules, "ROOT", tmp_path)

    told = pytester.runpytest("-m", "netlab", "-p", "no:hypothesispytest").outlines

    begin = "netlab: engine private may load kernel modules, which stay after the run"
    assert lines == sum(line.startswith(begin) for line in told)
    assert sum(line.startswith("netlab: engine private (") for line in told) == 1


@pytest.mark.parametrize("engine", BACKENDS)
def test_engine_in_the_header(pytester: pytest.Pytester, engine: str) -> None:
    """Only the engine in memory is called one, and each is in README's table."""
    fixed = ("-m", "netlab", "-p", "no:hypothesispytest")

    (line,) = [
        line
        for line in pytester.runpytest(*fixed, f"--netlab-engine={engine}").outlines
        if line.startswith(f"netlab: engine {engine} (")
    ]

    assert ("in memory" in line) == (engine == FAKE)
    assert ("without Docker" in line) == (engine == KERNEL)
    assert f"| `{engine}`" in README.read_text()


@pytest.mark.parametrize(
    ("firewall", "writer"),
    [("native", "nftables v"), ("legacy", "(legacy)"), ("nft", "(nf_tables)")],
)
def test_firewall_in_the_header(
    pytester: pytest.Pytester, firewall: str, writer: str
) -> None:
    """What writes the rules is named, not what this machine would write them with."""
    chosen = ("--netlab-engine=kernel", f"--netlab-firewall={firewall}")
    if shutil.which({"native": "nft"}.get(firewall, f"iptables-{firewall}")) is None:
        pytest.skip("needs that firewall")

    told = pytester.runpytest("-m", "netlab", "-p", "no:hypothesispytest", *chosen)

    (line,) = [
        one for one in told.outlines if one.startswith("netlab: engine kernel (")
    ]
    assert writer in line
