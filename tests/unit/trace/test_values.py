"""The values of a trace: what they say of themselves, and what they compare."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.flowfacts import end, fact

from pytest_netlab.checks import Violation
from pytest_netlab.flows import ICMP, ICMP6, TCP, Tuple5
from pytest_netlab.nat import Translations
from pytest_netlab.trace import (
    CanonicalFlow,
    CanonicalTrace,
    End,
    Fields,
    Packet,
    PortTranslation,
    Rewrite,
    Symbol,
    TcpFlags,
    What,
)
from pytest_netlab.trace.values import (
    ECN,
    FIELD_NAMES,
    map_symbols,
    symbols_in,
    without_kept_port,
)

PORT, OTHER, ADDRESS = Symbol("port", 1), Symbol("port", 2), Symbol("addr", 1)
IDENT = Symbol("id", 1)
FACT = fact(
    "tcp", "c1", "host01:80", "host", "host01:80", kind="snat", disposition="forwarded"
)
PACKET = Packet(
    point="uplink",
    reply=False,
    src=End("c1", PORT),
    dst=End(ADDRESS, 80),
    what=What(TCP),
    fields=Fields(ttl=64),
)
REMAPPED = PortTranslation(
    field="port", original=PORT, mapped=OTHER, in_use=True, in_port_range=True
)


def test_symbol_as_text() -> None:
    """A symbol is told by its kind and number."""
    assert (str(PORT), str(ADDRESS)) == ("port#1", "addr#1")


@pytest.mark.parametrize(
    ("proto", "icmp", "error", "kinds"),
    [
        (ICMP, (8, 0), False, ["echo"]),
        (ICMP, (0, 0), False, ["echo"]),
        (ICMP6, (128, 0), False, ["echo"]),
        (ICMP6, (129, 0), False, ["echo"]),
        (ICMP6, (8, 0), False, []),
        (ICMP, (8, 0), True, ["refuses"]),
        (ICMP, (13, 0), False, []),
        (TCP, None, False, []),
        (ICMP, (3, 4), True, ["less"]),
        (ICMP6, (2, 0), True, ["less"]),
        (ICMP, (3, 4), False, []),
        (ICMP, (2, 0), True, ["refuses"]),
        (ICMP6, (3, 4), True, ["refuses"]),
        (ICMP, (3, 3), True, ["refuses"]),
        (ICMP6, (1, 0), True, ["refuses"]),
        (ICMP, (3, 3), False, []),
        (ICMP, (11, 0), True, []),
        (ICMP6, (3, 0), True, []),
        (ICMP, (11, 1), True, ["refuses"]),
        (ICMP6, (3, 1), True, ["refuses"]),
    ],
)
def test_what_icmp_means(
    proto: int, icmp: tuple[int, int] | None, *, error: bool, kinds: list[str]
) -> None:
    """A message is an echo, asks for smaller packets, refuses, or none of these."""
    what = What(proto, icmp=icmp, error=error)
    said = {
        "echo": what.is_echo,
        "less": what.asks_for_less,
        "refuses": what.refuses,
    }

    assert [name for name, is_so in said.items() if is_so] == kinds


def test_fields_that_a_packet_has() -> None:
    """Fields are told in order, zeros too; what a packet has not is left out."""
    fields = Fields(ttl=64, seq=0, df=False, id=IDENT)

    told = [("id", IDENT), ("seq", 0), ("df", False), ("ttl", 64)]
    assert list(fields.named()) == told
    assert list(Fields().named()) == []


def test_order_of_fields() -> None:
    """The names of fields are those of the value, in the order of the text."""
    every = Fields(**dict.fromkeys(FIELD_NAMES, 1))  # type: ignore[arg-type]

    assert [name for name, _ in every.named()] == list(FIELD_NAMES)
    assert FIELD_NAMES[0] == "id"
    assert FIELD_NAMES[-1] == "ttl"


def test_flags_of_congestion() -> None:
    """ECN's flags are ECE, CWR and AE (RFC 3168, RFC 7560)."""
    assert ECN == 64 | 128 | 256


def test_flags_are_the_bits_of_a_segment() -> None:
    """Flags have the places that the header has them in, and its names."""
    names = [one.name for one in TcpFlags]

    assert names == ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"]
    assert [one.value for one in TcpFlags] == [1 << bit for bit in range(9)]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (End("c1", PORT), End("host", PORT), (End("c1"), End("host"))),
        (End("c1", PORT), End("host", OTHER), (End("c1", PORT), End("host", OTHER))),
        (End("host", 81), End("web", 80), (End("host", 81), End("web", 80))),
        (End("c1"), End("host"), (End("c1"), End("host"))),
    ],
    ids=["kept", "remapped", "service", "no ports"],
)
def test_without_kept_port(old: End, new: End, told: tuple[End, End]) -> None:
    """A port that was kept goes without saying in what was rewritten."""
    assert without_kept_port(old, new) == told


