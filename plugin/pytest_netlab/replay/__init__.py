"""A stored conversation through a live NAT, packet by packet, from both its ends.

`script` makes conversations of a capture; `ends` are raw sockets in two nodes; `play`
sends from either end and awaits at the other; `rewrite` and `arrived` know datagrams.
"""

from pytest_netlab.replay.play import Player
from pytest_netlab.replay.played import Finding, Played, Route
from pytest_netlab.replay.replay import Way, ends_of, replay, way
from pytest_netlab.replay.run import Run
from pytest_netlab.replay.script import left_out, script
from pytest_netlab.replay.tape import Part, Step

__all__ = [
    "Finding",
    "Part",
    "Played",
    "Player",
    "Route",
    "Run",
    "Step",
    "Way",
    "ends_of",
    "left_out",
    "replay",
    "script",
    "way",
]
