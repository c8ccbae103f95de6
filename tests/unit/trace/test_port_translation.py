"""Whether a source port or id was kept, and whether NAT had to change it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.flowfacts import fact
from tests.traffic import C1, C2, HOST, HOST01, NAMES, WEB

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.nat import Flow
from pytest_netlab.trace import (
    CanonicalFlow,
    CanonicalTrace,
    PortTranslation,
    Symbol,
    with_entries,
)
from pytest_netlab.trace.port_translation import Holders, port_translation
from pytest_netlab.trace.symbols import Symbols

GRE = 47


def talk(proto: int, src: str, old: int, new: int) -> Flow:
    """Return a masqueraded flow to host01 whose source port or id became another."""
    is_echo = proto not in (TCP, UDP)
    original = Tuple5(proto, src, old, HOST01, old if is_echo else 53)
    translated = original._replace(src=HOST, sport=new, dport=new if is_echo else 53)
    return Flow(
        kind="snat",
        disposition="forwarded",
        initiated="inside",
        inside=original,
        outside=translated,
        answered=True,
    )


def translated(
    flow: Flow, *others: Flow, times: tuple[int, ...] = ()
) -> PortTranslation | None:
    """Return a flow's port translation; `times` are when ours and others began."""
    flows = (flow, *others)
    since = dict(zip(map(id, flows), times or range(len(flows), 0, -1), strict=True))
    holders = Holders(flows, lambda one: since[id(one)])
    return port_translation(flow, holders, Symbols(NAMES))


@pytest.mark.parametrize("proto", [TCP, UDP, ICMP, ICMP6])
def test_kept(proto: int) -> None:
    """A port or id that is the same on both sides was kept."""
    assert translated(talk(proto, C1, 5000, 5000)) is None


@pytest.mark.parametrize(
    ("proto", "field"), [(TCP, "port"), (UDP, "port"), (ICMP, "id"), (ICMP6, "id")]
)
def test_changed(proto: int, field: str) -> None:
    """One that is not has two symbols, by which it is told."""
    found = translated(talk(proto, C1, 5000, 6000))

    assert found == PortTranslation(
        field=field,
        original=Symbol(field, 1),
        mapped=Symbol(field, 2),
        in_use=False,
        in_port_range=True,
    )


@pytest.mark.parametrize(
    ("proto", "wanted"),
    [
        (UDP, Tuple5(UDP, HOST01, 53, HOST, 5000)),
        (ICMP, Tuple5(ICMP, HOST01, 5000, HOST, 5000)),
    ],
)
def test_wanted(proto: int, wanted: Tuple5) -> None:
    """The tuple that replies would have had is known, to be looked for in conntrack."""
    found = translated(talk(proto, C1, 5000, 6000))

    assert found is not None
    assert found.wanted == wanted


@pytest.mark.parametrize(
    "flow",
    [
        talk(UDP, C1, 5000, 6000)._replace(outside=None),
        talk(TCP, C1, 5000, 6000)._replace(kind="proxied"),
        talk(GRE, C1, 5000, 6000),
    ],
    ids=["never sent on", "proxied", "no ports"],
)
def test_no_translation(flow: Flow) -> None:
    """What was not sent on, or by a proxy, or has no ports, has no translated port."""
    assert translated(flow) is None


@pytest.mark.parametrize("proto", [UDP, ICMP])
def test_taken(proto: int) -> None:
    """The tuple was taken if another flow left with it, or is answered by it."""
    ours, holder = talk(proto, C1, 5000, 6000), talk(proto, C2, 5000, 5000)
    backwards = holder._replace(
        inside=holder.original.reply, outside=holder.outside and holder.outside.reply
    )

    for other, taken in ((holder, True), (backwards, True), (ours, False)):
        found = translated(ours, other) if other is not ours else translated(ours)
        assert found is not None
        assert found.in_use is taken


@pytest.mark.parametrize(
    ("times", "taken"), [((2, 1), True), ((2, 2), True), ((2, 3), False)]
)
def test_since_when(times: tuple[int, ...], *, taken: bool) -> None:
    """Who began later held nothing; who began at the same moment may have."""
    found = translated(
        talk(UDP, C1, 5000, 6000), talk(UDP, C2, 5000, 5000), times=times
    )

    assert found is not None
    assert found.in_use is taken


