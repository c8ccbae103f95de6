"""Connections whose conntrack helper is gone, and those that they announced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import fact
from tests.hosts import changed
from tests.unit.causes.cases import DROPPED, PING, case, words

from pytest_netlab.causes import alg

if TYPE_CHECKING:
    from pytest_netlab.host import HostChange
    from pytest_netlab.trace import FlowFact

CONTROL = fact(
    "tcp", "c1", "host01:21", "host", "host01:21", kind="snat", disposition="forwarded"
)
DATA = fact(
    "tcp",
    "host01",
    "host:4000",
    "host01",
    "c1:4000",
    kind="dnat",
    disposition="forwarded",
)
REFUSED = replace(
    DATA, sender=None, target=None, kind="none", disposition="local", returned=False
)
SILENT = replace(CONTROL, copies=1)
RULE = "raw -A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp"
NFT = 'nft inet site pre tcp dport 21 ct helper set "ftp"'
GONE = changed(missing=(RULE,))


@pytest.mark.parametrize("rule", [RULE, NFT])
def test_control(rule: str) -> None:
    """What nobody reads any more is named, with the rule that is gone."""
    name, text = words(alg.unhelped(case(CONTROL, SILENT, changed(missing=(rule,)))))

    assert name == "no helper"
    assert text.startswith(f"nothing reads what {CONTROL.name} says: ")
    assert text.endswith(f"; this rule is gone: {rule}")


def test_announced() -> None:
    """What it announced is led to it, though it has a port of its own."""
    found = alg.unhelped(case(DATA, REFUSED, GONE, others=(SILENT,)))

    assert words(found) == (
        "no helper",
        (
            f"{CONTROL.name} announced {DATA.name}, and nothing expects it; this rule "
            f"is gone: {RULE}"
        ),
    )


def test_past() -> None:
    """What passes the translation then needs no cause of its own."""
    found = alg.unhelped(case(DATA, REFUSED, GONE, others=(SILENT,)))

    assert found is not None
    assert found.explains == {"tcp host01 -> c1:4000"}


@pytest.mark.parametrize(
    ("want", "got", "host"),
    [
        (CONTROL, SILENT, changed()),
        (CONTROL, SILENT, changed(missing=(RULE.replace("21", "5060"),))),
        (PING, DROPPED, GONE),
        (replace(CONTROL, disposition="local"), SILENT, GONE),
        (
            CONTROL,
            SILENT,
            changed(
                missing=(RULE,),
                extra=("filter -A DOCKER-USER -j DROP",),
                counts={"filter -A DOCKER-USER -j DROP": 2},
            ),
        ),
    ],
    ids=["as it was", "another port", "no port", "local", "dropped"],
)
def test_not_unhelped(want: FlowFact, got: FlowFact, host: HostChange) -> None:
    """A helper of others, or a rule that dropped packets, says nothing of it."""
    assert alg.unhelped(case(want, got, host)) is None
