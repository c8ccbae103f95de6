"""Kernel modules that a lab makes the kernel load; they belong to no namespace.

Reads files of the machine; loads nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from platform import release

from pytest_netlab.lab.backends import OWN_HOST

# What dockerd, iptables, nft and veth links load; a module pulls in those it needs.
USUAL = (
    *("overlay", "bridge", "br_netfilter", "veth"),
    *("nf_conntrack", "nf_conntrack_netlink", "nf_nat", "nf_tables", "nft_compat"),
    *("ip_tables", "iptable_filter", "iptable_nat"),
    *("ip6_tables", "ip6table_filter", "ip6table_nat"),
    *("xt_addrtype", "xt_conntrack", "xt_MASQUERADE", "xt_nat"),
    *("tcp_diag", "xfrm_user"),
)
ROOT = Path("/")
# A line of modules.dep, which does not list built-in modules:
# `kernel/net/bridge/br_netfilter.ko.xz: kernel/net/bridge/bridge.ko.xz`
_LOADABLE = re.compile(r"^[^:\n]*?([^/:\n]+)\.ko(?:\.\w+)?:", re.MULTILINE)


def note(engine: str, root: Path | None = None, kernel: str | None = None) -> str:
    """Return a note on modules that stay loaded after a run; "" where none will.

    Args:
        engine: the backend; a running engine has loaded its modules already.
        root: the folder with proc, sys and lib.
        kernel: release of the kernel; by default of the running one.

    """
    root, kernel = root or ROOT, kernel or release()
    if engine not in OWN_HOST or not _loads(root):
        return ""
    known = _text(root / "lib" / "modules" / kernel / "modules.dep")
    names = _missing(root, known)
    which = ", ".join(names) if known else f"(no /lib/modules/{kernel} says which)"
    text = f"engine {engine} may load kernel modules, which stay after the run: {which}"
    return text if names or not known else ""


def _missing(root: Path, known: str) -> list[str]:
    """Return the usual modules that modules.dep lists and that are not loaded."""
    loaded = {path.name for path in root.glob("sys/module/*")}
    loadable = {name.replace("-", "_") for name in _LOADABLE.findall(known)}
    return [name for name in USUAL if name in loadable - loaded]


def _loads(root: Path) -> bool:
    """Return whether the kernel loads modules on demand: enabled, with a modprobe."""
    settings = root / "proc" / "sys" / "kernel"
    return (
        (root / "proc" / "modules").exists()
        and _text(settings / "modprobe") != ""
        and _text(settings / "modules_disabled") in ("", "0")
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
