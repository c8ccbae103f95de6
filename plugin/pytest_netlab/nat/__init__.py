"""What a NAT did (learn), what it promises (model), and what its rules say."""

from pytest_netlab.nat.learn import learn
from pytest_netlab.nat.model import Nat
from pytest_netlab.nat.ruleset import (
    HostChange,
    foreign,
    host_change,
    normalize,
    randomises,
    ruleset,
)
from pytest_netlab.nat.translations import Fate, Flow, Kind, Translations

__all__ = [
    "Fate",
    "Flow",
    "HostChange",
    "Kind",
    "Nat",
    "Translations",
    "foreign",
    "host_change",
    "learn",
    "normalize",
    "randomises",
    "ruleset",
]
