"""What many units are tested with."""

from __future__ import annotations

import pytest

from pytest_netlab.lab.backends.fake import FakeLab
from pytest_netlab.spec import LabOptions


@pytest.fixture
def lab() -> FakeLab:
    """Return a lab in memory."""
    return FakeLab(LabOptions())
