"""Flows, losses and clocks made by hand, as `learn` would find them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from tests.traffic import C1, HOST, HOST01

from pytest_netlab.checks import Violation
from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.nat import Flow, Translations
from pytest_netlab.nat.clocks.clock import Clock
from pytest_netlab.nat.translations import Absent, Account, Loss, Span
from pytest_netlab.report.translations import to_table

if TYPE_CHECKING:
    from pytest_netlab.nat.translations import Side, Status

KEY, SENT = Tuple5(TCP, C1, 4000, HOST01, 80), Tuple5(TCP, HOST, 4000, HOST01, 80)
BROKEN = Violation("tos", '"2"', "3", (0, 1))
START = 1_700_000_000_000_000_000
CLOCK = Clock(start=START, offset=5_000_000_000, drift=1.5e-6, error=35_000)
INSIDE = Span(packets=12, first=START, last=START + 10**10, before=5, after=1)
OUTSIDE = Span(packets=1, first=START + 10**9, last=START + 10**9, dropped=3)
NO_UDP = Absent(side="outside", proto=17, port=None, packets=9, crossed=True)


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


def loss(
    *rows: int, reply: bool = False, side: Side = "inside", status: Status = "lost"
) -> Loss:
    """Return a loss of packets of the first flow."""
    return Loss(flow=0, reply=reply, side=side, status=status, rows=rows)


def losing(*losses: Loss, flows: tuple[Flow, ...] = (flow(),)) -> Translations:
    """Return flows of which packets were lost."""
    return Translations(flows, account=Account(losses=losses))


def rendered(found: Translations, width: int = 200) -> str:
    """Return the tables as a terminal of that width shows them."""
    text = io.StringIO()
    console = Console(file=text, width=width, markup=False, emoji=False)
    for part in to_table(found):
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
