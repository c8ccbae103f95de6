"""Packets worth a look, with the reason as their comment: captures for Wireshark."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.capture import Capture, Interface
from pytest_netlab.diff import translations
from pytest_netlab.flows import ICMP, ICMP6
from pytest_netlab.report.rewrites import end, ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_netlab.capture import Frame
    from pytest_netlab.diff import Difference, Story
    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat import Flow, Translations


@dataclass(slots=True)
class _Notes:
    """Which packets of a capture to keep, and what to say of each."""

    capture: Capture
    label: str = ""
    texts: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: int, *texts: str) -> None:
        """Keep a packet; say what was not said of it yet."""
        known = self.texts[row]
        known += [text for text in texts if text and text not in known]

    def frames(self, first: int) -> Iterator[Frame]:
        """Yield the packets with their comments; interfaces count from the first."""
        places = {point: first + at for at, point in enumerate(self._points())}
        rows = sorted(self.texts)
        for row, frame in zip(rows, self.capture.select(rows).frames(), strict=True):
            told = [frame.comment] if frame.comment else []
            note = "; ".join([*told, *self.texts[row]])
            yield frame._replace(interface=places[frame.interface], comment=note)

    def interfaces(self, taken: Sequence[str]) -> Iterator[Interface]:
        """Yield the interfaces, by names that are not taken; nothing is counted."""
        for point in self._points():
            known = self.capture.interfaces[point]
            name = known.name or self.label
            yield Interface(
                name=f"{self.label} {name}".strip() if name in taken else name,
                linktype=known.linktype,
                snaplen=known.snaplen,
            )

    def _points(self) -> list[int]:
        """Return the interfaces that captured anything."""
        points: list[int] = np.unique(self.capture.point).tolist()
        return points


def of_translations(inside: Capture, outside: Capture, found: Translations) -> Capture:
    """Return the packets of violations and of unpaired flows, of both sides.

    `found` must have been learned from these captures: chunks leave no rows.
    """
    near, far = _Notes(inside, "inside"), _Notes(outside, "outside")
    owners: dict[int, str] = {}
    for number, flow in enumerate(found.flows, 1):
        text = f"flow {number} {_rewrite(flow)}"
        owners.update(dict.fromkeys(flow.inside_rows, text))
        if flow.fate != "forwarded":
            for row in flow.inside_rows:
                near.add(row, text)
            for row in flow.outside_rows:
                far.add(row, text)
    for broken in found.violations:
        what = f"{broken.field}: want {broken.want}, got {broken.got}"
        flow_text = owners.get(broken.inside_row, "")
        near.add(broken.inside_row, flow_text, what)
        far.add(broken.outside_row, flow_text, what)
    return _merged([near, far], "packets that no NAT may make, and flows it kept")


def of_differences(
    capture: Capture,
    story: Story,
    found: Sequence[Difference],
    points: tuple[str, str],
) -> Capture:
    """Return the conversations in which something differs, and say what.

    Args:
        capture: what was observed.
        story: its story, which counts the packets of the capture.
        found: its differences from the golden.
        points: names of the inside and the outside interface in the capture.

    """
    notes = _Notes(capture)
    firsts = _keep_conversations(notes, story, {one.flow for one in found}, points)
    lost: list[str] = []
    for difference in found:
        text = _told(difference)
        row = (
            difference.packet - 1 if difference.packet else firsts.get(difference.flow)
        )
        if row is None:
            lost.append(f"{difference.flow}: {text}")
        else:
            notes.add(row, text)
    return _merged([notes], "\n".join(["what differs from the golden", *lost]))


def _keep_conversations(
    notes: _Notes, story: Story, wanted: set[str], points: tuple[str, str]
) -> dict[str, int]:
    """Keep all packets of the flows of these names; return the first row of each."""
    owners = _conversations(notes.capture, points)
    firsts: dict[str, int] = {}
    for told in story.told:
        if told.fact.name not in wanted:
            continue
        for line in told.lines:
            rows = owners.get(line.packet - 1, (line.packet - 1,))
            firsts.setdefault(told.fact.name, min(rows))
            for row in rows:
                notes.add(row)
    return firsts


def _conversations(
    capture: Capture, points: tuple[str, str]
) -> Mapping[int, Sequence[int]]:
    """Return row -> all rows of its flow."""
    names = np.array([known.name for known in capture.interfaces])
    near, far = (np.flatnonzero(names[capture.point] == point) for point in points)
    owners: dict[int, Sequence[int]] = {}
    for flow in translations(capture, *points).flows:
        rows = near[list(flow.inside_rows)].tolist()
        rows += far[list(flow.outside_rows)].tolist()
        owners.update(dict.fromkeys(rows, rows))
    return owners


def _told(found: Difference) -> str:
    """Return a difference as a comment."""
    cause = f" ({found.cause.name}: {found.cause.text})" if found.cause else ""
    return f"{found.field}: want {found.want}, got {found.got}{cause}"


def _merged(parts: Sequence[_Notes], comment: str) -> Capture:
    """Return one capture of what is to be kept, in the order of the clocks."""
    frames: list[Frame] = []
    interfaces: list[Interface] = []
    names: dict[str, str] = {}
    for part in parts:
        frames += part.frames(len(interfaces))
        interfaces += part.interfaces([known.name for known in interfaces])
        names = {**part.capture.names, **names}
    frames.sort(key=lambda frame: frame.ts)
    return Capture.from_frames(frames, interfaces, names, f"pytest-netlab: {comment}")


def _rewrite(flow: Flow) -> str:
    """Return what became of a flow: the end that was rewritten, before and after."""
    met, sent = flow.met, flow.sent
    if sent is None:
        return f"{flow.fate} {ends(met)}"
    if flow.kind == "snat":
        return f"snat {_source(met)} -> {_source(sent)}"
    if flow.kind == "dnat":
        return f"dnat {end(met.dst, met.dport)} -> {end(sent.dst, sent.dport)}"
    return f"{flow.kind} {ends(met)}, sent on as {ends(sent)}"


def _source(key: Tuple5) -> str:
    if key.proto in (ICMP, ICMP6):
        return f"{key.src} id {key.sport}"
    return end(key.src, key.sport)
