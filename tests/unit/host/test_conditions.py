"""Whether a packet meets a rule, where both are in names, as those of a golden are."""

from __future__ import annotations

import pytest

from pytest_netlab.flows import TCP, Tuple5
from pytest_netlab.host import Rule, Sent, read
from pytest_netlab.host.conditions import BEYOND, meets

TO_WEB = Sent(Tuple5(TCP, "host01", 0, "web", 80), "docker0", BEYOND)


def met(rule: str, sent: Sent = TO_WEB) -> bool | None:
    """Return whether a packet meets a rule."""
    found = read(f"filter -A FORWARD {rule}" if " -A " not in rule else rule)
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
