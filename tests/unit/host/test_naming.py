"""Names in place of addresses: what a rule says on any address plan."""

from __future__ import annotations

import pytest

from pytest_netlab.host.naming import named

SYMBOLS = {"172.17.0.5": "web", "fd00::5": "web6"}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("-d 172.17.0.5/32", "-d web"),
        ("-d 172.17.0.5", "-d web"),
        ("-d 172.17.0.0/16", "-d net"),
        ("-d 127.0.0.0/8", "-d 127.0.0.0/8"),
        ("-d 192.0.2.1/32", "-d 192.0.2.1"),
        ("--to-destination 172.17.0.5:80", "--to-destination web:80"),
        ("--src-range 172.17.0.5-192.0.2.1", "--src-range web-192.0.2.1"),
        ("-d fd00::5/128", "-d web6"),
        ("-d fd00::/64", "-d net"),
        ("--to-destination [fd00::5]:80", "--to-destination web6:80"),
        ("-d fd00::6/128", "-d fd00::6"),
        ("! -d ::1/128", "! -d ::1"),
        ("a::b::c 1.2.3", "a::b::c 1.2.3"),
    ],
)
def test_named(rule: str, told: str) -> None:
    """An address is its node, a network is `net`, and what is neither stays."""
    assert named(rule, SYMBOLS) == told
