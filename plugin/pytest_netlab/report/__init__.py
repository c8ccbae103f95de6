"""Verdicts, packets and mutations for people, and as JSON and CSV."""

from pytest_netlab.report.text import render

__all__ = ["render"]
