"""Compare a trace with a golden's: policy in, differences with their causes out.

Knows canonical traces only. Refuses to know files, and how a verdict is reported.
"""

from pytest_netlab.diff.compare import Difference, compare
from pytest_netlab.diff.policy import Policy

__all__ = ["Difference", "Policy", "compare"]
