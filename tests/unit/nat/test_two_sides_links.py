"""What is true of a NAT whose outside is encapsulated: sessions, labels, tunnels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import files, wrapped
from tests.crafted import ETHERNET

from pytest_netlab.capture import open_capture, read
from pytest_netlab.nat import learn
from pytest_netlab.wire import TUNNELS, Encapsulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.nat import Flow, Translations

DATA = Path(__file__).parents[2] / "data" / "nat"
SECOND = 1_000_000_000

E = Encapsulation
LINKS = {
    "pppoe-out": E.PPPOE,
    "vlan-pppoe-out": E.PPPOE,
    "mpls-out": E.MPLS,
    "qinq-out": E(0),
    "vlan-out": E(0),
}
THROUGH = {
    "gre-out": E.GRE,
    "ipip-out": E.IPIP,
    "vxlan-out": E.VXLAN,
    "vxlan-both": E.VXLAN,
    "geneve-out": E.GENEVE,
}


def sides(name: str) -> tuple[Path, Path]:
    """Return the files of both sides."""
    return DATA / f"{name}.in.pcap", DATA / f"{name}.out.pcap"


def learned(name: str, *, decapsulate: bool, whole: bool = True) -> Translations:
    """Return what is learned from both sides."""
    opened: Callable[..., Any] = read if whole else open_capture
    return learn(*(opened(path, decapsulate=decapsulate) for path in sides(name)))


def described(flow: Flow) -> str:
    """Return kind, both ends that differ, and number of packets."""
    inside, outside = flow.inside, flow.outside
    assert inside
    assert outside
    return f"{flow.kind} {inside.src} {outside.src} {outside.sport} {flow.packets}"


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("decapsulate", [True, False])
@pytest.mark.parametrize("name", LINKS)
def test_behind_a_session_labels_and_tags(
    name: str, *, decapsulate: bool, whole: bool
) -> None:
    """The packet is the same one, however it is carried over the link."""
    found = learned(name, decapsulate=decapsulate, whole=whole)

    assert [described(flow) for flow in found.flows] == [
        "snat 10.0.0.5 203.0.113.1 5000 4"
    ]
    assert (found.violations, found.account.lost) == ((), ())
    outside = read(sides(name)[1])
    assert set(outside.encapsulation.tolist()) == {int(LINKS[name])}
    assert not outside.outer_offset.any()


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", THROUGH)
def test_in_a_tunnel(name: str, *, whole: bool) -> None:
    """The packets in it pair, whichever side is the one with the tunnel."""
    found = learned(name, decapsulate=True, whole=whole)

    assert [described(flow) for flow in found.flows] == [
        "snat 10.0.0.5 203.0.113.1 5000 4"
    ]
    assert (found.violations, found.account.lost) == ((), ())
    both = [read(path, decapsulate=True) for path in sides(name)]
    flags = {int(flag) for side in both for flag in side.encapsulation}
    assert flags == {0, int(THROUGH[name])}


@pytest.mark.parametrize("name", THROUGH)
def test_a_tunnel_is_what_it_is_unless_asked(name: str) -> None:
    """Without the option, rows are of the packets that the network forwarded."""
    for path in sides(name):
        assert not read(path).encapsulation.any()


@pytest.mark.parametrize("decapsulate", [True, False])
def test_wireguard_is_known_but_not_entered(*, decapsulate: bool) -> None:
    """What it carries is encrypted: its datagrams are what there is."""
    seen = read(sides("wireguard-out")[1], decapsulate=decapsulate)

    assert set(seen.encapsulation.tolist()) == {int(E.WIREGUARD)}
    assert set(seen.dport.tolist()) == {51820}


CROSSED = (wrapped.Datagram(ttl=64), wrapped.Datagram(src="203.0.113.9", ttl=63))


@pytest.mark.parametrize("name", wrapped.LAYERS)
def test_whatever_is_around_the_outside(name: str) -> None:
    """Packets pair behind every header that is removed, and have its flag."""
    layer = wrapped.LAYERS[name]
    inside, outside = (
        wrapped.many(side, wrap)
        for side, wrap in zip(CROSSED, (wrapped.bare, layer.frame), strict=True)
    )
    linktypes = (ETHERNET, layer.linktype)
    made = [
        files.pcap(
            ((SECOND * row, data, len(data)) for row, data in enumerate(side)),
            linktype=linktype,
        )
        for side, linktype in zip((inside, outside), linktypes, strict=True)
    ]
    is_tunnel = bool(layer.flags & TUNNELS)
    for decapsulate in {True, is_tunnel}:
        both = [read(io.BytesIO(data), decapsulate=decapsulate) for data in made]
        found = learn(*both)

        assert [described(flow) for flow in found.flows] == [
            "snat 10.0.0.5 203.0.113.9 5000 3"
        ]
        assert (found.violations, found.account.lost) == ((), ())
        assert set(both[1].encapsulation.tolist()) == {int(layer.flags)}
