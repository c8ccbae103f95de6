"""Which flows show that the sides of a NAT were exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, WEB

from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.nat import Flow
from pytest_netlab.nat.swapped import evidence
from pytest_netlab.nat.translations import kind_of

if TYPE_CHECKING:
    from pytest_netlab.nat.translations import Side

PUBLIC, NAT, SERVER = "198.51.100.9", "203.0.113.1", "192.0.2.80"


def flow(inside: Tuple5, outside: Tuple5, initiated: Side = "inside") -> Flow:
    """Return a flow that crossed, with what was rewritten by its keys."""
    return Flow(
        kind=kind_of(inside, outside),
        disposition="forwarded",
        initiated=initiated,
        inside=inside,
        outside=outside,
        answered=True,
    )


def asked(src: str, dst: str, sport: int = 4000, dport: int = 80) -> Tuple5:
    """Return the key of a request."""
    return Tuple5(TCP, src, sport, dst, dport)


SNAT = flow(asked(C1, SERVER), asked(NAT, SERVER))
DNAT = flow(asked(PUBLIC, WEB), asked(PUBLIC, HOST, dport=81), "outside")
PLAIN = flow(asked(C1, SERVER), asked(C1, SERVER))
SWAPPED = flow(asked(NAT, SERVER), asked(C1, SERVER), "outside")
SWAPPED_DNAT = flow(asked(PUBLIC, HOST, dport=81), asked(PUBLIC, WEB))
SERVICE = flow(asked(C1, "10.96.0.10"), asked(C1, "10.244.1.7"))
TWICE = flow(asked(HOST, WEB), asked(HOST01, NAT), "outside")


@pytest.mark.parametrize("flows", [(), (PLAIN,), (SNAT,), (DNAT,), (SNAT, SERVICE)])
def test_the_right_way_round(flows: tuple[Flow, ...]) -> None:
    """Sources from inside and destinations from outside are what a NAT rewrites."""
    assert evidence(flows) == "none"


@pytest.mark.parametrize(
    "one",
    [
        SWAPPED,
        flow(
            Tuple5(UDP, NAT, 123, SERVER, 123),
            Tuple5(UDP, C1, 123, SERVER, 123),
            "outside",
        ),
        flow(
            Tuple5(ICMP, NAT, 9, SERVER, 9), Tuple5(ICMP, C1, 7, SERVER, 7), "outside"
        ),
        flow(
            asked("2001:db8::1", "2001:db8:f::2"),
            asked("fd00::2", "2001:db8:f::2"),
            "outside",
        ),
        flow(asked(HOST, SERVER), asked(C1, SERVER), "outside"),
        flow(asked(NAT, SERVER), asked(PUBLIC, SERVER), "outside"),
    ],
)
def test_the_wrong_way_round(one: Flow) -> None:
    """A flow from outside whose source is hidden is enough, of any protocol."""
    assert evidence((one,)) == "certain"
    assert evidence((SWAPPED_DNAT, PLAIN, one, TWICE)) == "certain"


@pytest.mark.parametrize("right", [SNAT, DNAT])
def test_one_flow_in_the_right_direction_decides(right: Flow) -> None:
    """A box may translate in both directions: then nothing is certain."""
    assert evidence((SWAPPED, SWAPPED_DNAT, right)) == "none"


@pytest.mark.parametrize("one", [SWAPPED_DNAT, SERVICE])
def test_destinations_alone_are_weak(one: Flow) -> None:
    """A published port looks like the address of a service, from the other side."""
    assert evidence((one,)) == "possible"


@pytest.mark.parametrize(
    "one",
    [
        TWICE,
        flow(asked("10.0.0.1", WEB), asked(PUBLIC, WEB), "outside"),
        flow(
            asked("10.96.0.10", C1, 53, 40000),
            asked("10.244.1.7", C1, 53, 40000),
            "outside",
        ),
    ],
)
def test_no_alarm(one: Flow) -> None:
    """A masqueraded client of a published port, an inbound masquerade, a late reply."""
    assert evidence((one,)) == "none"
