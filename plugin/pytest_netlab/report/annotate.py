"""Captures for Wireshark: packets worth a look, with the reason as a comment."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.evidence.comments import comment
from pytest_netlab.flows import ICMP, ICMP6
from pytest_netlab.report.translations import losses
from pytest_netlab.report.translations.words import end, ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.capture import Frame
    from pytest_netlab.diff import Difference
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Flow, Translations
    from pytest_netlab.trace import CanonicalTrace


@dataclass(slots=True)
class _Notes:
    """Which packets of a capture to keep, and the comments of each, by row.

    `label` names interfaces without a name, and is the prefix of names that clash. The
    interfaces in `points` are kept even if they captured nothing.
    """

    capture: Capture
    label: str = ""
    points: tuple[str, ...] = ()
    texts: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: int, *texts: str) -> None:
        """Keep a packet; add the texts that its comment does not have yet."""
        known = self.texts[row]
        known += [text for text in texts if text and text not in known]

    def add_all(self, rows: Sequence[int], *texts: str) -> None:
        """Keep packets, and add the texts to each comment."""
        for row in rows:
            self.add(row, *texts)

    def frames(self, first: int) -> Iterator[Frame]:
        """Yield the kept packets with comments; interfaces count from `first`."""
        places = {point: first + at for at, point in enumerate(self._used())}
        rows = sorted(self.texts)
        for row, frame in zip(rows, self.capture.select(rows).frames(), strict=True):
            comments = [frame.comment] if frame.comment else []
            note = "; ".join([*comments, *self.texts[row]])
            yield frame._replace(interface=places[frame.interface], comment=note)

    @property
    def interfaces(self) -> list[Interface]:
        """Return the interfaces, without counters: those are wrong for a selection."""
        known = [self.capture.interfaces[point] for point in self._used()]
        return [
            Interface(
                name=one.name or self.label, linktype=one.linktype, snaplen=one.snaplen
            )
            for one in known
        ] or [Interface(name=self.label)]

    def _used(self) -> list[int]:
        """Return the interfaces that captured anything, and those to keep."""
        kept = [
            point
            for point, known in enumerate(self.capture.interfaces)
            if known.name in self.points
        ]
        used: list[int] = np.union1d(self.capture.point, kept).astype(int).tolist()
        return used


def of_translations(inside: Capture, outside: Capture, found: Translations) -> Capture:
    """Return the packets of violations and unpaired flows, and those that were lost.

    `found` must be learned from these whole captures: from chunks it has no rows.
    """
    near, far = _Notes(inside, "inside"), _Notes(outside, "outside")
    texts = [f"flow {at} {_rewrite(flow)}" for at, flow in enumerate(found.flows, 1)]
    owners: dict[int, str] = {}
    for flow, text in zip(found.flows, texts, strict=True):
        owners.update(dict.fromkeys(flow.inside_rows, text))
        if flow.disposition != "forwarded":
            near.add_all(flow.inside_rows, text)
            far.add_all(flow.outside_rows, text)
    for violation in found.violations:
        what = f"{violation.field}: want {violation.want}, got {violation.got}"
        flow_text = owners.get(violation.inside_row, "")
        near.add(violation.inside_row, flow_text, what)
        far.add(violation.outside_row, flow_text, what)
    for loss in found.account.losses:
        if loss.status != "not looked for":
            side = near if loss.side == "inside" else far
            side.add_all(loss.rows, texts[loss.flow], losses.comment(loss))
    return _merged(
        [near, far],
        "packets that no NAT may make, that were lost, and flows it did not forward",
    )


def of_differences(
    capture: Capture,
    trace: CanonicalTrace,
    found: Sequence[Difference],
    points: tuple[str, str],
) -> Capture:
    """Return the packets of flows that differ, with the differences as comments.

    Args:
        capture: the observed packets.
        trace: its canonical trace; its rows index `capture`.
        found: its differences from the golden.
        points: names of the inside and the outside interface in the capture.

    """
    notes = _Notes(capture, points=points)
    firsts = _keep_conversations(notes, trace, {one.flow for one in found})
    lost: list[str] = []
    for difference in found:
        text = comment(difference)
        row = (
            difference.packet - 1 if difference.packet else firsts.get(difference.flow)
        )
        if row is None:
            lost.append(f"{difference.flow}: {text}")
        else:
            notes.add(row, text)
    return _merged([notes], "\n".join(["what differs from the golden", *lost]))


def _keep_conversations(
    notes: _Notes, trace: CanonicalTrace, wanted: set[str]
) -> dict[str, int]:
    """Keep all packets of the named flows; return flow name -> its first row."""
    firsts: dict[str, int] = {}
    for flow in trace.flows:
        if flow.fact.name in wanted and flow.packets:
            firsts.setdefault(flow.fact.name, min(flow.rows))
            for row in flow.rows:
                notes.add(row)
    return firsts


def _merged(parts: Sequence[_Notes], comment: str) -> Capture:
    """Return one capture of all kept packets, sorted by timestamp."""
    frames: list[Frame] = []
    interfaces: list[Interface] = []
    names: dict[str, str] = {}
    count = Counter(known.name for part in parts for known in part.interfaces)
    for part in parts:
        frames += part.frames(len(interfaces))
        interfaces += (
            replace(known, name=f"{part.label} {known.name}")
            if count[known.name] > 1 and part.label
            else known
            for known in part.interfaces
        )
        names = {**part.capture.names, **names}
    frames.sort(key=lambda frame: frame.ts)
    return Capture.from_frames(frames, interfaces, names, f"pytest-netlab: {comment}")


def _rewrite(flow: Flow) -> str:
    """Return a flow's kind or disposition, and its rewritten end before and after."""
    original, translated = flow.original, flow.translated
    if translated is None:
        return f"{flow.disposition} {ends(original)}"
    if flow.kind == "snat":
        return f"snat {_source(original)} -> {_source(translated)}"
    if flow.kind == "dnat":
        kept, now = (end(key.dst, key.dport) for key in (original, translated))
        return f"dnat {kept} -> {now}"
    return f"{flow.kind} {ends(original)}, sent on as {ends(translated)}"


def _source(key: Tuple5) -> str:
    if key.proto in (ICMP, ICMP6):
        return f"{key.src} id {key.sport}"
    return end(key.src, key.sport)
