"""Which kernel modules a private engine may leave behind, by files of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab import modules

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = "6.1.0-18-amd64"
DEPENDENCIES = """\
kernel/fs/overlayfs/overlay.ko:
kernel/net/bridge/bridge.ko.xz: kernel/net/802/stp.ko.xz kernel/net/llc/llc.ko.xz
kernel/net/bridge/br_netfilter.ko.zst: kernel/net/bridge/bridge.ko.xz
kernel/net/netfilter/xt_MASQUERADE.ko: kernel/net/netfilter/nf_nat.ko
kernel/net/netfilter/nf-nat.ko: kernel/net/netfilter/nf_conntrack.ko
kernel/drivers/net/wireguard.ko:
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return the root of a machine that loads modules, and has loaded `bridge`."""
    settings = tmp_path / "proc" / "sys" / "kernel"
    settings.mkdir(parents=True)
    (tmp_path / "proc" / "modules").write_text("bridge 1 0 - Live 0x0\n")
    (settings / "modprobe").write_text("/sbin/modprobe\n")
    (settings / "modules_disabled").write_text("0\n")
    (tmp_path / "sys" / "module" / "bridge").mkdir(parents=True)
    folder = tmp_path / "lib" / "modules" / KERNEL
    folder.mkdir(parents=True)
    (folder / "modules.dep").write_text(DEPENDENCIES)
    return tmp_path


def test_modules_that_may_stay_are_named(machine: Path) -> None:
    """Those are told that the machine has, an engine needs, and nobody has loaded."""
    expected = (
        "engine private may load kernel modules, which stay after the run: "
        "overlay, br_netfilter, nf_nat, xt_MASQUERADE"
    )

    assert expected == modules.note("private", machine, KERNEL)


def test_all_loaded_already(machine: Path) -> None:
    """A machine that has them all is told nothing."""
    for name in ("overlay", "br_netfilter", "nf_nat", "xt_MASQUERADE"):
        (machine / "sys" / "module" / name).mkdir()

    assert modules.note("private", machine, KERNEL) == ""


@pytest.mark.parametrize(
    ("file", "text"),
    [("modprobe", "\n"), ("modprobe", None), ("modules_disabled", "1\n")],
    ids=["no-modprobe", "not-modular", "disabled"],
)
def test_kernel_that_loads_none(file: str, text: str | None, machine: Path) -> None:
    """A kernel that was told to load nothing leaves nothing behind."""
    path = machine / "proc" / "sys" / "kernel" / file
    path.unlink() if text is None else path.write_text(text)

    assert modules.note("private", machine, KERNEL) == ""


def test_kernel_without_modules(machine: Path) -> None:
    """One that is in one piece leaves none."""
    (machine / "proc" / "modules").unlink()

    assert modules.note("private", machine, KERNEL) == ""


def test_modules_that_cannot_be_seen(machine: Path) -> None:
    """In a container without the machine's modules, which ones is left open."""
    (machine / "lib" / "modules" / KERNEL / "modules.dep").unlink()

    told = modules.note("private", machine, KERNEL)

    assert told.endswith(f"stay after the run: (no /lib/modules/{KERNEL} says which)")


@pytest.mark.parametrize(
    ("engine", "told"),
    [("private", True), ("kernel", True), ("host", False), ("fake", False)],
)
def test_engines_that_load_modules(engine: str, told: bool, machine: Path) -> None:  # noqa: FBT001
    """Those that are started for the lab; the machine's own has done so already."""
    assert told == bool(modules.note(engine, machine, KERNEL))
