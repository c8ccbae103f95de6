"""Whether this is CI, where nobody reviews goldens and none is written."""

from __future__ import annotations

import os

NO = ("", "0", "false", "n", "no", "off")


def in_ci() -> bool:
    """Return whether the environment's CI says so: unset and `false` say no."""
    return os.environ.get("CI", "").strip().lower() not in NO
