"""`pytest-netlab nat`: how a NAT between two capture points translated flows."""

from __future__ import annotations

import gc
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pytest_netlab.capture import Capture, write
from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.memory import bounded
from pytest_netlab.cli.output import emit, json_texts, rendered, say
from pytest_netlab.cli.progress import Watch
from pytest_netlab.cli.sides import sides
from pytest_netlab.cli.sources import FILE, OUT, as_trouble, formats, only_once, spare
from pytest_netlab.errors import CaptureError
from pytest_netlab.nat import learn
from pytest_netlab.report import rewrites
from pytest_netlab.terminal import Safe, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_netlab.capture import Budget
    from pytest_netlab.checks import Violation
    from pytest_netlab.nat import Translations


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The flows and violations of a NAT.

    Attributes:
        found: its flows.
        violations: those of `found`, with rows that count in the files.
        captures: inside and outside; None where they were read in chunks.

    """

    found: Translations
    violations: Sequence[Violation]
    captures: tuple[Capture, Capture] | None


@click.command(name="nat")
@click.argument("inside", type=FILE)
@click.argument("outside", type=FILE, required=False)
@formats
@click.option("--inside", "near", metavar="NAME", help="Interface, if there are more.")
@click.option("--outside", "far", metavar="NAME", help="The same for the outside.")
@click.option(
    "--write-diff",
    "out",
    type=OUT,
    metavar="OUT.pcapng",
    help="Write the packets of violations and unpaired flows, with comments.",
)
@bounded
def command(
    inside: str,
    outside: str | None,
    form: str | None,
    near: str | None,
    far: str | None,
    out: str | None,
    **options: Any,
) -> None:
    """Show how a NAT translated each flow, from captures of both its sides.

    INSIDE has the private addresses, OUTSIDE is beyond the NAT. Packets are paired by
    what a NAT may not change, so the clocks of the two need not agree. One capture
    with both points will do: its interfaces are docker0 and uplink unless named.

    \b
    pytest-netlab nat docker0.pcap uplink.pcap
    pytest-netlab nat --json both.pcapng --inside br-lan --outside eth0
    pytest-netlab nat docker0.pcap uplink.pcap --write-diff why.pcapng

    Exit code 0: no NAT rule broken; 1: violations; 2: no verdict.
    """  # noqa: D301 - click's mark
    only_once(inside, outside)
    spare(out, inside, outside)
    budget: Budget = options["budget"]
    learned = _learned((inside, outside), (near, far), budget, whole=out is not None)
    _check(learned.found)
    if out is not None and learned.captures is not None:
        from pytest_netlab.report import annotate  # noqa: PLC0415 - only with --write-diff

        write(out, annotate.of_translations(*learned.captures, learned.found))
    emit([_written(learned, form)])
    sys.exit(1 if learned.violations else 0)


def _learned(
    files: tuple[str, str | None],
    points: tuple[str | None, str | None],
    budget: Budget,
    *,
    whole: bool,
) -> Learned:
    """Learn from both sides: in chunks, or from whole captures with `whole`."""
    try:
        with ExitStack() as stack:
            stack.enter_context(_unswept())
            watch = stack.enter_context(Watch())
            near, far = sides(stack, watch, files, points, budget)
            captures = (near.whole(), far.whole()) if whole else None
            found = learn(*(captures or (near, far)), memory=budget)
            found.flows  # noqa: B018 - built on first access, here
    except CaptureError as error:
        raise as_trouble(error) from error
    violations = [
        one.at(near.row(one.inside_row), far.row(one.outside_row))
        for one in found.violations
    ]
    return Learned(found=found, violations=violations, captures=captures)


@contextmanager
def _unswept() -> Iterator[None]:
    """Pause the garbage collector: nothing here forms cycles; it costs a tenth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _check(found: Translations) -> None:
    """Refuse captures without flows; warn if none was seen on both sides."""
    if not found.flows:
        raise Trouble("no conversation in either capture: there is nothing to learn")
    seen = [sum(key is not None for key in side) for side in _keys(found)]
    if all(seen) and not any(flow.inside and flow.outside for flow in found.flows):
        say(
            "Warning: no packet was seen on both sides: are these captures of the same "
            "NAT at the same time?",
            err=True,
        )


def _keys(found: Translations) -> Iterable[Iterable[object]]:
    yield (flow.inside for flow in found.flows)
    yield (flow.outside for flow in found.flows)


def _written(learned: Learned, form: str | None) -> Iterable[Safe]:
    if form == "json":
        return json_texts(rewrites.to_json(learned.found, learned.violations))
    if form == "csv":
        return [escaped(rewrites.to_csv(learned.found))]
    return [rendered(rewrites.to_table(learned.found, learned.violations))]
