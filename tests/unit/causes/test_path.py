"""Causes in how a conversation crosses the host: docker-proxy's, or translated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import fact
from tests.hosts import changed
from tests.unit.causes.cases import LEG, PING, Seen, case, tracked, words

from pytest_netlab.causes import explain, path
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.host.tracking.connections import Connection

if TYPE_CHECKING:
    from pytest_netlab.host import HostChange
    from pytest_netlab.trace import FlowFact

ASKED = fact("tcp", "c1", "host:81")  # by docker-proxy: the host answers
LOST = replace(ASKED, disposition="dropped", answered=False, returned=False)
BEHIND = fact("tcp", "c1", "web:80")  # docker0 shows it after it was translated
LOST_BEHIND = replace(BEHIND, disposition="dropped", answered=False, returned=False)
TRANSLATED = tracked("c1", "bridge", "web")
PROXIED = Connection(TRANSLATED.original, TRANSLATED.original.reply)
RETURN = "nat -A DOCKER -i docker0 -j RETURN"
OTHERS = "nat -A DOCKER -i br-n2 -j RETURN"
OTHER_PORT = "nat -A DOCKER -p tcp -m tcp --dport 82 -j DNAT --to-destination c2:80"
NOW, THEN = (
    changed(conntrack_entries=(TRANSLATED,)),
    changed(conntrack_entries=(PROXIED,)),
)


def ttl(expected: int, found: int, direction: str = "reply") -> Seen:
    """Return that the ttl differs."""
    texts = f"{expected}", f"{found}"
    seen = Seen("ttl", *texts, point="docker0", direction=direction)
    return replace(seen, expected=expected, found=found)


LESS, MORE = (ttl(64, 63),), (ttl(63, 64),)


@pytest.mark.parametrize(
    ("want", "got", "host", "evidence", "others"),
    [
        (ASKED, ASKED, NOW, LESS, ()),
        (ASKED, LOST, NOW, (), (BEHIND,)),
        (LEG, LEG, NOW, (ttl(64, 63, "original"),), ()),
        (LEG, replace(LEG, disposition="dropped", answered=False), NOW, (), ()),
    ],
    ids=["ttl", "shown behind", "leg's ttl", "no leg"],
)
def test_translated_now(
    want: FlowFact,
    got: FlowFact,
    host: HostChange,
    evidence: tuple[Seen, ...],
    others: tuple[FlowFact, ...],
) -> None:
    """What docker-proxy carried is sent on: the entry says where to."""
    name, text = words(
        path.changed(case(want, got, host, evidence=evidence, others=others))
    )

    assert name == "path changed"
    assert "c1's connection to host:81 went through docker-proxy when recorded" in text
    assert "connection tracking sends it on to web:80" in text


@pytest.mark.parametrize(
    ("want", "got", "evidence", "others"),
    [
        (ASKED, ASKED, MORE, ()),
        (LEG, LEG, (ttl(63, 64, "original"),), ()),
        (BEHIND, LOST_BEHIND, (), (ASKED, LEG)),
        (LOST_BEHIND, LOST_BEHIND, (), ()),
    ],
    ids=["ttl", "leg's ttl", "own network", "another network"],
)
def test_proxied_now(
    want: FlowFact,
    got: FlowFact,
    evidence: tuple[Seen, ...],
    others: tuple[FlowFact, ...],
) -> None:
    """What was translated is docker-proxy's: the host answers itself."""
    name, text = words(
        path.changed(case(want, got, THEN, evidence=evidence, others=others))
    )

    assert name == "path changed"
    assert "c1's connection to host:81 was translated and sent on when recorded" in text


@pytest.mark.parametrize(
    ("want", "got", "host", "evidence"),
    [
        (ASKED, ASKED, changed(), LESS),
        (ASKED, ASKED, THEN, LESS),
        (ASKED, ASKED, NOW, MORE),
        (ASKED, ASKED, NOW, ()),
        (ASKED, ASKED, NOW, (ttl(63, 62),)),
        (ASKED, ASKED, NOW, (ttl(64, 9),)),
        (ASKED, ASKED, NOW, (*LESS, ttl(64, 60))),
        (ASKED, ASKED, NOW, (ttl(64, 63, "original"),)),
        (ASKED, LOST, THEN, ()),
        (BEHIND, LOST_BEHIND, THEN, ()),
        (ASKED, ASKED, replace(NOW, older=(TRANSLATED,)), LESS),
        (replace(ASKED, proto=UDP), replace(ASKED, proto=UDP), NOW, LESS),
        (PING, PING, NOW, LESS),
    ],
    ids=[
        *("unknown", "not translated", "a ttl more", "no ttl", "sent on before"),
        *("another ttl", "two ttls", "of requests", "lost", "elsewhere"),
        *("older", "UDP", "ping"),
    ],
)
def test_same_path(
    want: FlowFact, got: FlowFact, host: HostChange, evidence: tuple[Seen, ...]
) -> None:
    """A ttl alone is no path, and neither is an entry without it."""
    assert path.changed(case(want, got, host, evidence=evidence)) is None


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (changed(missing=(OTHERS, OTHER_PORT, RETURN)), f"gone: {RETURN}"),
        (changed(missing=(OTHERS,), extra=(RETURN,)), f"new: {RETURN}"),
        (
            changed(missing=(RETURN,), settings={"docker_proxy": ("on", "off")}),
            "docker_proxy is off here, on when recorded",
        ),
        (
            changed(settings={"engine": ("28.5.2", "29.7.2")}),
            (
                "Docker translates since 29 what another network publishes, which was "
                "docker-proxy's before (engine is 29.7.2 here, 28.5.2 when recorded)"
            ),
        ),
        (
            changed(settings={"engine": ("20.10.24", "28.5.2")}),
            (
                "look at the rules of nat/DOCKER for traffic from docker0 "
                "(engine is 28.5.2 here, 20.10.24 when recorded)"
            ),
        ),
    ],
    ids=["rule gone", "rule new", "no proxy", "29", "28"],
)
def test_what_changed_the_path(host: HostChange, cited: str) -> None:
    """The rule for docker0 and this port is cited, or what engine does it so."""
    known = replace(host, conntrack_entries=(TRANSLATED,))
    text = words(path.changed(case(ASKED, ASKED, known, evidence=LESS)))[1]

    assert text.endswith(cited)


def test_one_cause_explains_all_of_it() -> None:
    """The flow as docker0 shows it now needs no cause of its own."""
    causes = explain([ASKED, LEG], [BEHIND], NOW)

    assert [(one.name, one.flow) for one in causes] == [
        ("path changed", ASKED.name),
        ("path changed", LEG.name),
    ]


def test_a_symbol_is_a_container_of_another_network() -> None:
    """What is published by another network goes to an address without a name."""
    there = Tuple5(TRANSLATED.reply.proto, "172.18.0.2", 80, "172.18.0.1", 5000)
    host = changed(conntrack_entries=(Connection(TRANSLATED.original, there),))
    text = words(path.changed(case(ASKED, ASKED, host, evidence=LESS)))[1]

    assert "sends it on to 172.18.0.2:80" in text
