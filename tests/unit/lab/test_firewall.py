"""Which programs write a host's rules, by the firewall that was chosen."""

from __future__ import annotations

import pytest

from pytest_netlab.lab import firewall


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("", ("iptables", "ip6tables-save", "iptables-restore")),
        ("nft", ("iptables-nft", "ip6tables-nft-save", "iptables-nft-restore")),
        (
            "legacy",
            ("iptables-legacy", "ip6tables-legacy-save", "iptables-legacy-restore"),
        ),
        ("native", ("iptables", "ip6tables-save", "iptables-restore")),
    ],
)
def test_program(chosen: str, names: tuple[str, ...]) -> None:
    """A kind of iptables has its own names; without a choice it is the host's."""
    tools = ("iptables", "ip6tables-save", "iptables-restore")

    assert tuple(firewall.program(one, chosen) for one in tools) == names


def test_programs_that_stand_in() -> None:
    """Every tool of iptables is that of the firewall; one that is missing refuses."""
    found = firewall.programs("legacy", {"iptables-legacy": "/x"}.get)

    assert len(found) == 6
    assert found["iptables"] == "/x"
    assert found["ip6tables-restore"] == ""
    assert firewall.programs("native", str) == firewall.programs("", str) == {}


def test_what_is_needed() -> None:
    """A machine without nft can have every firewall but the native one."""
    assert firewall.needed("native") == {"nft": "nftables"}
    assert set(firewall.needed("legacy")) == {
        "iptables-legacy",
        "iptables-legacy-restore",
    }
    assert set(firewall.needed("")) == {"iptables", "iptables-restore"}


@pytest.mark.parametrize(
    ("chosen", "program"),
    [
        ("", "iptables"),
        ("nft", "iptables-nft"),
        ("legacy", "iptables-legacy"),
        ("native", "nft"),
    ],
)
def test_writer(chosen: str, program: str) -> None:
    """Native rules are written by nft, all others by some iptables."""
    assert firewall.writer(chosen) == program
