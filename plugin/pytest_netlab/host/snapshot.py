"""What is known of a host at one moment, asked for or read from kept evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.host import conntrack, sysctls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.host.conntrack import Entry, Event

ENTRIES, EVENTS, SYSCTLS = "conntrack.txt", "conntrack-events.txt", "sysctl.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A host at one moment.

    Attributes:
        files: evidence, file name -> text: what is below, rendered, and what tools say.
        entries: the connections that it tracks.
        events: what became of connections while somebody listened.
        sysctls: name -> value; those that its kernel does not have are left out.

    """

    files: Mapping[str, str] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    events: tuple[Event, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)

    @property
    def replies(self) -> frozenset[Tuple5]:
        """Return the reply tuples of all connections, of those that ended too."""
        held = {one.reply for one in self.entries}
        return frozenset(held.union(one.reply for one in self.events))


def read(files: Mapping[str, str]) -> Snapshot:
    """Return what evidence tells of a host; what it has no words for is empty."""
    return Snapshot(
        files=files,
        entries=conntrack.entries(files.get(ENTRIES, "")),
        events=conntrack.events(files.get(EVENTS, "")),
        sysctls=sysctls.parse(files.get(SYSCTLS, "")),
    )
