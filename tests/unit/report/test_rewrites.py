"""Flows as JSON, CSV and tables; what the command does with them is tested there."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console
from tests.traffic import C1, HOST, HOST01

from pytest_netlab.checks import Violation
from pytest_netlab.flows import ICMP, TCP, Tuple5
from pytest_netlab.nat import Flow, Translations
from pytest_netlab.report import rewrites
from pytest_netlab.report.rewrites import SHOWN

KEY, SENT = Tuple5(TCP, C1, 4000, HOST01, 80), Tuple5(TCP, HOST, 4000, HOST01, 80)
BROKEN = Violation("tos", '"2"', "3", (0, 1))


def flow(inside: Tuple5 | None = KEY, outside: Tuple5 | None = SENT) -> Flow:
    """Return a flow with these keys."""
    return Flow(
        kind="snat" if inside and outside else "none",
        disposition="forwarded" if inside and outside else "dropped",
        initiated="inside",
        inside=inside,
        outside=outside,
        answered=True,
        pairs=((0, 1), (2, 3)),
    )


def rendered(found: Translations) -> str:
    """Return the tables as a wide terminal shows them."""
    text = io.StringIO()
    console = Console(file=text, width=200, markup=False, emoji=False)
    for part in rewrites.to_table(found, found.violations):
        console.print(part)
    return text.getvalue()


@pytest.mark.parametrize("flows", [0, 1, 2, 3])
@pytest.mark.parametrize("alone", [0, 1, 2])
@pytest.mark.parametrize("broken", [0, 1, 2])
def test_json_parses(flows: int, alone: int, broken: int) -> None:
    """However many there are of each, the pieces are one object."""
    found = Translations(
        (*[flow()] * flows, *[flow(outside=None)] * alone), (BROKEN,) * broken
    )
    parsed = json.loads("".join(rewrites.to_json(found, found.violations)))

    counts = {name: len(parsed[name]) for name in ("flows", "unpaired_flows")}
    assert counts == {"flows": flows, "unpaired_flows": alone}
    assert len(parsed["violations"]) == broken
    assert parsed["unpaired"] == ({"dropped": alone} if alone else {})


def test_unpaired_says_where() -> None:
    """A flow without a twin has the key of the side that saw it."""
    found = Translations((flow(inside=None),))
    parsed = json.loads("".join(rewrites.to_json(found, ())))

    (alone,) = parsed["unpaired_flows"]
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
    parsed = json.loads("".join(rewrites.to_json(found, ())))

    assert (parsed["flows"][0]["kind"], parsed["flows"][0]["packets"]) == ("proxied", 0)
    assert parsed["unpaired"] == {"proxied": 1}


def test_packets() -> None:
    """How many crossed is counted, or the number of pairs."""
    assert rewrites.crossed(flow()) == 2


@pytest.mark.parametrize("extra", [0, 1])
def test_long_tables_are_cut(extra: int) -> None:
    """Nobody reads thousands of rows; what is left out is counted."""
    text = rendered(Translations((flow(),) * (SHOWN + extra)))

    assert text.count("snat") == SHOWN
    assert (f"... and {extra} more: --json has all of them" in text) is bool(extra)
    assert f"{SHOWN + extra} flows, none unpaired, no violation" in text


def test_addresses_are_no_markup() -> None:
    """What rich would take for markup or an emoji is told as it is."""
    key = Tuple5(TCP, "2001:db8::1", 80, "2001:db8::2", 443)

    assert "[2001:db8::1]:80 -> [2001:db8::2]:443" in rendered(
        Translations((flow(key, key),))
    )


def test_ends() -> None:
    """Ports where there are some, an id for an echo."""
    assert rewrites.ends(KEY) == f"{C1}:4000 -> {HOST01}:80"
    assert rewrites.ends(Tuple5(ICMP, C1, 7, HOST01, 7)) == f"{C1} -> {HOST01} id 7"
    assert rewrites.ends(Tuple5(47, C1, 0, HOST01, 0)) == f"{C1} -> {HOST01}"
    assert rewrites.ends(None) == ""


def test_numbers_are_those_of_all_flows() -> None:
    """A flow has one number in all tables, and in comments."""
    found = Translations((flow(outside=None), flow()))
    first = [line.split()[:2] for line in rendered(found).splitlines() if line]

    assert ["2", "tcp"] in first
    assert ["1", "tcp"] in first
    assert "".join(rewrites.to_csv(found)).splitlines()[1].startswith("1,tcp,none,dro")
