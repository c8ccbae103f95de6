"""Which rules act before docker0 shows a frame, and which after."""

from __future__ import annotations

import pytest

from pytest_netlab.host import read
from pytest_netlab.host.firewall import hooks
from pytest_netlab.host.firewall.ruleset import among

EARLY = (
    "raw -A PREROUTING -p icmp -j DROP",
    "legacy mangle -A PREROUTING -j DROP",
    "ip6 raw -A PREROUTING -j DROP",
    "nft bridge x p type filter hook prerouting priority -300; policy drop;",
    "nft netdev x p type filter hook ingress device eth0 priority 0; policy drop;",
)
LATE = ("nft bridge x p type filter hook postrouting priority 0; policy drop;",)
NEITHER = (
    "filter -A FORWARD -j DROP",
    "mangle :POSTROUTING DROP",
    "nft inet x p type filter hook forward priority 0; policy drop;",
    "nft arp x p type filter hook input priority 0; policy drop;",
    "route c1 dev docker0",
)


@pytest.mark.parametrize("line", EARLY)
def test_early(line: str) -> None:
    """PREROUTING, and what is below IP on the way up, act before docker0 shows it."""
    assert hooks.is_early(read(line))
    assert not hooks.is_late(read(line))


@pytest.mark.parametrize("line", LATE)
def test_late(line: str) -> None:
    """What is below IP on the way out of the bridge acts after."""
    assert hooks.is_late(read(line))
    assert not hooks.is_early(read(line))


@pytest.mark.parametrize("line", NEITHER)
def test_neither(line: str) -> None:
    """What IP does between two links is seen on both."""
    assert not hooks.is_early(read(line))
    assert not hooks.is_late(read(line))


@pytest.mark.parametrize(
    ("hook", "early", "late"),
    [
        ("input", True, False),
        ("forward", False, True),
        ("", True, True),  # nobody knows who leads there
    ],
)
def test_called(hook: str, *, early: bool, late: bool) -> None:
    """A rule of a chain that others call acts where they do."""
    rule = "nft bridge x own ip protocol icmp drop"
    lines = [rule]
    if hook:
        base = f"nft bridge x p type filter hook {hook} priority 0; policy accept;"
        lines += [base, "nft bridge x p jump own"]
    (found,) = among(lines, [rule])

    assert (hooks.is_early(found), hooks.is_late(found)) == (early, late)
