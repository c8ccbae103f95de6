"""Hooks that a conftest.py or another plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_netlab.lab.protocol import Lab


def pytest_netlab_lab_started(lab: Lab) -> None:
    """Change a lab that has just started, before any scenario: site rules, faults."""
