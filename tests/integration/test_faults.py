"""Break a real host between lab start and traffic: red, and for the right reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Scenarios = Callable[..., pytest.RunResult]

DNAT = (
    "-d {host}/32 ! -i docker0 -p tcp -m tcp --dport {port} "
    "-j DNAT --to-destination {target}"
)
RULE = DNAT.format(host="172.16.211.128", port=81, target="172.17.0.5:80")


def iptables(arguments: str) -> str:
    """Return the Python that runs iptables on the host under test."""
    return f"host.run('iptables', *{arguments.split()!r})"


def replaced(port: int, target: str) -> str:
    """Return the Python that makes the published port's DNAT rule another."""
    rule = DNAT.format(host="172.16.211.128", port=port, target=target)
    old, new = (
        iptables(f"-t nat -D DOCKER {RULE}"),
        iptables(f"-t nat -A DOCKER {rule}"),
    )
    return f"{old}; {new}"


def test_jump_deleted_is_proxied(scenarios: Scenarios) -> None:
    """With the PREROUTING jump gone curl still works; docker-proxy is found out."""
    jump = "-t nat -D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"

    result = scenarios("-k", "published_web", fault=iptables(jump))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "published-web FAILED: proxied",
            "flow       tcp host01 -> host:81, *",
            "cause      proxied: docker-proxy carried it: *sees bridge*PREROUTING*",
            "  source (original, packet * at docker0)",
            "    expected  host01:port#1",
            "    actual    bridge:port#2",
        ]
    )


def test_masquerade_flushed_is_leaked(scenarios: Scenarios) -> None:
    """With POSTROUTING flushed and a route back the ping is answered; it leaked."""
    route = "('ip', 'route', 'add', '172.17.0.0/16', 'via', host.address)"
    fault = f"{iptables('-t nat -F POSTROUTING')}; lab.nodes['host01'].run(*{route})"

    result = scenarios("-k", "ping_beyond", fault=fault)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "ping-beyond FAILED: leaked",
            "flow       icmp echo c1 -> host01, original and reply direction",
            "cause      leaked: c1 left on the uplink with its own address*",
        ]
    )


def test_forwarding_off_is_not_forwarded(scenarios: Scenarios) -> None:
    """With ip_forward=0 the ping dies in the host; ping-host stays green."""
    fault = "host.run('sysctl', '-w', 'net.ipv4.ip_forward=0')"

    result = scenarios("-k", "ping", fault=fault)

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "ping-beyond FAILED: not forwarded",
            "cause      not forwarded: c1's packets to host01 are not forwarded;*",
            "*ip_forward*1 then, 0 here*",
        ]
    )


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "dropped"])
def test_other_container_is_wrong_target(scenarios: Scenarios, *, accept: bool) -> None:
    """A DNAT rule to another container is named, forwarded there or dropped."""
    fault = replaced(81, "172.17.0.3:80")
    if accept:
        fault += "; " + iptables("-I DOCKER-USER -j ACCEPT")

    result = scenarios("-k", "published_web", fault=fault)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["published-web FAILED: wrong target", "cause      wrong target: *"]
    )


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "dropped"])
def test_other_port_is_wrong_port(scenarios: Scenarios, *, accept: bool) -> None:
    """A DNAT rule to another port of the container is named."""
    fault = replaced(81, "172.17.0.5:8080")
    if accept:
        fault += "; " + iptables("-I DOCKER-USER -j ACCEPT")

    result = scenarios("-k", "published_web", fault=fault)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["published-web FAILED: wrong port", "cause      wrong port: *"]
    )


def test_other_published_port_is_wrong_port(scenarios: Scenarios) -> None:
    """A rule that publishes 82 instead of 81 is named, though docker-proxy answers."""
    result = scenarios("-k", "published_web", fault=replaced(82, "172.17.0.5:80"))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["published-web FAILED: wrong port"])


def nft(*rules: str) -> str:
    """Return the Python that hooks a foreign nft table into forwarding."""
    commands = (
        "add table inet site",
        "add chain inet site forward { type filter hook forward priority 10 ; }",
        *(f"add rule inet site forward {rule}" for rule in rules),
    )
    return "; ".join(f"host.run('nft', {command!r})" for command in commands)


def test_foreign_table_is_rejected(scenarios: Scenarios) -> None:
    """A table beside Docker's that rejects is cited, and who refused is named."""
    fault = nft("reject with icmpx type admin-prohibited")

    result = scenarios("-k", "ping", fault=fault)

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "ping-beyond FAILED: rejected",
            "cause      rejected: c1 was refused by admin prohibited from bridge; *",
            "*nft inet site forward reject with icmpx*admin-prohibited",
        ]
    )


def test_lost_reply_is_named(scenarios: Scenarios) -> None:
    """A host that drops what comes back is told from one that never forwarded."""
    rule = "-I DOCKER-USER -i ens160 -p icmp -j DROP"

    result = scenarios("-k", "ping_beyond", fault=iptables(rule))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "ping-beyond FAILED: reply not forwarded",
            "cause      reply not forwarded: host01's replies reached the host*",
            "*filter -A DOCKER-USER -i ens160 -p icmp -j DROP (*",
        ]
    )


@pytest.mark.parametrize(
    ("rule", "field"),
    [("tcp window set 1000", "tcp_window"), ("ip id set 7", "ip_id")],
    ids=["window", "ip-id"],
)
def test_altered_packets_are_named(scenarios: Scenarios, rule: str, field: str) -> None:
    """A field that no NAT may change is named; the packets are not called lost."""
    result = scenarios("-k", "published_web", fault=nft(rule))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"  {field} (*"])
    result.stdout.no_fnmatch_line("*proxied*")


def test_duplicated_segments_are_told(scenarios: Scenarios) -> None:
    """Clones of packets are not taken for retransmissions."""
    rule = "-t mangle -A PREROUTING -i ens160 -p tcp -j TEE --gateway 172.16.211.3"

    result = scenarios("-k", "published_web", fault=iptables(rule))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["    actual    host01:port#1 > host:81 duplicate"])


def test_uplink_down_is_an_error(scenarios: Scenarios) -> None:
    """A point that cannot see is an error, though ping-host expects nothing there."""
    fault = "host.run(*'ip link set ens160 down'.split())"

    result = scenarios("-k", "ping_host", fault=fault)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*uplink*ens160*"])


def test_wrong_interface_is_an_error(scenarios: Scenarios) -> None:
    """A point on an interface the neighbours' frames do not reach is an error."""
    fault = "object.__setattr__(lab._components.lan, 'uplink', 'docker0')"

    result = scenarios("-k", "ping_host", fault=fault)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*canary*did not reach docker0*"])


def test_two_workers_have_an_engine_each(scenarios: Scenarios) -> None:
    """With -n 2 each worker has a private engine, and all pass."""
    result = scenarios("-n", "2")

    result.assert_outcomes(passed=10)
    result.stdout.fnmatch_lines(["scenarios judged from packets: 4 pass"])


def test_no_fault_passes(scenarios: Scenarios) -> None:
    """Without a fault the same runs are green: the faults are what is seen."""
    result = scenarios()

    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
    result.stdout.fnmatch_lines(["scenarios judged from packets: 4 pass"])
