"""What a mutation is called."""

from __future__ import annotations

import pytest
from tests.traffic import MACS, capture

from pytest_netlab.mutate import traffic
from pytest_netlab.mutate.context import Context
from pytest_netlab.trace import CanonicalTrace
from pytest_netlab.wire import arp, assigned, canary, ethernet

QUESTION = arp.build(arp.REQUEST, "172.17.0.2", "172.17.0.1", *MACS)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (canary.build(canary.Canary("n", "uplink", "open"), bytes(6)), "canary: "),
        (ethernet.build(*MACS, QUESTION, ethertype=assigned.ARP), "ARP, Request"),
        (ethernet.build(*MACS, b"else", ethertype=0x1234), "ethertype 0x1234"),
    ],
)
def test_noise(frame: bytes, words: str) -> None:
    """A packet outside the trace is named by its text, not by its class."""
    context = Context(capture([frame]), CanonicalTrace((), ()))

    for mutation in traffic.mutations(context):
        assert words in mutation.detail
        assert "Packet(" not in mutation.name
