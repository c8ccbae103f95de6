"""What reaches a real host leaves it once and in order, and nothing else leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Scenarios = Callable[..., pytest.RunResult]

FIRST = "-m limit --limit 1/hour --limit-burst 1 -j DROP"
LOST = {
    "FIN": ("-i docker0 -p tcp --tcp-flags FIN FIN", "reply not forwarded"),
    "FIN of the client": ("-i ens160 -p tcp --tcp-flags FIN FIN", "not forwarded"),
    "ack": ("-o docker0 -p tcp --tcp-flags SYN,PSH,FIN,ACK ACK", "not forwarded"),
    "data": ("-i ens160 -p tcp --tcp-flags PSH PSH", "not forwarded"),
    "SYN": ("-i ens160 -p tcp --tcp-flags SYN,ACK SYN", "not forwarded"),
}
COPIES = {
    "segments into docker0": ("forward", "docker0", "172.17.0.5", "published_web"),
    "segments on the uplink": (
        "postrouting",
        "ens160",
        "172.16.211.1",
        "published_web",
    ),
    "pings on the uplink": ("postrouting", "ens160", "172.16.211.1", "ping_beyond"),
}
SWAPPED = (
    "from contextlib import ExitStack; "
    "from pytest_netlab.mutate.live.queue import swapped; "
    "lab.queue = ExitStack(); "
    "swap = swapped('-p tcp -i docker0 -m length --length 100:1500'); "
    "lab.queue.enter_context(swap(lab)); "
    "lab._undo.push(lab.queue)"
)


@pytest.mark.parametrize("what", LOST)
def test_lost(scenarios: Scenarios, what: str) -> None:
    """A segment that the host drops is missed, though its repeat crosses."""
    match, cause = LOST[what]
    rule = f"iptables -t mangle -I FORWARD {match} {FIRST}"

    result = scenarios("-k", "published_web", fault=f"host.run(*{rule.split()!r})")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"published-web FAILED: {cause}",
            "*some packets*reached the host and were never sent on to*",
            "  unpaired-forwarded (*",
        ]
    )


@pytest.mark.parametrize("what", COPIES)
def test_copied(scenarios: Scenarios, what: str) -> None:
    """A copy that the host makes is no retransmission, whatever its IP id is."""
    hook, link, to, scenario = COPIES[what]
    chain = "add chain ip copies {} {{ type {} hook {} priority 300 ; }}"
    proto = "icmp" if scenario == "ping_beyond" else "tcp"
    copied = f"oifname {link} meta l4proto {proto} dup to {to} device {link}"
    commands = (
        "add table ip copies",
        chain.format("copy", "filter", hook),
        f"add rule ip copies copy {copied}",
        chain.format("renumber", "route", "output"),
        f"add rule ip copies renumber oifname {link} ip id set 0x7777",
    )

    result = scenarios(
        "-k", scenario, fault="; ".join(f"host.run('nft', {one!r})" for one in commands)
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*FAILED: delivered twice",
            "cause      delivered twice: a copy that never reached*nft ip copies copy*",
            "  made-by-host (*",
        ]
    )


def test_swapped(scenarios: Scenarios) -> None:
    """A segment that the host sends before the one it follows is out of order."""
    result = scenarios("-k", "published_web", fault=SWAPPED)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "published-web FAILED: reordered-by-host",
            "*NFQUEUE*",
            "  reordered-by-host (*",
        ]
    )
