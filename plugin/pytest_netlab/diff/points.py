"""Find, in two captures, the interfaces on the two sides of the host; rename points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_netlab.errors import NetlabError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_netlab.capture import Capture
    from pytest_netlab.trace import CanonicalFlow, CanonicalTrace

INSIDE, OUTSIDE = "inside", "outside"
DEFAULTS = {INSIDE: "docker0", OUTSIDE: "uplink"}
ABSENT = "\0"  # no interface has this name: it ends a string in pcapng


@dataclass(frozen=True, slots=True)
class Points:
    """Names of a capture's interfaces by side; a side that is absent saw nothing."""

    names: Mapping[str, str]

    @property
    def inside(self) -> str:
        """Return the name of the inside interface; ABSENT if there is none."""
        return self.names.get(INSIDE, ABSENT)

    @property
    def outside(self) -> str:
        """Return the name of the outside interface; ABSENT if there is none."""
        return self.names.get(OUTSIDE, ABSENT)

    def labels(self) -> dict[str, str]:
        """Return each side's label: its interface's name, or the side without one."""
        return {side: name or side for side, name in self.names.items()}


def both_points(
    golden: Capture, observed: Capture, asked: Mapping[str, str | None]
) -> tuple[Points, Points]:
    """Find the two sides in both captures.

    A capture with one interface is the inside, unless that is named as the outside.

    Args:
        golden: what was expected.
        observed: what was seen.
        asked: side -> name of its interface; a capture without an interface of this
            name, and None, use docker0 and uplink.

    Raises:
        NetlabError: they were not captured at the same sides.

    """
    known = [[found.name for found in one.interfaces] for one in (golden, observed)]
    for side, name in asked.items():
        if name is not None and name not in known[0] + known[1]:
            text = f"no interface {name!r} in either capture"
            raise NetlabError(f"{text}: --{side} is one of {_listed(*known)}")
    found = [Points(_sides(names, asked)) for names in known]
    if any(
        points.names.keys() != found[0].names.keys() or not points.names
        for points in found
    ):
        raise NetlabError(
            f"capture points do not match: the golden has {_listed(known[0])}, the "
            f"observed capture {_listed(known[1])}; name them with --inside, --outside"
        )
    return found[0], found[1]


def called(trace: CanonicalTrace, names: Mapping[str, str]) -> CanonicalTrace:
    """Return a trace with its points called by other names."""

    def renamed(flow: CanonicalFlow) -> CanonicalFlow:
        packets = (replace(one, point=names[one.point]) for one in flow.packets)
        wrong = (replace(one, point=names[one.point]) for one in flow.violations)
        return replace(flow, packets=tuple(packets), violations=tuple(wrong))

    points = tuple(names[point] for point in trace.points)
    forbidden = tuple(replace(one, point=names[one.point]) for one in trace.forbidden)
    flows = tuple(map(renamed, trace.flows))
    return replace(trace, points=points, flows=flows, forbidden=forbidden)


def _sides(names: Iterable[str], asked: Mapping[str, str | None]) -> dict[str, str]:
    """Return side -> interface of one capture."""
    known = dict.fromkeys(names)
    found: dict[str, str] = {}
    for side, default in DEFAULTS.items():
        name = asked.get(side)
        if name is not None and name in known:
            found[side] = name
        elif default in known:
            found[side] = default
    if not found and len(known) == 1:
        found[INSIDE] = next(iter(known))
    return found


def _listed(*captures: Iterable[str]) -> str:
    names = dict.fromkeys(name for names in captures for name in names)
    return ", ".join(name or "one without a name" for name in names) or "none"
