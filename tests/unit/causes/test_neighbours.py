"""Who is at the other end of a link: what is told of it, and what is cited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.hosts import changed
from tests.unit.causes.cases import PING, WEB, Seen, case, words

from pytest_netlab.causes import neighbours
from pytest_netlab.flows import ICMP, Tuple5
from pytest_netlab.host.routing.next_hops import NextHop

if TYPE_CHECKING:
    from pytest_netlab.trace import FlowFact


@pytest.mark.parametrize(
    ("field", "expected", "told"),
    [
        ("via", None, "the packet's neighbour on the link is host02, not its own end"),
        ("source MAC", "host", "the frame's Ethernet source is host02, not host"),
        (
            "destination MAC",
            "host",
            "the frame's Ethernet destination is host02, not host",
        ),
        (
            "neighbour",
            "host",
            "the conversation's neighbour changed from host to host02",
        ),
    ],
)
def test_wrong_neighbour(field: str, expected: str | None, told: str) -> None:
    """The first difference is told, with what to look at."""
    seen = Seen(field, "host", "host02", expected=expected, found="host02")
    found = words(neighbours.wrong(case(PING, PING, changed(), evidence=(seen,))))

    assert found[0] == "wrong neighbour"
    assert found[1].startswith(f"at {seen.point} {told}; look at `ip route`")


def test_right_neighbours() -> None:
    """Other differences are none of its own."""
    ttl = Seen("ttl", "63", "60")

    assert neighbours.wrong(case(PING, PING, changed(), evidence=(ttl,))) is None


VIA_C2 = NextHop(
    node="c1", to="host01", gateway="c2", route="default via 172.17.0.3 dev eth0"
)
ENTRY = "172.16.211.1 dev ens160 lladdr 02:00:00:00:00:02 REACHABLE"
IMPOSTOR = NextHop(
    node="host", to="host01", route="default", entry=ENTRY, station="host02"
)
OWN = "local 172.16.211.1 dev lo table local"
HAS_IT = NextHop(node="host02", to="host01", kind="local", route=OWN)
SEEN = Seen("via", "host", "host02", found="host02")


def why(*hops: NextHop, extra: tuple[str, ...] = ()) -> tuple[str, str]:
    """Return what is cited of these next hops, and the remedy."""
    host = changed(hops=hops, extra=extra)
    found = neighbours.wrong(case(PING, PING, host, evidence=(SEEN,)))
    assert found is not None
    return found.text.partition("; ")[2], found.remedy


def test_route_of_an_end() -> None:
    """A container's own route is cited, and that it is nothing of the host's."""
    assert why(VIA_C2) == (
        "c1 reaches host01 by c2: its route is `default via 172.17.0.3 dev eth0`",
        "",
    )


def test_route_to_the_end_itself() -> None:
    """Of an end's routes, that to the other end comes before that to the host."""
    to_host = replace(VIA_C2, to="host", route="to the host")

    assert why(to_host, VIA_C2) == why(VIA_C2)


def test_route_of_the_host() -> None:
    """The host's route can be deleted."""
    hop = replace(VIA_C2, node="host")

    assert why(hop)[1] == "ip route del default via 172.17.0.3 dev eth0"


NOBODY = (
    "host takes no node for host01: its neighbour table says `172.16.211.1 dev ens160 "
    "lladdr 02:00:00:00:00:99 PERMANENT`, the Ethernet address of no node"
)


@pytest.mark.parametrize(
    ("state", "cited"),
    [
        (
            "PERMANENT",
            (NOBODY, "ip neigh del 172.16.211.1 dev ens160"),
        ),
        ("REACHABLE", None),
    ],
)
def test_nobody(state: str, cited: tuple[str, str] | None) -> None:
    """An entry of no node's address is cited if somebody wrote it by hand.

    Any other may be of a node whose Ethernet address nobody knows.
    """
    entry = f"172.16.211.1 dev ens160 lladdr 02:00:00:00:00:99 {state}"
    told = why(replace(IMPOSTOR, entry=entry, station=""))

    assert told == cited or (cited is None and told[0].startswith("look at"))


