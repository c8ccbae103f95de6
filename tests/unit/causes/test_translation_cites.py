"""What the rules about translation cite of the host, the surest clue first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import end
from tests.hosts import changed
from tests.unit.causes.cases import (
    ACCEPT,
    JUMP,
    MASQUERADE,
    NOTRACK,
    OTHER_NODE,
    PING,
    PROXIED,
    VERSIONS,
    VERSIONS_TOLD,
    WEB,
    Seen,
    case,
)

from pytest_netlab.causes.translation import (
    leaked,
    missourced,
    mistranslated,
    proxied,
    remapped,
    reverse_translation,
)
from pytest_netlab.trace import FlowFact, PortTranslation, Symbol

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.causes import Case, Cause
    from pytest_netlab.host import HostChange

BRIDGE_NF = "net.bridge.bridge-nf-call-iptables is 0 here, 1 when recorded"
NFT = "nft ip site nat"
BY_NAME = "raw -A PREROUTING -j NOTRACK"
SNAT = "nat -A POSTROUTING -j SNAT --to-source host02"
MAPPED = PortTranslation(
    field="port",
    original=Symbol("port", 1),
    mapped=Symbol("port", 2),
    in_use=False,
    in_port_range=True,
)
UNDONE, REMAPPED = Seen("undone", "", "host"), Seen("port", "", "", found=MAPPED)
ALMOST = ("nat -A POSTROUTING -j ACCEPT", "nat -A DOCKER -j MASQUERADE")


def told(
    rule: Callable[[Case], Cause | None],
    host: HostChange,
    flow: tuple[FlowFact, FlowFact],
) -> str:
    """Return what a rule says of a flow, as expected and observed."""
    want, got = flow
    found = rule(case(want, got, host, evidence=(UNDONE, REMAPPED)))
    assert found is not None
    return found.text


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (changed(extra=(ACCEPT, OTHER_NODE)), f"this rule is new: {OTHER_NODE}"),
        *(
            (changed(extra=(rule,)), f"this rule is new: {rule}")
            for rule in (
                f"{NFT} dnat to c2",
                "nat -A PREROUTING -p tcp -j REDIRECT --to-ports 9",
                f"{NFT} redirect to :9",
            )
        ),
        (changed(extra=(ACCEPT,)), "nat/DOCKER names another destination"),
    ],
)
def test_mistranslated(host: HostChange, cited: str) -> None:
    """A new rule that may lead elsewhere is why a target is another."""
    assert told(mistranslated, host, (WEB, replace(WEB, target=end("c2:80")))).endswith(
        cited
    )


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (changed(extra=(NOTRACK,), missing=(JUMP,)), f"this rule is new: {NOTRACK}"),
        (changed(extra=(BY_NAME,)), f"this rule is new: {BY_NAME}"),
        (changed(settings={"bridge_nf": ("1", "0")}, missing=(JUMP,)), BRIDGE_NF),
        (changed(missing=(ACCEPT, JUMP)), f"this rule is gone: {JUMP}"),
        (changed(settings=VERSIONS), f"raw table {VERSIONS_TOLD}"),
    ],
    ids=["untracked", "untracked by name", "bridge", "rule", "versions"],
)
def test_undone(host: HostChange, cited: str) -> None:
    """What is not tracked is not translated back; nor is what no rule sees."""
    assert told(reverse_translation, host, (PING, PING)).endswith(cited)


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (changed(missing=(JUMP,), extra=(NOTRACK,)), f"this rule is gone: {JUMP}"),
        (changed(missing=(MASQUERADE,), extra=(NOTRACK,)), f"new: {NOTRACK}"),
        (changed(extra=(BY_NAME,), moved=(JUMP,)), f"new: {BY_NAME}"),
        (changed(moved=(ACCEPT, JUMP)), f"this rule stands elsewhere now: {JUMP}"),
        (changed(missing=("filter -N DOCKER",)), "-> DOCKER did not match"),
        (changed(settings=VERSIONS), f"did not match {VERSIONS_TOLD}"),
    ],
    ids=["gone", "untracked", "untracked by name", "moved", "unrelated", "versions"],
)
def test_proxied(host: HostChange, cited: str) -> None:
    """docker-proxy gets what the DNAT rule does not."""
    assert told(proxied, host, (WEB, PROXIED)).endswith(cited)


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (changed(missing=(*ALMOST, MASQUERADE), extra=(NOTRACK,)), MASQUERADE),
        (changed(missing=ALMOST, extra=(NOTRACK,)), f"this rule is new: {NOTRACK}"),
        (changed(extra=(MASQUERADE, BY_NAME)), f"this rule is new: {BY_NAME}"),
        (changed(extra=(ACCEPT, SNAT), moved=(MASQUERADE,)), f"new: {SNAT}"),
        (changed(moved=(JUMP, MASQUERADE)), f"elsewhere now: {MASQUERADE}"),
        (changed(settings=VERSIONS), f"matched {VERSIONS_TOLD}"),
    ],
    ids=["gone", "untracked", "untracked by name", "before it", "moved", "versions"],
)
def test_leaked(host: HostChange, cited: str) -> None:
    """A container's address leaks where the MASQUERADE rule does not match."""
    bare = replace(PING, sender=end("c1"), kind="none")

    assert told(leaked, host, (PING, bare)).endswith(cited)


@pytest.mark.parametrize(
    "rule", [SNAT, MASQUERADE, f"{NFT} snat to a", f"{NFT} masquerade"]
)
def test_another_source(rule: str) -> None:
    """A new rule for sources is why one is another, in its address or its port."""
    host = changed(extra=(ACCEPT, rule), settings=VERSIONS)
    wrong = replace(PING, sender=end("host02"))

    assert told(missourced, host, (PING, wrong)).endswith(f"this rule is new: {rule}")
    assert told(remapped, host, (PING, PING)).endswith(f"this rule is new: {rule}")


def test_remapped_without_a_rule() -> None:
    """Where no rule asks for another port, the versions may."""
    host = changed(extra=(ACCEPT,), settings=VERSIONS)

    assert told(remapped, host, (PING, PING)).endswith(f"in nat {VERSIONS_TOLD}")
