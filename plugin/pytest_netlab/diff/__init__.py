"""How a trace is compared with a golden's: policy in, differences with causes out."""

from pytest_netlab.diff.compare import Difference, compare
from pytest_netlab.diff.policy import Policy

__all__ = ["Difference", "Policy", "compare"]
