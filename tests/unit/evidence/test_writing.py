"""What of a verdict is not as its value is, but as format 1 of verdict.json has it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.flowfacts import fact

from pytest_netlab.checks import Violation
from pytest_netlab.evidence.record import Record, dumps, read
from pytest_netlab.flows import ICMP, ICMP6, TCP, UDP, Tuple5
from pytest_netlab.host import HostChange
from pytest_netlab.host.tracking.connections import Connection
from pytest_netlab.judge import Verdict
from pytest_netlab.trace import CanonicalFlow, CanonicalTrace, PortTranslation, Symbol

if TYPE_CHECKING:
    from pathlib import Path

LEAK = Violation("loopback-on-uplink", "never", "c1", (4,), "uplink", flow="arp")
VERDICT = Verdict(
    scenario="ping", outcome="fail", observed=CanonicalTrace(("uplink",), (), (LEAK,))
)
RECORD = Record(scenario="ping", test="t", outcome="failed", verdict=VERDICT)
TABLE = {
    "field": "loopback-on-uplink",
    "want": "never",
    "got": "c1",
    "point": "uplink",
    "reply": False,
    "packet": 5,
    "flow": "arp",
}


def never(record: Record) -> dict[str, Any]:
    """Return verdict.json, and in it the one violation."""
    table = json.loads(dumps(record)[0])
    assert table["verdict"]["observed"]["never"] == [TABLE]
    return dict(table)


CONNECTION = Connection(
    Tuple5(TCP, "host01", 5000, "host", 81), Tuple5(TCP, "web", 80, "host01", 5000)
)


def test_tracked(tmp_path: Path) -> None:
    """A connection is stored as a flow is named, and not read back."""
    host = HostChange(conntrack_entries=(CONNECTION,), full="9 of 9 connections")
    verdict = replace(VERDICT, host=host)
    (tmp_path / "verdict.json").write_text(dumps(replace(RECORD, verdict=verdict))[0])

    table = json.loads((tmp_path / "verdict.json").read_text())
    assert table["verdict"]["host"]["tracked"] == [
        {
            "proto": "tcp",
            "initiator": "host01",
            "responder": "host:81",
            "sender": "host01",
            "target": "web:80",
        }
    ]
    found = read(tmp_path).verdict
    assert found is not None
    assert found.host == HostChange(full="9 of 9 connections")


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (None, ""),
        (Tuple5(UDP, "8.8.8.8", 53, "1.2.3.4", 5), "udp 8.8.8.8 1.2.3.4 53 5"),
        (Tuple5(ICMP, "8.8.8.8", 7, "1.2.3.4", 7), "icmp 8.8.8.8 1.2.3.4 7"),
        (Tuple5(ICMP6, "fd00::1", 7, "fd00::2", 7), "icmpv6 fd00::1 fd00::2 7"),
    ],
    ids=["none", "ports", "id", "id of ICMPv6"],
)
def test_wanted(wanted: Tuple5 | None, text: str) -> None:
    """The tuple that a flow would have had is stored in conntrack's words."""
    mapped = PortTranslation(
        field="port",
        original=Symbol("port", 1),
        mapped=Symbol("port", 2),
        in_use=False,
        in_port_range=True,
        wanted=wanted,
    )
    flow = CanonicalFlow(
        fact=fact("udp", "c1", "host01:53"), packets=(), translation=mapped
    )
    verdict = replace(VERDICT, observed=CanonicalTrace(("uplink",), (flow,)))

    table = json.loads(dumps(replace(RECORD, verdict=verdict))[0])
    assert table["verdict"]["observed"]["told"][0]["remap"]["wanted"] == text


def test_read_back(tmp_path: Path) -> None:
    """A violation is stored by the number of its packet; traces are not read back."""
    never(RECORD)
    (tmp_path / "verdict.json").write_text(dumps(RECORD)[0])

    bare = replace(VERDICT, observed=CanonicalTrace((), ()))
    assert read(tmp_path) == replace(RECORD, verdict=bare)
