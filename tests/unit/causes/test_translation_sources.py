"""A client's address or port that was translated, and should have been kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import end, fact
from tests.hosts import changed
from tests.unit.causes.cases import OTHER_NODE, PING, WEB, Seen, case, words

from pytest_netlab.causes import translation
from pytest_netlab.trace import FlowFact, PortTranslation, Symbol

if TYPE_CHECKING:
    from pytest_netlab.trace.values import Kind

DIRECT = fact(
    "tcp", "host01", "web:80", "host01", "web:80", kind="none", disposition="forwarded"
)
MASQUERADE = "nat -A POSTROUTING -o docker0 -j MASQUERADE"
SNAT = "nat -A POSTROUTING -o docker0 -j SNAT --to-source host02"
NFT = 'nft inet site post oifname "docker0" masquerade'


def seen_as(want: FlowFact, sender: str) -> FlowFact:
    """Return a flow whose client's address was translated."""
    kind: Kind = "hairpin" if want.kind == "dnat" else "snat"
    return replace(want, sender=end(sender), kind=kind)


@pytest.mark.parametrize("want", [WEB, DIRECT])
@pytest.mark.parametrize(
    ("sender", "rule", "name"),
    [
        ("bridge", MASQUERADE, "masqueraded"),
        ("bridge", NFT, "masqueraded"),
        ("host", MASQUERADE, "masqueraded"),
        ("host02", SNAT, "wrong source"),
    ],
)
def test_translated_source(want: FlowFact, sender: str, rule: str, name: str) -> None:
    """The target's client is told, and the rule that made it so."""
    made = case(want, seen_as(want, sender), changed(extra=(OTHER_NODE, rule)))

    assert words(translation.masqueraded(made)) == (
        name,
        (
            f"web:80 sees {sender} as its client instead of host01; this rule is new: "
            f"{rule}"
        ),
    )


def test_replies_that_nobody_undid() -> None:
    """Replies to the translated address are explained, what is asked from there not."""
    back = fact("tcp", "host02", "web:80", unasked=True)
    asked = replace(back, unasked=False)
    rule = "nft inet site post ip saddr set host02"
    made = [
        case(WEB, seen_as(WEB, "host02"), changed(extra=(rule,)), others=(one,))
        for one in (back, asked)
    ]
    found = [translation.masqueraded(one) for one in made]

    assert [one and one.explains for one in found] == [{back.name}, frozenset()]
    assert words(found[0])[1].endswith(f"this rule is new: {rule}")


def test_rule_that_exempted_is_gone() -> None:
    """Where no rule is new, one of POSTROUTING that is gone may have exempted it."""
    rule = "nat -A POSTROUTING -o docker0 -j RETURN"
    made = case(WEB, seen_as(WEB, "bridge"), changed(missing=(rule,)))

    assert words(translation.masqueraded(made))[1].endswith(f"is gone: {rule}")


@pytest.mark.parametrize(
    ("want", "got"),
    [
        (WEB, WEB),
        (PING, replace(PING, sender=end("c2"))),
        (WEB, replace(seen_as(WEB, "bridge"), target=end("c2:80"))),
        (WEB, replace(seen_as(WEB, "bridge"), disposition="proxied")),
        (WEB, replace(WEB, sender=None, target=None, disposition="dropped")),
    ],
    ids=["kept", "meant", "another target", "proxied", "dropped"],
)
def test_something_else(want: FlowFact, got: FlowFact) -> None:
    """A source that was kept, that is meant to be translated, or that a proxy has."""
    assert translation.masqueraded(case(want, got)) is None


FREE = PortTranslation(
    field="port",
    original=Symbol("port", 1),
    mapped=Symbol("port", 2),
    in_use=False,
    in_port_range=True,
)


@pytest.mark.parametrize("want", [WEB, DIRECT])
def test_remapped_client_port(want: FlowFact) -> None:
    """A port that alone was translated is the client's, whatever the flow is called."""
    rule = "nat -A POSTROUTING -j SNAT --to-source host01:50000-50100"
    sign = Seen("port", "preserved", "remapped", expected=None, found=FREE)
    got = seen_as(want, "host01")
    made = case(want, got, changed(extra=(rule,)), evidence=(sign,))

    assert words(translation.remapped(made)) == (
        "remapped although free",
        f"the port was changed although nobody else held it; this rule is new: {rule}",
    )
    assert translation.masqueraded(made) is None


def test_proxied_by_another_rule() -> None:
    """A new rule of nat that comes before Docker's is why a proxy has the flow."""
    rule = "nat -A PREROUTING -p tcp --dport 81 -j REDIRECT"
    got = replace(WEB, sender=end("bridge"), kind="proxied", disposition="proxied")
    found = words(translation.proxied(case(WEB, got, changed(extra=(rule,)))))

    assert found[0] == "proxied"
    assert found[1].endswith(f"this rule is new: {rule}")
