"""Break what is judged, on purpose, and see that the verdict is red.

`fields`, `packets`, `traffic` and `flows` change stored captures; `equivalent` says
which of these changes mean nothing, and why, before anyone judges them; `goldens` does.
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
