"""Whether NAT kept a flow's source port or ICMP id, and whether it had to.

Linux keeps it while the external tuple is free; else it draws one of the same class
(nf_nat_core.c, nf_nat_l4proto_unique_tuple).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_netlab.diff.story import Remap
from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP
from pytest_netlab.nat import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from pytest_netlab.diff.policy import Rule
    from pytest_netlab.diff.story import Line, Story, Told
    from pytest_netlab.diff.symbols import Symbols
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Flow

_PORTS = (TCP, UDP)
_IDS = (ICMP, ICMP6)
# first of a class -> the ports it may be mapped to
_CLASSES = {0: range(1, 512), 512: range(600, 1024), 1024: range(1024, 65536)}


class Holders:
    """Which flows of a capture hold a tuple on one side of the NAT, and since when."""

    def __init__(self, flows: Iterable[Flow], since: Callable[[Flow], int]) -> None:
        """Look nothing up yet; `since` returns the time of a flow's first packet."""
        self._since = since
        self._flows: dict[tuple[str, Tuple5], list[Flow]] = defaultdict(list)
        for flow in flows:
            for side, key in (("inside", flow.inside), ("outside", flow.outside)):
                if key is not None:
                    self._flows[side, key].append(flow)

    def keep(self, wanted: Tuple5, flow: Flow) -> bool:
        """Tell whether another flow had this tuple where ours is sent on, before it."""
        side = "outside" if flow.initiated == "inside" else "inside"
        others = (
            other
            for key in (wanted, wanted.reply)
            for other in self._flows.get((side, key), ())
            if other is not flow
        )
        return any(self._since(other) <= self._since(flow) for other in others)


def remap_of(flow: Flow, holders: Holders, symbols: Symbols) -> Remap | None:
    """Return what became of a flow's source port or id; None where it was kept.

    Args:
        flow: one that crossed.
        holders: the flows that may hold its tuple, strangers' included.
        symbols: of this conversation.

    """
    met, sent = flow.met, flow.sent
    if sent is None or flow.kind == "proxied" or met.sport == sent.sport:
        return None
    if met.proto not in (*_PORTS, *_IDS):
        return None
    name = "port" if met.proto in _PORTS else "id"
    wanted = sent._replace(sport=met.sport)
    if met.proto in _IDS:
        wanted = wanted._replace(dport=met.dport)
    return Remap(
        field=name,
        inner=symbols.bind(name, met.sport),
        outer=symbols.bind(name, sent.sport),
        taken=holders.keep(wanted, flow),
        in_class=name == "id" or _same_class(met.sport, sent.sport),
        wanted=answers(wanted),
    )


def knowing(story: Story, held: Collection[str]) -> Story:
    """Return a story that knows what connection tracking held besides its flows.

    A flow that ended before the capture began holds its tuple for a while.
    """
    return replace(story, told=tuple(_knowing(told, held) for told in story.told))


def _knowing(told: Told, held: Collection[str]) -> Told:
    remap = told.remap
    if remap is None or remap.taken or remap.wanted not in held:
        return told
    return replace(told, remap=replace(remap, taken=True))


def _same_class(old: int, new: int) -> bool:
    first = max(start for start in _CLASSES if start <= old)
    return new in _CLASSES[first]


def source_words(
    want: Told, got: Told, name: str, rule: Rule | None
) -> tuple[str, str] | None:
    """Return what was wanted of a source port or id and what came; None if that fits.

    Without a rule, a value that was kept fits, and one that was remapped because
    another flow held its tuple; a golden that had it worse forgives the same.
    """
    remap = got.remap if got.remap and got.remap.field == name else None
    told = (
        f"{remap.fault or 'remapped'}: {remap.inner} -> {remap.outer}" if remap else ""
    )
    known = want.remap.fault if want.remap else ""
    if rule == "preserved":
        return ("preserved", told) if remap else None
    if rule == "remapped":
        used = _SYMBOL[name] in str(got.compared)
        if not remap:
            return ("remapped", "preserved") if used and got.fact.target else None
        return None if remap.in_class else ("remapped in its class", told)
    if rule == "any" or remap is None or remap.fault in ("", known):
        return None
    return ("preserved, or remapped in its class if taken", told)


_SYMBOL = {"port": "port#", "id": "id#"}


def tells(line: Line, remap: Remap | None) -> bool:
    """Tell whether a line shows the value that NAT chose."""
    return remap is not None and remap.outer in _words(line)


def _words(line: Line) -> list[str]:
    return [
        line.src.rpartition(":")[2],
        line.dst.rpartition(":")[2],
        *dict(line.fields).values(),
    ]


def held(line: Line, remap: Remap | None) -> Line:
    """Return a line with the value that NAT chose under the symbol of the original's.

    What became of it is compared once a flow; that it is used throughout, and undone,
    is compared here.
    """
    if remap is None:
        return line
    pattern = re.compile(rf"(?<![\w#]){re.escape(remap.outer)}(?!\d)")
    src, dst, note = (
        pattern.sub(remap.inner, text) for text in (line.src, line.dst, line.note)
    )
    fields = tuple(
        (name, pattern.sub(remap.inner, value)) for name, value in line.fields
    )
    note = _KEPT.sub(r"\1 -> \3", note)
    return replace(line, src=src, dst=dst, note=_NOTHING.sub("", note), fields=fields)


# "c1:port#1 -> host:port#1" goes without the port; "c1 -> c1" with all of the note.
_KEPT = re.compile(r"(\S+):(port#\d+) -> (\S+):\2(?!\d)")
_NOTHING = re.compile(r"^\w+ (\S+) -> \1$")
