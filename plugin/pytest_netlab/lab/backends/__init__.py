"""The backends, by the names that users give. Imports one only when it is started.

Knows how each makes and undoes a lab; refuses to know scenarios, goldens and verdicts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_netlab.lab.protocol import Lab
    from pytest_netlab.spec import LabOptions

PRIVATE, HOST, KERNEL, FAKE = "private", "host", "kernel", "fake"
BACKENDS = {
    PRIVATE: "pytest_netlab.lab.backends.private",
    HOST: "pytest_netlab.lab.backends.host",
    KERNEL: "pytest_netlab.lab.backends.kernel",
    FAKE: "pytest_netlab.lab.backends.fake",
}
# Backends whose host is a network namespace that they make, rules included.
OWN_HOST = (PRIVATE, KERNEL)


def start(name: str, options: LabOptions) -> Lab:
    """Start a lab.

    Raises:
        LabUnavailableError: this machine lacks something; the text says what.
        LabError: it could not be built; nothing of it is left.

    """
    lab: Lab = import_module(BACKENDS[name]).start(options)
    return lab
