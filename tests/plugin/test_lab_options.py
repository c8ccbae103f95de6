"""Options that say what a lab's engine and host are, used well and wrongly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.plugin import lab_options, options

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.spec import LabOptions

    Run = Callable[..., pytest.RunResult]

PRIVATE, KERNEL = "--netlab-engine=private", "--netlab-engine=kernel"
DAEMON, SYSCTL = "--netlab-daemon", "--netlab-sysctl"


@pytest.fixture
def asked(pytester: pytest.Pytester) -> Callable[..., LabOptions]:
    """Return a function that reads a command line."""

    def read(*args: str) -> LabOptions:
        return lab_options.of_lab(pytester.parseconfig(*args))

    return read


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("userland-proxy=false", False),
        ("mtu=1400", 1400),
        ("log-level=debug", "debug"),
        ("bip=10.9.0.1/16", "10.9.0.1/16"),
        ('dns=["10.0.0.1"]', ["10.0.0.1"]),
        ('features={"containerd-snapshotter": true}', {"containerd-snapshotter": True}),
        ('log-level="5"', "5"),
        ("name=a=b", "a=b"),
        ("name=", ""),
        ("name=NaN", "NaN"),
        ("name=" + "[" * 100_000, "[" * 100_000),
    ],
)
def test_daemon(asked: Callable[..., LabOptions], given: str, value: object) -> None:
    """A value is JSON, and text where it is none."""
    key = given.partition("=")[0]

    assert asked(DAEMON, given).daemon == {key: value}
    assert json.dumps(value)


def test_repeated(asked: Callable[..., LabOptions]) -> None:
    """Keys are collected; of one key the last value counts."""
    wanted = asked(
        *(f"{SYSCTL}=net.ipv4.ip_forward=1", f"{SYSCTL}=net.core.somaxconn=9"),
        *(f"{SYSCTL}=net.ipv4.ip_forward=0", "--netlab-firewall=legacy"),
    )

    assert wanted.sysctls == {"net.ipv4.ip_forward": "0", "net.core.somaxconn": "9"}
    assert wanted.firewall == "legacy"
    assert asked().daemon == asked().sysctls == {}
    assert asked().firewall == ""


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            (PRIVATE, f"{DAEMON}=mtu"),
            "'mtu' is no KEY=VALUE, as in userland-proxy=false",
        ),
        ((PRIVATE, f"{DAEMON}==1"), "no KEY=VALUE"),
        ((PRIVATE, f"{DAEMON}=data-root=/x"), "'data-root' is the lab's own"),
        ((PRIVATE, f"{DAEMON}=hosts=[]"), "'hosts' is the lab's own"),
        ((KERNEL, f"{DAEMON}=mtu=1"), f"{DAEMON} is for {PRIVATE}, and this is kernel"),
        ((PRIVATE, f"{SYSCTL}=kernel.panic=1"), "the machine's"),
        ((PRIVATE, f"{SYSCTL}=net/../kernel/panic=1"), "the machine's"),
        ((PRIVATE, f"{SYSCTL}=net=1"), "is no sysctl of a network"),
        ((PRIVATE, f"{SYSCTL}=net.ipv4.ip_forward"), "as in net.ipv4.ip_forward=1"),
        (("--netlab-engine=host", f"{SYSCTL}=net.a=1"), "this is host"),
        (("--netlab-engine=fake", "--netlab-firewall=nft"), "this is fake"),
        ((KERNEL, "--netlab-firewall=ufw"), "invalid choice: 'ufw'"),
        (
            (
                *(PRIVATE, "--netlab-firewall=native"),
                f"{DAEMON}=firewall-backend=iptables",
            ),
            "firewall-backend='iptables' contradicts --netlab-firewall=native",
        ),
        (
            (
                *(PRIVATE, "--netlab-firewall=legacy"),
                f"{DAEMON}=firewall-backend=nftables",
            ),
            "firewall-backend='nftables' contradicts --netlab-firewall=legacy",
        ),
    ],
)
def test_refused(run: Run, args: tuple[str, ...], words: str) -> None:
    """What a lab cannot have is a usage error before anything starts."""
    result = run(*args)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in " ".join(result.errlines)


def test_they_take_values() -> None:
    """An option that may be repeated takes a value as others do."""
    assert options.value_option(DAEMON) == DAEMON
    assert options.value_option(SYSCTL) == SYSCTL
    assert options.value_option("--netlab-strict") is None
