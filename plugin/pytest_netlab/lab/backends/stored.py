"""A lab whose run is over: the symbols, facts and host state that it stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import LabUnavailableError
from pytest_netlab.host import snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_netlab.host.snapshot import Snapshot
    from pytest_netlab.lab.protocol import Node, Tap
    from pytest_netlab.spec import Point

OVER = "what is judged is stored packets: there is no lab"


class StoredLab:
    """Implements `lab.protocol.Lab` to judge stored packets: nothing can run in it."""

    def __init__(
        self,
        symbols: Mapping[str, str],
        facts: Mapping[str, str],
        state: Mapping[str, str],
    ) -> None:
        """Keep what was stored.

        Args:
            symbols: address -> symbol.
            facts: versions and settings of that run.
            state: file name -> text, as `Snapshot.files` of that run.

        """
        self.symbols, self.facts = symbols, facts
        self._state = state
        self.nodes: Mapping[str, Node] = {}

    @property
    def docker(self) -> Any:
        """Refuse: there is no engine."""
        raise LabUnavailableError(OVER)

    def demand_engine(self) -> None:
        """Do nothing: the run is over."""

    def reset(self) -> None:
        """Do nothing: the run is over."""

    def tap(self, points: Sequence[Point]) -> Tap:  # noqa: ARG002 - the protocol's
        """Refuse: nothing can be captured."""
        raise LabUnavailableError(OVER)

    def snapshot(self) -> Snapshot:
        """Return the state of the host that the evidence has."""
        return snapshot.read(self._state)

    def close(self) -> None:
        """Do nothing: there is nothing to free."""
