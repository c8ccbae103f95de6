"""What a NAT did to each flow (`learn`), and what Docker's should do (`Nat`).

`learn` pairs the observations of two capture points by fields that no NAT changes, and
returns `Translations`; `join_replies` completes them where a bridge tracks. Neither
knows what addresses mean and what the host's rules are, and nothing is paired by
clocks. `Nat` knows no packet.
"""

from pytest_netlab.nat.bridged_replies import join_replies
from pytest_netlab.nat.learn import learn
from pytest_netlab.nat.model import Nat
from pytest_netlab.nat.translations import (
    Change,
    Disposition,
    Flow,
    Kind,
    Translations,
)

__all__ = [
    "Change",
    "Disposition",
    "Flow",
    "Kind",
    "Nat",
    "Translations",
    "join_replies",
    "learn",
]
