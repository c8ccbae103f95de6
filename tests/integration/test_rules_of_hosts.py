"""What the scenarios say of rules, on hosts and engines of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Scenarios = Callable[..., pytest.RunResult]

RULES = ("-k", "nat_rules or filter_rules")
KERNEL, NATIVE = "--netlab-engine=kernel", "--netlab-firewall=native"
FORWARDS = "--netlab-sysctl=net.ipv4.ip_forward=1"
NO_PROXY = "--netlab-daemon=userland-proxy=false"
POLICY = "host.run('iptables', '-P', 'FORWARD', {!r})"
RULE = (
    "import re; rules = 'ip', 'docker-bridges', {chain!r}; "
    "said = host.run('nft', '-a', 'list', 'chain', *rules).stdout; "
    "handle = re.search(r'{rule}.*handle ([0-9]+)', said)[1]; "
    "host.run('nft', 'delete', 'rule', *rules, 'handle', handle)"
)


@pytest.mark.parametrize(
    "options",
    [
        (FORWARDS,),
        (NO_PROXY,),
        ("--netlab-firewall=legacy",),
        (KERNEL, FORWARDS),
        (KERNEL, NATIVE),
    ],
    ids=" ".join,
)
def test_what_engines_do(scenarios: Scenarios, options: tuple[str, ...]) -> None:
    """Rules are as that engine writes them on that host."""
    result = scenarios(*RULES, *options)

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ((KERNEL,), POLICY.format("ACCEPT")),
        ((KERNEL, FORWARDS), POLICY.format("DROP")),
        ((KERNEL, NATIVE), RULE.format(chain="nat-prerouting-and-output", rule="dnat")),
        (
            (KERNEL, NATIVE),
            RULE.format(chain="filter-forward-in__docker0", rule="UNPUBLISHED"),
        ),
    ],
    ids=["open", "closed", "no dnat", "no drop"],
)
def test_what_no_engine_does(
    scenarios: Scenarios, options: tuple[str, ...], fault: str
) -> None:
    """A policy or a rule that is not that engine's makes one scenario red."""
    result = scenarios(*RULES, *options, fault=fault)

    result.assert_outcomes(passed=1, failed=1)
