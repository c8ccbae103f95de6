"""What a host may not do to packets; what it should have done is for others to know.

Told apart by what a check looks at: two observations of one packet (`pairs`), a mapping
(`mappings`), one conversation at one point (`streams`, `embedded.unknown`) or at all
(`forwarding`, `embedded.changed`), every packet of a point (`leaks`). `forbidden` names
what a scenario must waive if it means it.
"""

from pytest_netlab.checks.conversation import check_conversation
from pytest_netlab.checks.leaks import leaks
from pytest_netlab.checks.mappings import check_mapping
from pytest_netlab.checks.observed import Observed
from pytest_netlab.checks.pairs import Observation, check_pair
from pytest_netlab.checks.violation import Violation

__all__ = [
    "Observation",
    "Observed",
    "Violation",
    "check_conversation",
    "check_mapping",
    "check_pair",
    "leaks",
]
