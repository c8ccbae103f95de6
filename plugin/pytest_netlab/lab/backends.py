"""The names users know backends by. Imports one only when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_netlab.lab.protocol import Lab
    from pytest_netlab.spec import LabOptions

BACKENDS = {
    "private": ("pytest_netlab.lab.engine", "PrivateLab"),
    "host": ("pytest_netlab.lab.host", "HostLab"),
    "fake": ("pytest_netlab.lab.fake", "FakeLab"),
}


def start(name: str, options: LabOptions) -> Lab:
    """Start a lab.

    Raises:
        LabUnavailableError: this machine lacks something; the text says what.
        LabError: it could not be built; nothing of it is left.

    """
    module, class_name = BACKENDS[name]
    backend = getattr(import_module(module), class_name)
    lab: Lab = backend(options)
    return lab
