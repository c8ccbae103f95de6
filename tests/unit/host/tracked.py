"""Connections that a kernel tracks: three of them, and any."""

from __future__ import annotations

from hypothesis import strategies as st

from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.host.tracking.conntrack import (
    GRE,
    NAMES,
    Counters,
    Entry,
    Event,
    Icmp,
    Zone,
)

WEB = Entry(
    original=Tuple5(TCP, "172.16.211.1", 4, "172.16.211.128", 81),
    reply=Tuple5(TCP, "172.17.0.5", 80, "172.16.211.1", 4),
    timeout=117,
    state="TIME_WAIT",
    standing="ASSURED",
    mark=0,
    use=1,
)
ECHO = (Icmp(8, 0), Icmp(0, 0))
PING = Entry(
    original=Tuple5(ICMP, "172.17.0.5", 7, "172.16.211.1", 7),
    reply=Tuple5(ICMP, "172.16.211.1", 7, "172.16.211.128", 7),
    icmp=ECHO,
    timeout=29,
    mark=0,
    use=1,
)
QUERY = Entry(
    original=Tuple5(UDP, "fd00::2", 5, "fd00::1", 53),
    reply=Tuple5(UDP, "fd00::1", 53, "fd00::2", 5),
    timeout=30,
    replied=False,
    mark=5,
    use=2,
)
STATES = {6: ("NONE", "SYN_SENT", "TIME_WAIT", "SYN_SENT2"), 132: ("COOKIE_WAIT",)}
STATES[33] = ("PARTOPEN", "INVALID")
U8, U16, U32, U64 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32, 64))
WORDS = st.text("abcz_09:.-", min_size=1, max_size=20)


@st.composite
def tuples(draw: st.DrawFn, proto: int, *, six: bool) -> Tuple5:
    """Return one direction of a connection."""
    # IPv4 mapped into IPv6 is IPv4 to the columns, and in no packet.
    ends = st.ip_addresses(v=6, network="2000::/3") if six else st.ip_addresses(v=4)
    src, dst = f"{draw(ends)}", f"{draw(ends)}"
    if proto in (ICMP, ICMP6):
        ident = draw(U16)
        return Tuple5(proto, src, ident, dst, ident)
    if proto not in NAMES:
        return Tuple5(proto, src, 0, dst, 0)
    return Tuple5(proto, src, draw(U16), dst, draw(U16))


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Return an event of any kind."""
    one = draw(entries())
    return Event(
        change=draw(st.sampled_from(["NEW", "UPDATE", "DESTROY"])),
        original=one.original,
        reply=one.reply,
        icmp=one.icmp,
    )


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Return an entry with any attributes."""
    proto = draw(st.sampled_from([*NAMES, 2, GRE, 255]))
    six = proto == ICMP6 or (proto != ICMP and draw(st.booleans()))
    types = st.tuples(*2 * [st.builds(Icmp, U8, U8)])
    zone = st.builds(Zone, U16, st.sampled_from(["", "orig", "reply"]))
    return Entry(
        original=draw(tuples(proto, six=six)),
        reply=draw(tuples(proto, six=six)),
        icmp=draw(types) if proto in (ICMP, ICMP6) else None,
        timeout=draw(st.none() | U32),
        state=draw(st.sampled_from(STATES.get(proto, ("",)))),
        replied=draw(st.booleans()),
        standing=draw(st.sampled_from(["", "ASSURED", "OFFLOAD", "HW_OFFLOAD"])),
        counters=draw(st.none() | st.tuples(*2 * [st.builds(Counters, U64, U64)])),
        mark=draw(st.none() | U32),
        secctx=draw(st.just("") | WORDS),
        zone=draw(st.none() | zone),
        use=draw(st.none() | U32),
        helper=draw(st.just("") | WORDS),
        labels=draw(st.integers(0, (1 << 128) - 1)),
    )
