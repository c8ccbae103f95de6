"""What a NAT did (learn), what it promises (model), why it differs (causes)."""

from pytest_netlab.nat.causes import Cause, FlowFact, Sign, explain, unseen
from pytest_netlab.nat.conntrack import answers, full, held, tracked
from pytest_netlab.nat.learn import learn
from pytest_netlab.nat.model import Nat
from pytest_netlab.nat.ruleset import (
    Connection,
    HostChange,
    foreign,
    host_change,
    normalize,
    randomises,
    ruleset,
)
from pytest_netlab.nat.translations import Flow, Translations

__all__ = [
    "Cause",
    "Connection",
    "Flow",
    "FlowFact",
    "HostChange",
    "Nat",
    "Sign",
    "Translations",
    "answers",
    "explain",
    "foreign",
    "full",
    "held",
    "host_change",
    "learn",
    "normalize",
    "randomises",
    "ruleset",
    "tracked",
    "unseen",
]
