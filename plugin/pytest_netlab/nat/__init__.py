"""What a NAT did (learn), what it promises (model), why it differs (cause)."""

from pytest_netlab.nat.cause import Cause, FlowFact, explain
from pytest_netlab.nat.learn import learn
from pytest_netlab.nat.model import Nat
from pytest_netlab.nat.ruleset import HostChange, foreign, host_change, normalize
from pytest_netlab.nat.translations import Flow, Translations
from pytest_netlab.nat.violations import Violation

__all__ = [
    "Cause",
    "Flow",
    "FlowFact",
    "HostChange",
    "Nat",
    "Translations",
    "Violation",
    "explain",
    "foreign",
    "host_change",
    "learn",
    "normalize",
]
