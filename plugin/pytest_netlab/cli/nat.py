"""`pytest-netlab nat`: how a NAT between two capture points translated flows."""

from __future__ import annotations

import gc
import shlex
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pytest_netlab.capture import Capture, write
from pytest_netlab.cli import pairs
from pytest_netlab.cli.group import Trouble
from pytest_netlab.cli.memory import bounded
from pytest_netlab.cli.output import emit, json_texts, rendered, say
from pytest_netlab.cli.pairs import with_pairs
from pytest_netlab.cli.progress import Watch
from pytest_netlab.cli.sides import sides
from pytest_netlab.cli.sources import (
    FILE,
    OUT,
    STDIN,
    as_trouble,
    formats,
    labelled,
    located,
    only_once,
    spare,
)
from pytest_netlab.cli.tunnelled import crossed, tunnels
from pytest_netlab.errors import CaptureError
from pytest_netlab.invocation import current
from pytest_netlab.nat import Translations, learn
from pytest_netlab.nat.mapping.table import IDLE
from pytest_netlab.nat.paired_packets import PairedPackets, paired_packets
from pytest_netlab.nat.swapped import evidence
from pytest_netlab.report import translations
from pytest_netlab.terminal import Safe, escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_netlab.capture import Budget
    from pytest_netlab.cli.sides import SideChunks

_SECOND = 10**9  # in ns
_MOST_IDLE = 10**9  # seconds: a count of ns must stay in 64 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What was learned of a NAT.

    Attributes:
        found: with rows that count on each side.
        shown: the same, with rows that count in the files.
        captures: inside and outside; None where they were read in chunks.
        sides: what knows of each side's rows which rows of the files they are.

    """

    found: Translations
    shown: Translations
    captures: tuple[Capture, Capture] | None
    sides: tuple[SideChunks, SideChunks]


class Demands(NamedTuple):
    """What is demanded of the NAT, as `learn` takes it."""

    idle: int
    hops: int | None


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
    help="Write the packets of violations, losses and unpaired flows, with comments.",
)
@click.option(
    "--idle",
    type=click.IntRange(0, _MOST_IDLE),
    default=IDLE // _SECOND,
    show_default=True,
    metavar="SECONDS",
    help="After so long without a packet, a mapping may be replaced.",
)
@click.option(
    "--hops",
    type=click.IntRange(0, 255),
    metavar="N",
    help="Routers between the two points; otherwise most packets tell.",
)
@click.option(
    "--decapsulate",
    is_flag=True,
    help="Compare the inner packets of tunnels; done anyway where only those pair.",
)
@with_pairs
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
    """Show how a NAT translated each flow, and which packets were lost.

    INSIDE has the private addresses, OUTSIDE is beyond the NAT. Packets are paired by
    what a NAT may not change, so the clocks of the two need not agree. One capture
    with both points will do: its interfaces are docker0 and uplink unless named.

    A packet that one side saw and the other did not is lost, also when it was sent
    again. It was merely not captured if later packets prove that it crossed, and is
    not looked for while only one side was captured. Two mappings of one port are a
    violation, unless the first was closed or idle.

    \b
    pytest-netlab nat docker0.pcap uplink.pcap
    pytest-netlab nat --json both.pcapng --inside br-lan --outside eth0
    pytest-netlab nat docker0.pcap uplink.pcap --write-diff why.pcapng
    pytest-netlab nat docker0.pcap uplink.pcap --pairs

    Exit code 0: no NAT rule broken, nothing lost; 1: violations, or packets lost;
    2: no verdict.
    """  # noqa: D301 - click's mark
    only_once(inside, outside)
    lists: bool = options["pairs"]
    table: str | None = options["pairs_out"]
    for option, name in (("--write-diff", out), ("--write-pairs", table)):
        spare(name, inside, outside, option=option)
    whole = lists or any(name is not None for name in (out, table))
    budget: Budget = options["budget"]
    demands = Demands(options["idle"] * _SECOND, options["hops"])
    files = inside, outside
    again = partial(_learned, files, (near, far), budget, whole=whole, demands=demands)
    learned = _opened(again, files, asked=options["decapsulate"])
    _check_decoded(learned.found, files)
    _check(learned.found)
    _check_sides(learned.found, files, (near, far))
    if out is not None and learned.captures is not None:
        from pytest_netlab.report import annotate  # noqa: PLC0415 - only with --write-diff

        write(out, annotate.of_translations(*learned.captures, learned.found))
    paired = _paired(learned) if lists or table is not None else None
    if paired is not None and table is not None:
        pairs.write(Path(table), paired)
    emit([pairs.written(paired, form) if lists and paired else _written(learned, form)])
    is_wrong = learned.found.violations or learned.found.account.lost
    sys.exit(1 if is_wrong else 0)


def _paired(learned: Learned) -> PairedPackets | None:
    """Return the pairs of whole captures, with rows that count in the files."""
    if learned.captures is None:
        return None
    found = paired_packets(learned.found, *learned.captures)
    near, far = learned.sides
    return replace(
        found, inside=near.rows(found.inside), outside=far.rows(found.outside)
    )


def _opened(
    read: Callable[..., Learned], files: tuple[str, str | None], *, asked: bool
) -> Learned:
    """Learn from packets as they are, or from those in tunnels if more of them pair."""
    learned = read(decapsulate=asked)
    kinds = [] if asked else tunnels(learned.found)
    if not kinds:
        return learned
    named = [name for name in files if name is not None]
    if not all(name != STDIN and located(name).is_file() for name in named):
        say(
            f"Warning: the inner packets of {' and '.join(kinds)} were not compared: "
            "add --decapsulate, or name files, which can be read twice",
            err=True,
        )
        return learned
    try:
        opened = read(decapsulate=True)
    except Trouble:  # not enough memory for both
        return learned
    return opened if crossed(opened.found) > crossed(learned.found) else learned


def _learned(
    files: tuple[str, str | None],
    points: tuple[str | None, str | None],
    budget: Budget,
    *,
    whole: bool,
    demands: Demands,
    decapsulate: bool,
) -> Learned:
    """Learn from both sides: in chunks, or from whole captures with `whole`."""
    try:
        with ExitStack() as stack:
            stack.enter_context(_unswept())
            watch = stack.enter_context(Watch())
            near, far = sides(
                stack, watch, files, points, budget, decapsulate=decapsulate
            )
            captures = (near.whole(), far.whole()) if whole else None
            found = learn(
                *(captures or (near, far)),
                memory=budget,
                guess=True,
                **demands._asdict(),
            )
            found.flows  # noqa: B018 - built on first access, here
    except CaptureError as error:
        raise as_trouble(error) from error
    shown = _in_files(found, near, far)
    return Learned(found=found, shown=shown, captures=captures, sides=(near, far))


def _in_files(found: Translations, near: SideChunks, far: SideChunks) -> Translations:
    """Return flows, violations and losses with rows that count in the files."""
    wrong = found.violations
    inside = near.rows([one.inside_row for one in wrong]).tolist()
    outside = far.rows([one.outside_row for one in wrong]).tolist()
    violations = tuple(
        one.at(*rows)
        for one, rows in zip(wrong, zip(inside, outside, strict=True), strict=True)
    )
    losses = tuple(
        one._replace(
            rows=tuple((near if one.side == "inside" else far).rows(one.rows).tolist())
        )
        for one in found.account.losses
    )
    account = replace(found.account, losses=losses)
    return Translations(found.flows, violations, account=account, hops=found.hops)


@contextmanager
def _unswept() -> Iterator[None]:
    """Pause the garbage collector: nothing here forms cycles; it costs a tenth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _check_decoded(found: Translations, files: tuple[str, str | None]) -> None:
    """Refuse to judge where one side has no flow since it is not decoded."""
    if any(flow.inside and flow.outside for flow in found.flows):
        return
    names = {"inside": files[0], "outside": files[1] or files[0]}
    for side, name in names.items():
        _check_sealed(found, side, name)
        odd = [one for one in found.account.undecoded if one.side == side and one.hides]
        if odd and not any(getattr(flow, side) for flow in found.flows):
            what = "its link type is" if odd[0].link else "its frames are"
            raise Trouble(
                f"{labelled(name)}: {what} {odd[0].kind}, which is not decoded: "
                "capture where packets begin with an Ethernet or an IP header"
            )


