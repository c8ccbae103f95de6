"""Verdicts for people (text) and as evidence (bundle)."""

from pytest_netlab.report.text import render

__all__ = ["render"]
