"""Render verdicts, packets, flows and mutations as text, JSON, CSV and captures.

Knows formats and wording. Refuses to know how a verdict is reached, and where the text
is printed.
"""

from pytest_netlab.report.text import render

__all__ = ["render"]
