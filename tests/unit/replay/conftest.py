"""What the tests of replay share."""

from __future__ import annotations

import pytest

from pytest_netlab.replay import play


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what never comes."""
    monkeypatch.setattr(play, "PATIENCE", 0.02)
