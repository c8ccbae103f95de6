"""Addresses as text and values, and which of them masquerading takes."""

from __future__ import annotations

import pytest

from pytest_netlab.host.routing.addresses import Address, addresses, masqueraded

LISTED = """\
lo 127.0.0.1/8 scope 254
ens160 172.16.211.128/24 scope 0
ens160 172.16.211.200/24 scope 0 secondary
ens160 10.0.0.1/8 scope 0
ens160 fe80::1/64 scope 253
"""


def test_listed() -> None:
    """They are read as they are written; other lines are left out."""
    found = addresses(f"no address\nx y scope 0\n{LISTED}")

    assert "".join(f"{one}\n" for one in found) == LISTED
    assert found[2] == Address("ens160", "172.16.211.200/24", 0, secondary=True)
    assert found[2].ip == "172.16.211.200"


@pytest.mark.parametrize(
    ("device", "hop", "taken"),
    [
        ("ens160", "172.16.211.2", "172.16.211.128/24"),
        ("ens160", "10.7.7.7", "10.0.0.1/8"),
        ("ens160", "192.0.2.1", "172.16.211.128/24"),
        ("ens160", "fd00::1", None),
        ("lo", "127.0.0.2", None),
    ],
)
def test_masqueraded(device: str, hop: str, taken: str | None) -> None:
    """It is the first of the next hop's network, else the first."""
    found = masqueraded(addresses(LISTED), device, hop)

    assert (found and found.text) == taken
