"""The interface of a lab: nodes, captures, state of the host. Knows no backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from pytest_netlab.capture import Capture
    from pytest_netlab.host.snapshot import Snapshot
    from pytest_netlab.spec import Point


class Node(Protocol):
    """A machine or container of the lab."""

    @property
    def name(self) -> str:
        """Return its symbol: host, c1, web, host01, ..."""

    @property
    def address(self) -> str:
        """Return its IPv4 address as text."""

    def run(
        self, *argv: str, check: bool = True, timeout: float = 10
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of this machine inside the node's network namespace.

        Raises:
            LabError: it failed (with ``check``) or ran out of time; names node,
                command, exit code and what it printed.

        """

    @property
    def container(self) -> Any:
        """Return the docker SDK's container; LabError if the node is no container."""


class Tap(Protocol):
    """A running capture on some points of a lab."""

    def stop(self) -> Capture:
        """Send the closing canaries, wait for them, and return the capture.

        Raises:
            BlindCaptureError: a canary was not seen, or packets were dropped.

        """

    def close(self) -> None:
        """Abandon the capture and free its resources; may be called twice."""


class Lab(Protocol):
    """A host with docker0, four containers, an uplink and two neighbours."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Return host, c1, c2, c3, web, host01, host02."""

    @property
    def symbols(self) -> Mapping[str, str]:
        """Return address text -> symbol: the nodes, docker0 (`bridge`), the gateway."""

    @property
    def facts(self) -> Mapping[str, str]:
        """Return versions and settings: what a golden's provenance records."""

    @property
    def docker(self) -> Any:
        """Return the docker SDK client; LabError where there is no engine."""

    def demand_engine(self) -> None:
        """Check that the engine is the one that the lab started with, and answers.

        Raises:
            LabError: it died or is silent; no later scenario can be judged.

        """

    def reset(self) -> None:
        """Bring the lab to the state every scenario starts from (conntrack flushed)."""

    def tap(self, points: Sequence[Point]) -> Tap:
        """Start a capture; return when the opening canary was seen on every point."""

    def snapshot(self) -> Snapshot:
        """Return the present state of the host, as values and as evidence files."""

    def close(self) -> None:
        """Undo everything the lab made; may be called twice."""
