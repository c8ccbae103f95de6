"""Render verdicts, packets, flows and mutations as text, JSON, CSV and captures.

Knows formats and wording. Refuses to know where values come from and where text goes:
nothing here judges, compares or prints.
"""

from pytest_netlab.report.text import render

__all__ = ["render"]
