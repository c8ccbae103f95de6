"""IPv4-mapped addresses of IPv6 packets are IPv6 everywhere, and flows of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.traffic import IN, Packet, capture, routed

from pytest_netlab.capture import write
from pytest_netlab.flows import ICMP6, TCP, UDP, Tuple5, conversations, uniflow_of

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command

KEY = Tuple5(UDP, "::ffff:10.0.0.5", 5000, "::ffff:198.51.100.10", 53)
PLAIN = Tuple5(UDP, "10.0.0.5", 5000, "198.51.100.10", 53)
HALF = Tuple5(TCP, "fd00::5", 5000, "::ffff:198.51.100.10", 80)
BEYOND = "2001:db8::1"
SENT = [
    Packet(key=key, ip_id=number, data=b"%d" % number, direction=IN)
    for number, key in enumerate((KEY, PLAIN, HALF, KEY.reply), 1)
]


def test_flows_are_apart() -> None:
    """The same numbers in IPv4 and in IPv6 are two conversations."""
    seen = capture(SENT)

    found = conversations(seen)
    assert [one.key for one in found] == [KEY, PLAIN, HALF]
    assert [one.rows for one in found] == [(0, 3), (1,), (2,)]
    keys = [uniflow_of(seen, row) for row in range(4)]
    assert keys == [KEY, PLAIN, HALF, KEY.reply]


def test_an_error_about_one() -> None:
    """An embedded packet with such addresses belongs to the flow of IPv6."""
    key = Tuple5(ICMP6, BEYOND, 0, KEY.src, 0)
    quoted = SENT[0].datagram
    body = b"\x01\x04\0\0\0\0\0\0" + quoted
    seen = capture([SENT[1], SENT[0], Packet(key=key, body=body)])

    (_, six) = conversations(seen)
    assert (six.key, six.errors) == (KEY, (2,))
    assert uniflow_of(seen, 2) == KEY.reply


def test_show_and_tshark(command: Command) -> None:
    """`show` prints what tshark does, as text and JSON."""
    write("mapped.pcapng", capture(SENT))
    lines = command("show", "--json", "mapped.pcapng").stdout.splitlines()
    shown = [(one["src"], one["dst"]) for one in map(json.loads, lines)]

    assert shown == [(one.key.src, one.key.dst) for one in SENT]
    text = command("show", "mapped.pcapng").stdout
    assert f"IP6 {KEY.src}.5000 > {KEY.dst}.53" in text
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    argv = [tshark, "-n", "-r", "mapped.pcapng", "-T", "fields"]
    argv += ["-e", "_ws.col.Source", "-e", "_ws.col.Destination"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert [tuple(line.split("\t")) for line in done.stdout.splitlines()] == shown


def test_nat(command: Command) -> None:
    """Flows of `nat` have the addresses of their packets, in chunks and whole."""
    write("near.pcapng", capture(SENT))
    moved = [routed(one) for one in SENT]
    write("far.pcapng", capture(moved))

    for flags in ((), ("--write-pairs", "pairs.csv")):
        result = command("nat", "--json", *flags, "near.pcapng", "far.pcapng")
        found = json.loads(result.stdout)["flows"]
        ends = {(one["inside"]["src"], one["inside"]["dst"]) for one in found}
        assert ends == {(key.src, key.dst) for key in (KEY, PLAIN, HALF)}


def test_diff(command: Command) -> None:
    """`diff` tells both apart as well."""
    write("six.pcapng", capture(SENT[:1] * 2))
    write("four.pcapng", capture(SENT[1:2] * 2))

    assert command("diff", "six.pcapng", "six.pcapng").exit_code == 0
    assert command("diff", "six.pcapng", "four.pcapng").exit_code == 1
