"""Check what a Docker host does to packets against golden captures.

Layers, bottom up: files (documents, folders), wire (bytes), capture (columns), flows,
host (its state as values), checks (what no host may do), nat (what was rewritten),
trace (the canonical form), causes, diff, spec, lab and store, judge and replay,
evidence, recorder, run, session, mutate, report; plugin and cli are the edges. Each
imports only those before it.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

from pytest_netlab.core import interpret
from pytest_netlab.errors import (
    BlindCaptureError,
    CaptureError,
    CommandError,
    GoldenError,
    LabError,
    LabUnavailableError,
    MemoryLimitError,
    NetlabError,
    PolicyError,
)

if TYPE_CHECKING:
    from pytest_netlab.capture import Capture, open_capture, read
    from pytest_netlab.captured import Trace
    from pytest_netlab.diff import Difference, Policy, compare
    from pytest_netlab.nat import learn
    from pytest_netlab.session import Netlab
    from pytest_netlab.trace import canonicalize

__all__ = [
    "BlindCaptureError",
    "Capture",
    "CaptureError",
    "CommandError",
    "Difference",
    "GoldenError",
    "LabError",
    "LabUnavailableError",
    "MemoryLimitError",
    "Netlab",
    "NetlabError",
    "Policy",
    "PolicyError",
    "Trace",
    "canonicalize",
    "compare",
    "learn",
    "open_capture",
    "read",
]

# pytest imports this package in every run of every project that has it installed:
# numpy (0.14 s) waits until a name that needs it is used (PEP 562).
_LAZY = {
    "Capture": "capture",
    "Difference": "diff",
    "Netlab": "session",
    "Policy": "diff",
    "Trace": "captured",
    "canonicalize": "trace",
    "compare": "diff",
    "learn": "nat",
    "open_capture": "capture",
    "read": "capture",
}


if os.environ.get("PYTEST_NETLAB_INTERPRETED"):
    interpret()


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
