"""Packets that are too large for a link: each rule alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import refusal
from tests.hosts import changed, lines
from tests.unit.causes.cases import (
    ACCEPT,
    DOUBLED,
    DROPPED,
    LINK,
    LINK_TOLD,
    PING,
    SMALLER,
    TOO_LARGE,
    Seen,
    case,
    words,
)

from pytest_netlab.causes import forwarding
from pytest_netlab.flows import ICMP6, Tuple5

if TYPE_CHECKING:
    from pytest_netlab.host import HostChange
    from pytest_netlab.trace import FlowFact

TOS = Seen("tos", "2", "0")


@pytest.mark.parametrize(
    ("limit", "passed", "stuck", "found"),
    [
        (1300, 0, 1301, True),
        (1300, 0, 1300, False),
        (1300, 0, 0, False),
        (1300, 1200, 1300, True),
        (300, 0, 500, True),
        (0, 500, 577, True),
        (0, 500, 576, False),
        (0, 600, 600, False),
        (0, 600, 601, True),
        (0, 0, 1400, False),
    ],
)
def test_black_hole(limit: int, passed: int, stuck: int, *, found: bool) -> None:
    """What is larger than a new MTU, or than what passes, vanishes in a hole.

    Without a new MTU it must be larger than what every link takes (RFC 791).
    """
    lost = replace(DROPPED, passed=passed, stuck=stuck)
    link = replace(SMALLER, extra=lines(LINK.replace("1300", f"{limit}")))

    cause = forwarding.black_hole(case(PING, lost, link if limit else None))

    assert (cause.name if cause else "") == ("MTU black hole" if found else "")


@pytest.mark.parametrize(
    ("want", "got", "evidence"),
    [
        (replace(PING, stuck=1400), DROPPED, ()),
        (PING, replace(DROPPED, refusal=refusal("host")), ()),
        (PING, DROPPED, (TOS, TOO_LARGE)),
    ],
    ids=["as ever", "refused", "told"],
)
def test_no_black_hole(
    want: FlowFact, got: FlowFact, evidence: tuple[Seen, ...]
) -> None:
    """What was ever lost, was refused, or is told of, is no black hole."""
    lost = replace(got, stuck=1428)

    assert forwarding.black_hole(case(PING, replace(DROPPED, stuck=1428), SMALLER))
    assert forwarding.black_hole(case(want, lost, SMALLER, evidence=evidence)) is None


OF_IPV6 = Tuple5(ICMP6, "fd00::2", 1, "fd00::1", 1)


@pytest.mark.parametrize(
    ("passed", "host", "text"),
    [
        (0, SMALLER, f"smaller ones; {LINK_TOLD}"),
        (900, changed(), "those up to 900 pass; look at the MTU of the links"),
        *(
            (900, changed(extra=(ACCEPT, rule)), f"pass; this rule is new: {rule}")
            for rule in (
                "filter -A INPUT -f -j DROP",
                "filter -A OUTPUT -p icmp -j DROP",
                "ip6 filter -A OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type 2 -j DROP",
                "nft inet site output icmpv6 type packet-too-big drop",
            )
        ),
        (
            0,
            replace(SMALLER, extra=lines(LINK, "filter -A OUTPUT -p icmp -j DROP")),
            f"{LINK_TOLD}; this rule is new: filter -A OUTPUT -p icmp -j DROP",
        ),
    ],
)
def test_what_makes_a_hole(passed: int, host: HostChange, text: str) -> None:
    """The link that is too small is cited, and the rule that silences its error."""
    key = OF_IPV6 if "v6" in text else None
    lost = replace(DROPPED, passed=passed, stuck=1428, key=key)

    told = words(forwarding.black_hole(case(PING, lost, host)))[1]

    assert told.startswith("packets of 1428 octets and more vanish in the host, and n")
    assert told.endswith(text)


def test_too_large_and_told() -> None:
    """A link that is too small is no black hole where its host says so."""
    about = (TOS, TOO_LARGE)
    text = "packets are too large for a link, and their sender is told so (bridge > c1 "

    told = forwarding.too_large(case(PING, PING, SMALLER, evidence=about))
    alone = forwarding.too_large(case(PING, PING, evidence=about))

    assert words(told) == ("rejected", f"{text}fragmentation needed); {LINK_TOLD}")
    assert words(alone)[1].endswith("needed); look at the MTU of the links")


def test_not_too_large() -> None:
    """Nobody asked for less, or it is a refusal, which has a cause of its own."""
    refused = replace(PING, refusal=refusal("bridge", code=4))

    signs = (TOS, DOUBLED)

    assert forwarding.too_large(case(PING, PING, SMALLER, evidence=signs)) is None
    assert forwarding.too_large(case(PING, refused, evidence=(TOO_LARGE,))) is None