def test_packet_numbers() -> None:
    """A packet's number counts from 1; one that nobody captured has 0."""
    assert (replace(PACKET, row=4).number, PACKET.number) == (5, 0)


def test_symbols_of_a_packet() -> None:
    """Symbols come in the order of the text: ends, id, quoted ends, what changed."""
    quotes = (End("host", Symbol("port", 3)), End("c1"))
    packet = replace(
        PACKET,
        fields=Fields(id=IDENT, quotes=quotes),
        rewrite=Rewrite("snat", ((End("c1", PORT), End("host", OTHER)),)),
    )

    told = [PORT, ADDRESS, IDENT, Symbol("port", 3), PORT, OTHER]
    assert list(packet.symbols()) == told


@pytest.mark.parametrize(
    ("value", "symbols"),
    [
        (PORT, [PORT]),
        (End(ADDRESS, OTHER), [ADDRESS, OTHER]),
        (End("c1", 80), []),
        (Rewrite("dnat", ((End("a"), End(ADDRESS)),)), [ADDRESS]),
        ((PORT, (OTHER, (ADDRESS,))), [PORT, OTHER, ADDRESS]),
        ("port#1", []),
        (None, []),
        (7, []),
    ],
)
def test_symbols_in_values(value: object, symbols: list[Symbol]) -> None:
    """Symbols are found in whatever holds them, and are changed there."""

    def renumbered(symbol: Symbol) -> Symbol:
        return replace(symbol, number=symbol.number + 10)

    changed = map_symbols(value, renumbered)

    assert list(symbols_in(value)) == symbols
    assert list(symbols_in(changed)) == list(map(renumbered, symbols))
    assert map_symbols(changed, lambda x: replace(x, number=x.number - 10)) == value
    assert map_symbols(value, lambda x: x) == value


@pytest.mark.parametrize(
    ("taken", "in_class", "fault"),
    [
        (True, True, ""),
        (False, True, "remapped although free"),
        (True, False, "remapped out of its class"),
        (False, False, "remapped out of its class"),
    ],
)
def test_fault_of_a_translation(*, taken: bool, in_class: bool, fault: str) -> None:
    """A port may change if it was taken, and only within its class."""
    assert replace(REMAPPED, in_use=taken, in_port_range=in_class).violation == fault


def test_name_of_a_flow() -> None:
    """A flow is called by its protocol and its ends as the host met them."""
    assert FACT.name == "tcp c1 -> host01:80"


def test_compared_packets() -> None:
    """Ignored packets are told, and are none of those that are compared."""
    ignored = replace(PACKET, ignored="late")
    flow = CanonicalFlow(fact=FACT, packets=(ignored, PACKET, ignored))

    assert flow.compared == (PACKET,)
    assert flow.packets == (ignored, PACKET, ignored)


def test_rows_of_a_flow() -> None:
    """A flow's rows are those of all its packets, told or not."""
    flow = CanonicalFlow(fact=FACT, packets=(), traversals=((3, 1), (), (2,)))

    assert flow.rows == [3, 1, 2]


def test_evidence_makes_no_difference() -> None:
    """Sizes, counts, rows and what was learned differ by run, and are not compared."""
    flow, found = CanonicalFlow(fact=FACT, packets=(PACKET,)), (object(),)
    trace = CanonicalTrace(("uplink",), (flow,))
    reply = Tuple5(TCP, "host01", 80, "host", 5000)

    assert replace(FACT, passed=9, stuck=8, copies=7) == FACT
    assert replace(PACKET, row=7) == PACKET
    assert replace(REMAPPED, wanted=reply) == REMAPPED
    assert replace(flow, traversals=((1,),)) == flow
    learned = Translations(violations=found)  # type: ignore[arg-type]
    assert replace(trace, learned=learned) == trace


def test_behaviour_makes_a_difference() -> None:
    """What a golden speaks of is compared."""
    flow = CanonicalFlow(fact=FACT, packets=(PACKET,))
    trace = CanonicalTrace(("uplink",), (flow,))
    bad = Violation("ttl", "63 after 64", "64", (0,))

    assert replace(FACT, returned=False) != FACT
    assert replace(PACKET, ignored="late") != PACKET
    assert replace(flow, lost=True) != flow
    assert replace(flow, violations=(bad,)) != flow
    assert replace(trace, forbidden=(bad,)) != trace


def test_facts_of_a_trace() -> None:
    """A trace tells each conversation as one fact, in its order."""
    other = replace(FACT, initiator=end("c2"))
    flows = [CanonicalFlow(fact=fact, packets=()) for fact in (FACT, other)]

    assert CanonicalTrace((), tuple(flows)).facts == [FACT, other]


def test_text_of_a_trace() -> None:
    """A trace's text begins with the title that it is given."""
    flow = CanonicalFlow(fact=FACT, packets=(PACKET,))

    text = CanonicalTrace(("uplink",), (flow,)).text("visit")

    assert text.splitlines() == [
        "visit   tcp   c1 -> host01:80",
        "  uplink  c1:port#1 > addr#1:80  protocol 6  ttl 64",
    ]
