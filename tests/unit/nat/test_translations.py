"""What a flow says of itself, and the names of rewrites."""

from __future__ import annotations

import pytest
from tests.traffic import BRIDGE, C1, HOST, HOST01

from pytest_netlab.flows import ICMP, TCP, Tuple5
from pytest_netlab.nat import Flow, Translations
from pytest_netlab.nat.translations import kind_of

KEY = Tuple5(TCP, C1, 40000, HOST01, 80)
PING = Tuple5(ICMP, C1, 7, HOST01, 7)


@pytest.mark.parametrize(
    ("original", "translated", "expected"),
    [
        (KEY, KEY, "none"),
        (KEY, KEY._replace(src=HOST), "snat"),
        (KEY, KEY._replace(sport=1024), "snat"),
        (KEY, KEY._replace(dst=HOST), "dnat"),
        (KEY, KEY._replace(dport=8080), "dnat"),
        (KEY, KEY._replace(src=BRIDGE, dst=HOST), "twice-nat"),
        (KEY, KEY._replace(sport=1024, dport=8080), "twice-nat"),
        (PING, PING._replace(src=HOST), "snat"),
        (PING, PING._replace(sport=9, dport=9), "snat"),
        (PING, PING._replace(dst=HOST), "dnat"),
    ],
)
def test_kind(original: Tuple5, translated: Tuple5, expected: str) -> None:
    """A rewrite is named by the ends it changed; an ICMP id is the source's."""
    assert kind_of(original, translated) == expected
    assert kind_of(translated, original) == expected


V6 = Tuple5(TCP, "2001:db8::5", 40000, "64:ff9b::c000:250", 80)
V4 = Tuple5(TCP, "203.0.113.1", 40000, "192.0.2.80", 80)


@pytest.mark.parametrize(
    ("asked", "sent", "kind"), [(V6, V4, "nat64"), (V4, V6, "nat46")]
)
def test_kind_across_families(asked: Tuple5, sent: Tuple5, kind: str) -> None:
    """The family that the initiator speaks comes first: RFC 6146 says NAT64."""
    assert kind_of(asked, sent) == kind


@pytest.mark.parametrize(
    ("initiated", "inside", "outside", "original", "translated"),
    [
        ("inside", KEY, PING, KEY, PING),
        ("outside", KEY, PING, PING, KEY),
        ("inside", KEY, None, KEY, None),
        ("outside", KEY, None, KEY, None),
        ("inside", None, KEY, KEY, None),
        ("outside", None, KEY, KEY, None),
    ],
)
def test_met_and_sent(
    initiated: str,
    inside: Tuple5 | None,
    outside: Tuple5 | None,
    original: Tuple5,
    translated: Tuple5 | None,
) -> None:
    """A flow was met on the side it came from, and sent on to the other."""
    flow = flow_of(initiated, inside, outside)

    assert (flow.original, flow.translated) == (original, translated)


def test_seen_nowhere() -> None:
    """A flow that no side saw is no flow."""
    with pytest.raises(ValueError, match="seen on no side"):
        _ = flow_of("inside", None, None).original


def test_unpaired() -> None:
    """What has no twin is counted by its fate."""
    flows = [
        flow_of("inside", KEY, None, disposition=f)
        for f in ("local", "leaked", "local")
    ]

    assert Translations((*flows, flow_of("inside", KEY, KEY))).unpaired == {
        "local": 2,
        "leaked": 1,
    }


def flow_of(
    initiated: str,
    inside: Tuple5 | None,
    outside: Tuple5 | None,
    disposition: str = "forwarded",
) -> Flow:
    """Return a flow of these keys."""
    return Flow(
        kind="none",
        disposition=disposition,  # type: ignore[arg-type]
        initiated=initiated,  # type: ignore[arg-type]
        inside=inside,
        outside=outside,
        answered=True,
    )
