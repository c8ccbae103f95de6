"""The names users know backends by. Imports one only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_netlab.lab.protocol import Lab
    from pytest_netlab.spec import LabOptions

BACKENDS = {
    "private": "pytest_netlab.lab.engine",
    "host": "pytest_netlab.lab.host",
    "kernel": "pytest_netlab.lab.kernel",
    "fake": "pytest_netlab.lab.fake",
}


def start(name: str, options: LabOptions) -> Lab:
    """Start a lab.

    Raises:
        LabUnavailableError: this machine lacks something; the text says what.
        LabError: it could not be built; nothing of it is left.

    """
    lab: Lab = import_module(BACKENDS[name]).start(options)
    return lab
