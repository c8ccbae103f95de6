"""Settings of a kernel as text, and what they say of its table of connections."""

from __future__ import annotations

import pytest

from pytest_netlab.host import sysctls

PRINTED = """\
net.ipv4.ip_forward = 1
net.ipv4.ip_local_port_range = 32768\t60999
net.ipv4.ip_local_reserved_ports = 
"""  # noqa: W291 - as the tool prints it
SETTINGS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.ip_local_port_range": "32768\t60999",
    "net.ipv4.ip_local_reserved_ports": "",
}


def test_printed() -> None:
    """Settings are written as `sysctl` prints them, and read from that."""
    assert sysctls.render(SETTINGS) == PRINTED
    assert sysctls.parse(PRINTED) == SETTINGS


def test_no_setting() -> None:
    """What is no setting is left out."""
    assert sysctls.parse("sysctl: cannot stat /proc/sys/net/x\n\n") == {}


def test_known() -> None:
    """Each is asked for once; facts are among them."""
    assert len(set(sysctls.KNOWN)) == len(sysctls.KNOWN)
    assert {*sysctls.FACTS.values(), sysctls.COUNT, sysctls.MOST} < {*sysctls.KNOWN}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("262144", "262144 of 262144 connections"),
        ("262000", "262000 of 262144 connections"),
        ("200000", ""),
        ("many", ""),
        pytest.param("9" * 5000, "", id="digits"),  # Python converts 4300 of them
    ],
)
def test_crowd(count: str, expected: str) -> None:
    """A table is full where it holds all it can, but for what has just ended."""
    found = {sysctls.COUNT: count}

    assert sysctls.crowd(found | {sysctls.MOST: "262144"}) == expected
    assert sysctls.crowd(found) == sysctls.crowd({}) == ""


def test_ends() -> None:
    """Settings of nodes are a line each, read back as they were."""
    ends = {"c1": {"net.ipv4.tcp_sack": "0", "a": "1 2"}, "web": {"a": ""}}
    text = sysctls.render_ends(ends)

    assert text.splitlines() == ["c1 net.ipv4.tcp_sack = 0", "c1 a = 1 2", "web a = "]
    assert sysctls.parse_ends(text) == ends
    assert sysctls.parse_ends("sysctl: no such file\n\nc1 = 5\n") == {}