def test_any_holder_counts() -> None:
    """One holder that was early enough is enough, whatever others there are."""
    ours, holder = talk(UDP, C1, 5000, 6000), talk(UDP, C2, 5000, 5000)
    found = translated(ours, holder, holder._replace(packets=1), times=(2, 3, 1))

    assert found is not None
    assert found.in_use


def test_held_on_the_side_it_is_sent_to() -> None:
    """A tuple inside is none of the outside's, and one that never left holds it not."""
    ours = talk(UDP, C1, 5000, 6000)
    wanted = Tuple5(UDP, HOST, 5000, HOST01, 53)
    inside = talk(UDP, C2, 5000, 5000)._replace(inside=wanted, outside=None)

    for other, taken in ((inside, False), (inside._replace(outside=wanted), True)):
        found = translated(ours, other)
        assert found is not None
        assert found.in_use is taken


def test_held_by_one_seen_outside_only() -> None:
    """The host's own flow, which no inside saw, holds its tuple outside."""
    own = talk(UDP, C2, 5000, 5000)._replace(inside=None)

    found = translated(talk(UDP, C1, 5000, 6000), own)

    assert found is not None
    assert found.in_use


def test_initiated_outside() -> None:
    """What comes from outside is sent on to the inside: there its tuple is taken."""
    asked = Tuple5(UDP, HOST01, 5000, HOST, 5300)
    target = Tuple5(UDP, HOST01, 6000, WEB, 53)
    ours = talk(UDP, C1, 1, 1)._replace(
        initiated="outside", inside=target, outside=asked
    )
    wanted = target._replace(sport=5000)
    holder = talk(UDP, C2, 1, 1)._replace(inside=wanted, outside=None)
    beyond = talk(UDP, C2, 1, 1)._replace(inside=None, outside=wanted)

    for other, taken in ((holder, True), (beyond, False)):
        found = translated(ours, other)
        assert found is not None
        assert found.in_use is taken


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        (0, 1, True),
        (1, 511, True),
        (511, 1, True),
        (511, 0, False),
        (511, 512, False),
        (512, 600, True),
        (512, 1023, True),
        (512, 599, False),
        (1023, 1024, False),
        (1023, 511, False),
        (1024, 1024 + 1, True),
        (1025, 1024, True),
        (65535, 1024, True),
        (65534, 65535, True),
        (65535, 1023, False),
    ],
)
def test_class(old: int, new: int, *, fits: bool) -> None:
    """Ports below 512, below 1024 and above are mapped to their like."""
    found = translated(talk(TCP, C1, old, new))

    assert found is not None
    assert found.in_port_range is fits


def test_id_has_one_class() -> None:
    """An ICMP id may become any other."""
    found = translated(talk(ICMP, C1, 400, 60000))

    assert found is not None
    assert found.in_port_range


TAKEN = Tuple5(UDP, "a", 53, "b", 5000)
REMAPPED = PortTranslation(
    field="port",
    original=Symbol("port", 1),
    mapped=Symbol("port", 2),
    in_use=False,
    in_port_range=True,
    wanted=TAKEN,
)


def trace(*translations: PortTranslation | None) -> CanonicalTrace:
    """Return a trace of flows with these translations."""
    flow = fact(
        "udp",
        "c1",
        "host01:53",
        "host",
        "host01:53",
        kind="snat",
        disposition="forwarded",
    )
    flows = (CanonicalFlow(fact=flow, packets=(), translation=t) for t in translations)
    return CanonicalTrace(("docker0",), tuple(flows))


def test_with_entries() -> None:
    """What connection tracking held was taken; the rest stays as it was."""
    other = replace(REMAPPED, wanted=Tuple5(UDP, "a", 53, "b", 5001))
    held = trace(None, replace(REMAPPED, in_use=True), other)

    assert with_entries(trace(None, REMAPPED, other), {TAKEN}) == held
    assert with_entries(held, {TAKEN}) == held
    assert with_entries(trace(None, REMAPPED, other), set()) == trace(
        None, REMAPPED, other
    )
