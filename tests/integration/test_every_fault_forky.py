"""Every fault of a real host is red, by its cause: a new engine.

A file for each kind of host: a run takes minutes, and workers share files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.live_faults import demand_all

from pytest_netlab.mutate.live import native

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.usefixtures("engine")
def test_every_fault(suite_root: Callable[[str], Path]) -> None:
    """All are caught, nothing else is red; causes are right, and cite what did it."""
    of_nft = {one.name for one in native.FAULTS}

    demand_all(of_nft, f"--engine-root={suite_root('forky')}")
