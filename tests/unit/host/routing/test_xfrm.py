"""IPsec policies, as `ip xfrm policy` prints them, and which one decides."""

from __future__ import annotations

import pytest

from pytest_netlab.host.routing.decision import Asked
from pytest_netlab.host.routing.xfrm import decisive, policies

# As `ip` of iproute2 6.1 prints them.
PRINTED = """\
src 10.0.0.0/8 dst 10.1.0.0/16 \n\tdir in priority 0 ptype main \n\
src 10.0.0.0/8 dst 10.1.0.0/16 proto tcp dport 80 \n\tdir out priority 7 ptype main \n\
\ttmpl src 1.1.1.1 dst 2.2.2.2\n\t\tproto esp reqid 0 mode tunnel\n\
src 0.0.0.0/0 dst 10.0.0.1/32 \n\tdir fwd action block priority 0 ptype main \n\
src 0.0.0.0/0 dst 0.0.0.0/0 \n\tsocket in priority 0 ptype main \n"""
TO_WEB = Asked(source="10.0.0.1", destination="10.1.0.1", protocol=6, dport=80)


def test_read() -> None:
    """Each has a selector and a direction; those of single sockets are left out."""
    found = policies(f"no program 'ip'\n{PRINTED}")

    assert list(map(str, found)) == [
        "src 10.0.0.0/8 dst 10.1.0.0/16 dir in",
        "src 10.0.0.0/8 dst 10.1.0.0/16 proto tcp dport 80 dir out",
        "src 0.0.0.0/0 dst 10.0.0.1/32 dir fwd action block",
    ]
    assert [one.templates for one in found] == [False, True, False]
    assert [one.priority for one in found] == [0, 7, 0]


@pytest.mark.parametrize(
    ("direction", "asked", "number"),
    [
        ("out", TO_WEB, 1),
        ("in", TO_WEB, None),
        ("out", Asked(source="10.0.0.1", destination="10.1.0.1", protocol=17), None),
        ("out", Asked(source="11.0.0.1", destination="10.1.0.1", protocol=6), None),
        ("fwd", Asked(source="9.9.9.9", destination="10.0.0.1"), 2),
        ("out", Asked(source="9.9.9.9", destination="10.0.0.1"), None),
        ("fwd", Asked(source="fd00::1", destination="fd00::2"), None),
    ],
)
def test_decisive(direction: str, asked: Asked, number: int | None) -> None:
    """A policy that lets packets pass decides nothing."""
    known = policies(PRINTED)

    found = decisive(known, direction, [asked])

    assert found == (None if number is None else known[number])


def test_priority() -> None:
    """The policy with the lowest priority decides."""
    other = "src 10.0.0.1/32 dst 10.1.0.1/32 \n\tdir out priority 3 \n"

    assert decisive(policies(PRINTED + other), "out", [TO_WEB]) is None
