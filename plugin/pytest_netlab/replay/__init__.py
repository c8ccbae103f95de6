"""Play stored conversations through a live NAT, packet by packet, from both ends.

`plan` makes conversations from a capture; `ends` are raw sockets in two nodes; `play`
sends from one end and awaits at the other; `rewrite` and `arrived` know datagrams.
Knows no verdict and no pytest.
"""

from pytest_netlab.replay.flow_state import FlowState
from pytest_netlab.replay.plan import left_out, plan_flows
from pytest_netlab.replay.play import Player
from pytest_netlab.replay.replay import ServerRoute, ends_of, replay, route_to
from pytest_netlab.replay.result import Addressing, Finding, Result
from pytest_netlab.replay.source import FlowPlan, PlannedPacket

__all__ = [
    "Addressing",
    "Finding",
    "FlowPlan",
    "FlowState",
    "PlannedPacket",
    "Player",
    "Result",
    "ServerRoute",
    "ends_of",
    "left_out",
    "plan_flows",
    "replay",
    "route_to",
]
