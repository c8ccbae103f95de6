"""Mutation testing of verdicts: change a golden's capture and expect a red one.

`fields`, `packets`, `traffic` and `flows` change stored captures; `equivalent` decides
which of these mutations are equivalent, and why; `goldens` judges them all. `live`
breaks labs instead. Knows how a run is judged; refuses to know pytest and text.
"""

from pytest_netlab.mutate.equivalent import RULES, Equivalence, equivalence
from pytest_netlab.mutate.goldens import Judge, mutations, names
from pytest_netlab.mutate.model import Mutant, Mutation, Outcome

__all__ = [
    "RULES",
    "Equivalence",
    "Judge",
    "Mutant",
    "Mutation",
    "Outcome",
    "equivalence",
    "mutations",
    "names",
]
