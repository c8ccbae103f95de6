"""Whether a packet meets a rule, where both are in names, as those of a golden are."""

from __future__ import annotations

import pytest

from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.host import Rule, Sent, read
from pytest_netlab.host.firewall.conditions import BEYOND, meets
from pytest_netlab.host.firewall.ruleset import among

TO_WEB = Sent(Tuple5(TCP, "host01", 0, "web", 80), "docker0", BEYOND)


def met(rule: str, sent: Sent = TO_WEB) -> bool | None:
    """Return whether a packet meets a rule."""
    found = read(f"filter -A FORWARD {rule}" if rule.startswith(("-", "!")) else rule)
    assert isinstance(found, Rule)
    return meets(found, sent)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("-d web -j DROP", True),
        ("-d c1 -j DROP", False),
        ("! -d c1 -j DROP", True),
        ("-s net -j DROP", None),
        ("-s 192.0.2.7/32 -j DROP", None),
        ("-s 192.0.2.7 -j DROP", False),
        ("-i docker0 -j DROP", False),
        ("! -i docker0 -o docker0 -j DROP", True),
        ("-i ens160 -j DROP", None),
        ("-i br-1234 -j DROP", False),
        ("-o docker0 -p tcp -m tcp --dport 80 -j DROP", True),
        ("-p tcp -m tcp --sport 80 -j DROP", None),
        ("-p udp -j DROP", False),
        ("ip6 filter -A FORWARD -j DROP", False),
    ],
)
def test_names(rule: str, *, expected: bool | None) -> None:
    """A name is one node's; a network, and what has no name, may be anybody's."""
    assert met(rule) is expected


def test_unknown_ends() -> None:
    """An end that is not known may be any, and so may a link."""
    sent = Sent(Tuple5(TCP, "host01", 0, "", 0))

    rules = ("-d web -j DROP", "-i docker0 -j DROP", "-p tcp --dport 80 -j DROP")
    assert [met(rule, sent) for rule in rules] == [None, None, None]
    assert met("-s web -j DROP", sent) is False


def test_version() -> None:
    """A packet in names says which version of IP it is of."""
    rule = "ip6 filter -A FORWARD -d web -j DROP"

    assert met(rule, Sent(TO_WEB.key, ip=6)) is True
    assert met(rule.removeprefix("ip6 "), Sent(TO_WEB.key, ip=6)) is False


TABLE = "nft ip site"
NATIVE = (
    "f oifname vmap @out",
    '@out "docker0" : jump in',
    '@out "br-1" : jump in',
    "f ip saddr @bad drop",
    "@bad host01",
    "@bad c1 counter",
    "f tcp dport != @open ip daddr c1 drop",
    "@open 80",
    "n dnat ip to ip daddr . tcp dport map @ports",
    "@ports web . 80 : c2 . 80",
    "@ports web . 81 : c2 . 80",
    "@ports web : c2",
    "f ip saddr . tcp dport @pairs accept",
    "@pairs host01 . 80",
    "@unused host01",
)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ('@out "docker0" : jump in', True),
        ('@out "br-1" : jump in', False),
        ("@bad host01", True),
        ("@bad c1 counter", False),
        ("@open 80", False),
        ("@ports web . 80 : c2 . 80", True),
        ("@ports web . 81 : c2 . 80", False),
        ("@ports web : c2", None),
        ("@pairs host01 . 80", True),
        ("@unused host01", None),
    ],
)
def test_elements(element: str, *, expected: bool | None) -> None:
    """A packet meets an element that a rule finds for it."""
    lines = [f"{TABLE} {one}" for one in NATIVE]
    (found,) = among(lines, [f"{TABLE} {element}"])

    assert isinstance(found, Rule)
    assert meets(found, TO_WEB) is expected


@pytest.mark.parametrize(
    ("matches", "expected"),
    [
        ("ip daddr web tcp dport 80", True),
        ("ip daddr != web", False),
        ("ip daddr { c1, web } tcp dport { 80, 90-99 }", True),
        ("ip daddr . tcp dport { c1 . 80, web . 80 }", True),
        ("ip daddr . tcp dport { c1 . 80, web . 81 }", False),
        ("ip daddr . tcp dport != { c1 . 80, web . 81 }", True),
        ("icmp type echo-request", False),
        ("tcp flags syn", None),
        ("udp dport @bad", False),
        ("tcp dport @bad", None),
        ("ip6 hoplimit 5", False),
        ("ip ttl < 5", None),
        ("meta mark & 0xff == 0x1", None),
        ("ct state established,related", None),
        ("limit rate 1/second", None),
        ('iifname != "docker0" oifname "docker0"', True),
        ('oifname "br-*"', False),
    ],
)
def test_matches_of_nft(matches: str, *, expected: bool | None) -> None:
    """Each match is asked, and a field alone says which protocol it is of."""
    assert met(f"{TABLE} f {matches} drop") is expected
