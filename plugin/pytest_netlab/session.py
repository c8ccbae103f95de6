"""The `netlab` fixture: a lab as one scenario's author sees it, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_netlab.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_netlab.captured import Trace
    from pytest_netlab.lab.protocol import Node
    from pytest_netlab.replay import Result
    from pytest_netlab.run import ScenarioRun


class Netlab:
    """The lab as one scenario sees it: its nodes, captures and verdict."""

    def __init__(self, run: ScenarioRun) -> None:
        """Show a run to its author."""
        self._run = run

    def __getattr__(self, name: str) -> Node:
        """Return a node: host, c1, c2, c3, web, host01, host02."""
        nodes = self._run.lab.nodes
        if name not in nodes:
            raise AttributeError(f"no node {name!r}; the lab has {', '.join(nodes)}")
        return nodes[name]

    @property
    def docker(self) -> Any:
        """Return the docker SDK client of the engine under test."""
        return self._run.lab.docker

    @property
    def facts(self) -> Mapping[str, str]:
        """Return versions and settings of the host under test."""
        return self._run.lab.facts

    def capture(self, *points: str) -> AbstractContextManager[Trace]:
        """Capture on these points (default: docker0 and uplink) while the block runs.

        A command that fails inside the block is judged by its packets first: they
        tell why it failed.

        Raises:
            BlindCaptureError: the capture cannot prove that it saw everything.
            ScenarioFailedError: a command failed and the packets differ.
            LabError: there is no such point.

        """
        return self._run.capture(*points)

    def replay(
        self,
        path: Path | str,
        *,
        client: str,
        server: str,
        flows: str | None = None,
        pace: float = 0.0,
        check: bool = True,
    ) -> Result:
        """Play a stored capture from both ends: a client's packets and a server's.

        Args:
            path: a capture; of docker0 and the uplink, or of one interface.
            client: the node that plays who began, `c1`.
            server: the node that plays the other: `host01`; `web:80` by its published
                port from beyond, else itself; `host:81` for a hairpin.
            flows: only the conversations with this protocol, address or port.
            pace: how many times as fast as captured; 0 does not wait.
            check: demand that every packet comes out as it went in.

        Raises:
            ReplayError: the capture cannot be played, or not there.
            CommandError: a packet was lost, altered, doubled or led elsewhere; in a
                capture, its packets tell why first.

        """
        result = self._run.replay(
            path, client=client, server=server, flows=flows, pace=pace
        )
        if check and result.findings:
            raise CommandError(f"replay of {path}: {result}")
        return result

    def check(self, trace: Trace) -> None:
        """Assert that the trace is what the scenario's golden says.

        Raises:
            ScenarioFailedError: it differs; the verdict says where and why.
            GoldenError: the golden is missing or damaged.

        """
        self._run.check(trace)
