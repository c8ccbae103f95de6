"""Every fault of a real host is red, by its cause: an engine's nftables.

A file for each kind of host: a run takes minutes, and workers share files.
"""

from __future__ import annotations

import pytest
from tests.live_faults import demand_all

from pytest_netlab.mutate.live import rules


@pytest.mark.usefixtures("engine")
def test_every_fault() -> None:
    """All are caught, nothing else is red; causes are right, and cite what did it."""
    of_iptables = {one.name for one in rules.FAULTS}

    demand_all(of_iptables, "--backend=kernel", "--firewall=native")
