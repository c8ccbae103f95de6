"""Canonical traces in symbols, and how they are compared."""

from pytest_netlab.diff.canon import canonicalize, translations
from pytest_netlab.diff.compare import Difference, compare
from pytest_netlab.diff.policy import Policy
from pytest_netlab.diff.remap import knowing
from pytest_netlab.diff.story import Line, Story, Told

__all__ = [
    "Difference",
    "Line",
    "Policy",
    "Story",
    "Told",
    "canonicalize",
    "compare",
    "knowing",
    "translations",
]
