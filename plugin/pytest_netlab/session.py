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
        """Wrap a run."""
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

        If a command fails inside the block, its packets are judged first: they show
        why it failed.

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
            client: the node that plays the initiator: `c1`.
            server: the node that plays the responder: `host01`; `web:80`, from beyond
                the host by its published port, else directly; `host:81`, a hairpin.
            flows: only the conversations with this protocol, address or port.
            pace: how many times as fast as captured; 0 does not wait.
            check: demand that every packet arrives as NAT should deliver it.

        Raises:
            ReplayError: the capture cannot be played, or not between these nodes.
            CommandError: a packet was lost, altered, duplicated or delivered elsewhere;
                inside `capture`, the packets are judged first.

        """
        result = self._run.replay(
            path, client=client, server=server, flows=flows, pace=pace
        )
        if check and result.findings:
            raise CommandError(f"replay of {path}: {result}")
        return result

    def check(self, trace: Trace) -> None:
        """Assert that the trace matches the scenario's golden.

        Raises:
            ScenarioFailedError: it differs; the verdict says where and why.
            GoldenError: the golden is missing or damaged.

        """
        self._run.check(trace)
