"""Settings of the tests, which a run of the scenarios alone does not need."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Whoever starts the tests in the background, or by nohup, has them ignore signals, and
# a program that a test starts inherits that: it would never die of the one it is sent.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for ignored in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, signal.SIG_DFL)


def pytest_configure(config: pytest.Config) -> None:
    """Give examples no deadline: how long one takes is the machine's affair.

    No scenario has examples, and hypothesis is slow to import.
    """
    if config.option.markexpr == "netlab":
        return
    from hypothesis import settings  # noqa: PLC0415 - see above

    settings.register_profile("netlab", deadline=None)
    settings.load_profile("netlab")
