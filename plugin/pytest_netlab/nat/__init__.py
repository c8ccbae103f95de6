"""What a NAT did (learn), what it promises (model), and what its rules say."""

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
from pytest_netlab.nat.translations import Fate, Flow, Kind, Translations

__all__ = [
    "Connection",
    "Fate",
    "Flow",
    "HostChange",
    "Kind",
    "Nat",
    "Translations",
    "answers",
    "foreign",
    "full",
    "held",
    "host_change",
    "learn",
    "normalize",
    "randomises",
    "ruleset",
    "tracked",
]
