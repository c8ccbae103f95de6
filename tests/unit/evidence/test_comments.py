"""A packet that differs says how; what is missing, the capture says."""

from __future__ import annotations

from dataclasses import replace

from tests.traffic import C1, HOST01, IN, Packet, capture

from pytest_netlab.causes import Cause
from pytest_netlab.diff import Difference
from pytest_netlab.evidence.comments import comment, commented
from pytest_netlab.flows import ICMP, Tuple5

ASK = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), ip_id=1, direction=IN)
ODD = Difference(
    flow="icmp echo c1 -> host01",
    direction="original",
    point="uplink",
    packet=2,
    field="ttl",
    want="63",
    got="62",
)
LOST = replace(ODD, packet=None, field="packet", got="nothing")


def test_comment() -> None:
    """A comment has field, both values and the cause; without a packet, the point."""
    caused = replace(ODD, cause=Cause("ttl", ODD.flow, "a rule sets it"))

    assert comment(ODD) == "ttl: want 63, got 62"
    assert comment(caused) == "ttl: want 63, got 62 (ttl: a rule sets it)"
    assert comment(LOST) == "packet at uplink: want 63, got nothing"


def test_commented() -> None:
    """What is said of a packet is said once, behind what was said before."""
    seen = commented(capture([ASK, ASK]), [ODD, ODD, replace(ODD, field="tos"), LOST])

    said = [frame.comment for frame in seen.frames()]
    assert said == ["", "ttl: want 63, got 62; tos: want 63, got 62"]
    assert seen.comment == f"{ODD.flow}: {comment(LOST)}"
    assert commented(seen, [ODD, LOST]).comment == seen.comment
    again = [frame.comment for frame in commented(seen, [ODD, LOST]).frames()]
    assert again == said
