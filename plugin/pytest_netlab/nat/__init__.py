"""What a NAT did (learn), and what it promises (model)."""

from pytest_netlab.nat.learn import learn
from pytest_netlab.nat.model import Nat
from pytest_netlab.nat.translations import Disposition, Flow, Kind, Translations

__all__ = [
    "Disposition",
    "Flow",
    "Kind",
    "Nat",
    "Translations",
    "learn",
]
