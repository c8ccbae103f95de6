"""Flows and losses as JSON; what the command does with them is tested there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.traffic import HOST, HOST01
from tests.unit.report.translations.handmade import (
    BROKEN,
    CLOCK,
    INSIDE,
    KEY,
    NO_UDP,
    SENT,
    flow,
    losing,
    loss,
)

from pytest_netlab.nat import Flow, Translations
from pytest_netlab.nat.translations import Account, Change, Delay, Renewal
from pytest_netlab.report.translations import to_json


def parsed(found: Translations) -> Any:
    """Return what the pieces are together."""
    return json.loads("".join(to_json(found)))


@pytest.mark.parametrize("flows", [0, 1, 2, 3])
@pytest.mark.parametrize("alone", [0, 1, 2])
@pytest.mark.parametrize("broken", [0, 1, 2])
def test_json_parses(flows: int, alone: int, broken: int) -> None:
    """However many there are of each, the pieces are one object."""
    found = Translations(
        (*[flow()] * flows, *[flow(outside=None)] * alone), (BROKEN,) * broken
    )
    made = parsed(found)

    counts = {name: len(made[name]) for name in ("flows", "unpaired_flows")}
    assert counts == {"flows": flows, "unpaired_flows": alone}
    assert len(made["violations"]) == broken
    assert made["unpaired"] == ({"dropped": alone} if alone else {})


def test_unpaired_says_where() -> None:
    """A flow without a twin has the key of the side that saw it."""
    found = Translations((flow(inside=None),))
    made = parsed(found)

    (alone,) = made["unpaired_flows"]
    assert alone["outside"] == {
        "src": HOST,
        "sport": 4000,
        "dst": HOST01,
        "dport": 80,
    }
    assert "inside" not in alone


def test_proxied_is_told_twice() -> None:
    """A proxied flow has both keys, and no packet of it crossed."""
    proxied = Flow(
        kind="proxied",
        disposition="proxied",
        initiated="outside",
        inside=KEY,
        outside=SENT,
        answered=True,
    )
    found = Translations((proxied,))
    made = parsed(found)

    assert (made["flows"][0]["kind"], made["flows"][0]["packets"]) == ("proxied", 0)
    assert made["unpaired"] == {"proxied": 1}


def test_numbers_are_those_of_the_text() -> None:
    """Flows of both lists have the number that the tables and --csv give them."""
    made = parsed(Translations((flow(outside=None), flow())))

    assert [one["flow"] for one in made["flows"]] == [2]
    assert [one["flow"] for one in made["unpaired_flows"]] == [1]


def test_losses_are_apart_by_what_they_mean() -> None:
    """What may be the host's doing is in a list of its own."""
    made = parsed(
        losing(
            loss(3),
            loss(4, status="lost or not captured"),
            loss(5, status="not captured"),
            loss(6, status="not looked for"),
        )
    )
    names = ("lost", "not_captured", "not_looked_for")
    found = [[one["packets"] for one in made[name]] for name in names]

    assert found == [[[4], [5]], [[6]], [[7]]]


def test_a_loss() -> None:
    """Packets by number, and apart the octets that no transmission brought over."""
    one = loss(3, 8, reply=True, side="outside")
    one = one._replace(octets=((1, 5), (9, 9)), resent=True)
    head = {"flow": 1, "direction": "reply", "side": "outside", "status": "lost"}

    assert parsed(losing(one))["lost"] == [
        {**head, "packets": [4, 9], "resent": True},
        {**head, "octets": [[1, 5], [9, 9]], "resent": False},
    ]


def test_part_of_a_packet() -> None:
    """Of a packet that crossed in part, only the octets are lost."""
    one = loss(3)._replace(octets=((1, 5),), part=True)
    (made,) = parsed(losing(one))["lost"]

    assert "packets" not in made
    assert (made["octets"], made["in_packets"]) == ([[1, 5]], [4])


def test_what_a_flow_lost() -> None:
    """Each flow counts its own losses by direction, paired or not."""
    lost = loss(1, 2), loss(3, reply=True), loss(5)._replace(flow=1)
    made = parsed(losing(*lost, flows=(flow(), flow(outside=None))))

    assert made["flows"][0]["lost"] == {"original": 2, "reply": 1}
    assert made["unpaired_flows"][0]["lost"] == {"original": 1, "reply": 0}


def test_only_losses_count_as_lost() -> None:
    """What was not captured, or not looked for, is none."""
    made = parsed(
        losing(loss(1, status="not captured"), loss(2, status="not looked for"))
    )

    assert made["flows"][0]["lost"] == {"original": 0, "reply": 0}


def test_delay_renewal_and_doubt() -> None:
    """What else is known of a flow has its own members; null where it is unknown."""
    known = flow()._replace(
        ambiguous=2, delay=Delay(1, 2, 3), renewal=Renewal("inside", 7, closed=True)
    )
    one, other = parsed(Translations((known, flow())))["flows"]

    assert one["ambiguous"] == 2
    assert one["delay_ns"] == {"min": 1, "median": 2, "max": 3}
    assert one["renewal"] == {"shared": "inside", "idle_ns": 7, "closed": True}
    assert (other["ambiguous"], other["delay_ns"], other["renewal"]) == (0, None, None)


def test_changes() -> None:
    """What was rewritten has a field, a text, and the number of its packets."""
    known = flow()._replace(
        changes=(Change("ip_id", "ip id rewritten", 0), Change("payload", 'a "b"', 1))
    )
    one, other = parsed(Translations((known, flow())))["flows"]

    assert one["changes"] == [
        {"field": "ip_id", "text": "ip id rewritten", "packets": 2},
        {"field": "payload", "text": 'a "b"', "packets": 1},
    ]
    assert other["changes"] == []


def test_who_began_may_be_a_guess() -> None:
    """Of flows of one side as well."""
    alone = flow(outside=None)._replace(guessed=True)
    made = parsed(Translations((flow()._replace(guessed=True), flow(), alone)))

    assert [one["guessed"] for one in made["flows"]] == [True, False]
    assert [one["guessed"] for one in made["unpaired_flows"]] == [True]


def test_captures_and_clock() -> None:
    """When each side was captured, how the clocks differ, and what one lacks."""
    account = Account(clock=CLOCK, inside=INSIDE, absent=(NO_UDP,))
    made = parsed(Translations((flow(),), account=account))

    assert made["captures"]["outside"] is None
    assert made["captures"]["inside"] == {
        "packets": 12,
        "first_ns": INSIDE.first,
        "last_ns": INSIDE.last,
        "before": 5,
        "after": 1,
        "dropped": None,
    }
    assert made["clock"] == {
        "start_ns": CLOCK.start,
        "offset_ns": 5_000_000_000,
        "drift": 1.5e-6,
        "error_ns": 35_000,
        "one_way": False,
    }
    assert made["absent"] == [
        {"side": "outside", "proto": "udp", "port": None, "packets": 9, "crossed": True}
    ]
