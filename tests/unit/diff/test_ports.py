"""Source ports and ids: kept where free, in class where taken, any if asked for."""

from __future__ import annotations

import pytest
from tests.traffic import (
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUTSIDE,
    Packet,
    routed,
    two_points,
)

from pytest_netlab.diff import Policy, compare
from pytest_netlab.flows import ICMP, UDP, Tuple5
from pytest_netlab.trace import CanonicalTrace, canonicalize, with_random

OTHER = "172.17.0.99"  # a container that is no node of the lab


def talk(proto: int, src: str, old: int, new: int, ip_id: int = 1) -> list:  # type: ignore[type-arg]
    """Return one exchange with host01 whose source port or id NAT made another."""
    dport = 53 if proto == UDP else old
    met = Tuple5(proto, src, old, HOST01, dport)
    sent = met._replace(src=HOST, sport=new, dport=53 if proto == UDP else new)
    ask = Packet(key=met, data=b"ask", ip_id=ip_id, direction=IN)
    answer = Packet(
        key=sent.reply, data=b"yes", ip_id=ip_id + 1, reply=True, direction=IN
    )
    return [
        (INSIDE, ask),
        (OUTSIDE, routed(ask, sent)),
        (OUTSIDE, answer),
        (INSIDE, routed(answer, met.reply)),
    ]


def told(*exchanges: list) -> CanonicalTrace:  # type: ignore[type-arg]
    """Return the story of c1 alone."""
    story = canonicalize(two_points(seen for one in exchanges for seen in one))
    mine = tuple(one for one in story.flows if one.fact.initiator.node == "c1")
    return CanonicalTrace(story.points, mine)


def fields(
    golden: CanonicalTrace, seen: CanonicalTrace, rules: dict[str, object] | None = None
) -> list:  # type: ignore[type-arg]
    """Return field and cause of each difference."""
    found = compare(golden, seen, Policy.parse(rules or {}))
    return [(one.field, one.cause.name if one.cause else "") for one in found]


PROTOS = pytest.mark.parametrize(("proto", "name"), [(UDP, "port"), (ICMP, "id")])


@PROTOS
def test_kept(proto: int, name: str) -> None:
    """A value that NAT kept is right, and where a rule wants another it is red."""
    kept = told(talk(proto, C1, 5000, 5000))

    assert fields(kept, kept) == []
    assert fields(kept, kept, {name: "preserved"}) == []
    assert fields(kept, kept, {name: "any"}) == []
    assert [field for field, _ in fields(kept, kept, {name: "remapped"})] == [name]


@PROTOS
def test_remapped_although_free(proto: int, name: str) -> None:
    """A value that nobody held and NAT did not keep is red, once, with its cause."""
    kept, moved = told(talk(proto, C1, 5000, 5000)), told(talk(proto, C1, 5000, 6000))

    assert fields(kept, moved) == [(name, "remapped although free")]
    assert fields(kept, moved, {name: "preserved"})[0][0] == name
    assert fields(kept, moved, {name: "remapped"}) == []
    assert fields(kept, moved, {name: "any"}) == []


@PROTOS
@pytest.mark.parametrize("holder", [C2, OTHER])
def test_remapped_because_taken(proto: int, name: str, holder: str) -> None:
    """A value that another flow holds is rightly remapped, and the golden had none."""
    kept = told(talk(proto, C1, 5000, 5000))
    first = talk(proto, holder, 5000, 5000)
    moved = told(first, talk(proto, C1, 5000, 6000, ip_id=7))

    assert fields(kept, moved) == []
    assert fields(moved, kept) == []
    assert [field for field, _ in fields(kept, moved, {name: "preserved"})] == [name]


def test_who_came_later_held_nothing() -> None:
    """A flow that took the tuple afterwards is no excuse."""
    kept = told(talk(UDP, C1, 5000, 5000))
    moved = told(talk(UDP, C1, 5000, 6000), talk(UDP, C2, 5000, 5000, ip_id=7))

    assert fields(kept, moved) == [("port", "remapped although free")]


@pytest.mark.parametrize(
    ("new", "found"), [(685, []), (1024, [("port", "remapped out of its class")])]
)
def test_class(new: int, found: list[tuple[str, str]]) -> None:
    """A port that is taken is rightly remapped within its class alone."""
    kept = told(talk(UDP, C1, 1005, 1005))
    moved = told(talk(UDP, C2, 1005, 1005), talk(UDP, C1, 1005, new, ip_id=7))

    assert fields(kept, moved) == found


def test_random_rules() -> None:
    """Where a rule of the host asks for random ports of a flow, any will do."""
    kept, moved = told(talk(UDP, C1, 5000, 5000)), told(talk(UDP, C1, 5000, 6000))
    other = told(talk(UDP, C1, 1005, 6000))
    asked, met = [], Tuple5(UDP, C1, 5000, HOST01, 53)

    def asks(key: Tuple5) -> bool:
        asked.append(key)
        return True

    assert compare(kept, with_random(moved, asks)) == []
    assert asked == [met]
    assert compare(moved, with_random(kept, asks)) == []
    assert compare(kept, with_random(other, asks)) == []
    assert compare(kept, with_random(moved, lambda _: False))


def test_not_undone() -> None:
    """A reply to another port than was asked from is red, however remapped."""
    kept = told(talk(UDP, C1, 5000, 5000))
    asked, sent, answer, _ = talk(UDP, C1, 5000, 6000, ip_id=7)
    wrong = routed(answer[1], Tuple5(UDP, HOST01, 53, C1, 7000))
    moved = told(talk(UDP, C2, 5000, 5000), [asked, sent, answer, (INSIDE, wrong)])

    assert fields(kept, moved)