def test_impostor() -> None:
    """A neighbour entry of another station is cited, and why that one answers."""
    told = (
        "host takes host02 for host01: its neighbour table says "
        f"`{ENTRY}`, the Ethernet address of host02"
    )

    assert why(IMPOSTOR) == (told, "ip neigh del 172.16.211.1 dev ens160")
    assert why(IMPOSTOR, HAS_IT)[0] == (
        f"{told}, which has host01's address itself: `{OWN}`"
    )


def test_rule_that_writes_stations() -> None:
    """A rule of nft's that writes Ethernet addresses is cited."""
    rule = "nft netdev site out ether type ip ether saddr set 02:00:00:00:00:99"

    assert why(extra=(rule,))[0] == f"this rule is new: {rule}"


@pytest.mark.parametrize(
    "hop",
    [
        replace(VIA_C2, gateway="bridge"),
        replace(VIA_C2, gateway=""),
        replace(VIA_C2, node="c3"),
        replace(VIA_C2, to="web"),
        replace(IMPOSTOR, station="host01"),
        NextHop(node="c1", to="host", gateway="bridge", entry="x", station="host"),
        replace(VIA_C2, kind="blackhole"),
    ],
)
def test_usual_hops(hop: NextHop) -> None:
    """What is usual, or of others, explains nothing."""
    assert why(hop)[0].startswith("look at")


KEY = Tuple5(ICMP, "172.17.0.2", 7, "172.16.211.1", 7)
SILENT = replace(PING, answered=False, key=KEY)
ASIDE = NextHop(
    node="host01", to="host", gateway="host02", route="172.16.211.128 via 172.16.211.3"
)


def test_strayed() -> None:
    """Packets that no point shows went by another: by a route of who sends them."""
    got = SILENT
    hop = replace(ASIDE, to="c1")
    found = neighbours.strayed(case(PING, got, changed(hops=(hop,))))

    assert words(found) == (
        "wrong neighbour",
        (
            "nothing that host01 sends comes by the host; host01 reaches c1 by host02: "
            "its route is `172.16.211.128 via 172.16.211.3`"
        ),
    )


def test_strayed_by_a_rule() -> None:
    """The policy rule that leads to the route is told."""
    hop = replace(ASIDE, to="c1", rule="100: from all lookup 100")
    got = SILENT
    found = words(neighbours.strayed(case(PING, got, changed(hops=(hop,)))))

    assert found[1].endswith("to which its rule leads: `100: from all lookup 100`")


def test_strayed_reply_to_the_host() -> None:
    """Replies are for the host where it translated the source."""
    got = replace(SILENT, target=PING.target)
    found = words(neighbours.strayed(case(PING, got, changed(hops=(ASIDE,)))))

    assert found[1].startswith("nothing that host01 sends comes by the host")


def test_nothing_of_the_initiator() -> None:
    """Where nothing was seen, it is the initiator who sent it elsewhere."""
    got = replace(WEB, answered=False, target=None, key=None)
    found = words(neighbours.strayed(case(WEB, got, changed(hops=(ASIDE,)))))

    assert found[1].startswith("nothing that host01 sends comes by the host")


@pytest.mark.parametrize(
    ("got", "hop"),
    [
        (SILENT, replace(ASIDE, to="c2")),
        (SILENT, replace(ASIDE, node="c1", to="host01")),
        (PING, replace(ASIDE, to="c1")),
    ],
    ids=["for another", "of another", "answered"],
)
def test_not_strayed(got: FlowFact, hop: NextHop) -> None:
    """A usual way, another's, and that of a flow that was answered."""
    assert neighbours.strayed(case(PING, got, changed(hops=(hop,)))) is None