def _check_sealed(found: Translations, side: str, name: str) -> None:
    """Refuse to judge where most of one side is encrypted, and nothing pairs."""
    span = found.account.inside if side == "inside" else found.account.outside
    sealed = [
        one for one in found.account.tunnels if one.side == side and one.encrypted
    ]
    count = sum(one.packets for one in sealed)
    if span is not None and 2 * count > span.packets:
        kinds = " and ".join(one.kind for one in sealed)
        raise Trouble(
            f"{labelled(name)}: {count:,} of {span.packets:,} packets are inside a "
            f"{kinds} tunnel: encrypted, nothing to compare; capture in front of it"
        )


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


def _check_sides(
    found: Translations,
    files: tuple[str, str | None],
    points: tuple[str | None, str | None],
) -> None:
    """Refuse sides that are the wrong way round; warn where they may be."""
    known = evidence(found.flows)
    if known == "certain":
        raise Trouble(
            "the sides are the wrong way round: of flows from OUTSIDE the source was "
            f"rewritten, and of none from INSIDE: `{_exchanged(files, points)}`"
        )
    if known == "possible":
        say(
            "Warning: only destinations were rewritten, of flows from INSIDE: if these "
            "are published ports, the sides are the wrong way round: "
            f"`{_exchanged(files, points)}`",
            err=True,
        )


def _exchanged(
    files: tuple[str, str | None], points: tuple[str | None, str | None]
) -> str:
    """Return the command with inside and outside exchanged."""
    first, second = files
    near, far = points
    if second is None:
        from pytest_netlab.spec import DOCKER0, UPLINK  # noqa: PLC0415 - milliseconds

        near, far = near or DOCKER0.name, far or UPLINK.name
    named = [part for part in (second, first) if part is not None]
    for option, name in (("--inside", far), ("--outside", near)):
        named += [] if name is None else [option, name]
    return f"{current().netlab} nat {shlex.join(named)}"


def _keys(found: Translations) -> Iterable[Iterable[object]]:
    yield (flow.inside for flow in found.flows)
    yield (flow.outside for flow in found.flows)


def _written(learned: Learned, form: str | None) -> Iterable[Safe]:
    found = learned.shown
    if form == "json":
        return json_texts(translations.to_json(found))
    if form == "csv":
        return [escaped(translations.to_csv(found))]
    return [rendered(translations.to_table(found))]
