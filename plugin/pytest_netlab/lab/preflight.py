"""What a machine lacks for a lab, reported as packages to install."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from pytest_netlab.lab.engine import image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.spec import LabOptions

# Programs that the scripts of every lab run -> the Debian package that has them.
SCRIPTS = {
    "sh": "dash",
    "mount": "mount",
    "setsid": "util-linux",
    "grep": "grep",
    "find": "findutils",
    **dict.fromkeys(("mkdir", "rmdir", "sleep"), "coreutils"),
}


def lacking(what: str, programs: Mapping[str, str], options: LabOptions) -> str | None:
    """Return why this machine cannot have a lab and what to do; None if it can.

    Args:
        what: the lab, as the text names it.
        programs: program -> the Debian package that has it, besides `SCRIPTS`.
        options: with an image of the user's own, no busybox is needed.

    """
    if os.geteuid() != 0:
        return f"{what} needs root: run pytest as root, or with sudo"
    needed = {**programs, **SCRIPTS}
    missing = {name: needed[name] for name in needed if shutil.which(name) is None}
    if options.image is None and image.busybox() is None:
        missing["a static busybox"] = "busybox-static"
    if not missing:
        return None
    packages = " ".join(sorted(set(missing.values())))
    return f"{', '.join(missing)} missing: install the packages {packages}"
