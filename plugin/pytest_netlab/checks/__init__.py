"""What a host may not do to packets. Refuses to know what it should have done.

There is a module for each thing that a check examines: two observations of one packet
(`pairs`), a mapping (`mappings`), one conversation at one point (`streams`, `links`,
`embedded.unknown`) or at all of them (`forwarding`, `embedded.changed`), every packet
of a point (`leaks`). `forbidden` names what a scenario must waive to allow it.
"""

from pytest_netlab.checks.conversation import check_conversation
from pytest_netlab.checks.leaks import leaks
from pytest_netlab.checks.mappings import check_mapping
from pytest_netlab.checks.observed import Observed
from pytest_netlab.checks.pairs import Observation, check_pair
from pytest_netlab.checks.stations import Stations
from pytest_netlab.checks.violation import Violation

__all__ = [
    "Observation",
    "Observed",
    "Stations",
    "Violation",
    "check_conversation",
    "check_mapping",
    "check_pair",
    "leaks",
]
