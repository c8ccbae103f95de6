"""How many packets rules counted between two looks at them."""

from __future__ import annotations

import pytest

from pytest_netlab.host import counted

NAMES = {"172.17.0.2": "c1"}
USER = "filter -A DOCKER-USER -s c1 -j DROP"


def saved(*rules: str, policy: str = "0:0", comment: str = "") -> dict[str, str]:
    """Return what iptables-save printed, with counters."""
    lines = (comment, "*filter", f":FORWARD DROP [{policy}]", *rules, "COMMIT")
    return {"iptables.txt": "\n".join(lines)}


def drop(count: int) -> str:
    """Return a rule that counted packets."""
    return f"[{count}:84] -A DOCKER-USER -s 172.17.0.2/32 -j DROP"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([drop(3)], [drop(5)], 2),
        ([drop(3)], [drop(3)], 0),
        ([], [drop(2)], 2),
        ([drop(9)], [drop(2)], 2),
        ([drop(1), drop(1)], [drop(4), drop(1)], 3),
    ],
    ids=["more", "none", "new", "set back", "twice the same"],
)
def test_rule(before: list[str], after: list[str], expected: int) -> None:
    """What a rule counted is the difference, or all where it began anew."""
    found = counted(saved(*before), saved(*after), NAMES)

    assert found == {USER: expected, "filter :FORWARD DROP": 0}


def test_rule_that_is_gone() -> None:
    """A rule that is no longer there counted nothing that is known."""
    assert USER not in counted(saved(drop(3)), saved(), NAMES)


def test_policy() -> None:
    """A policy counts the packets that no rule decided about."""
    found = counted(saved(policy="1:60"), saved(policy="4:240"), NAMES)

    assert found == {"filter :FORWARD DROP": 3}


def test_families_and_tools() -> None:
    """IPv6's and legacy rules, and those of nft, have lines of their own."""
    table = "*filter\n[2:9] -A FORWARD -j DROP\nCOMMIT"
    nft = (
        "table inet site {{\n\tchain out {{\n\t\tip saddr 172.17.0.2 counter packets "
        "{} bytes 9 drop # handle 4\n\t\taccept\n\t}}\n}}\n"
    )
    state = {"ip6tables.txt": table, "iptables-legacy.txt": table}
    before = {"nftables.txt": nft.format(1)}
    after = {**state, "nftables.txt": nft.format(5)}

    assert counted(before, after, NAMES) == {
        "ip6 filter -A FORWARD -j DROP": 2,
        "legacy filter -A FORWARD -j DROP": 2,
        "nft inet site out ip saddr c1 counter drop": 4,
    }


def test_nothing_known() -> None:
    """Without counters, or with the error of a tool, nothing was counted."""
    broken = {"iptables.txt": "iptables-save: Permission denied"}

    assert counted({}, {}, {}) == counted(broken, broken, {}) == {}
    plain = {"iptables.txt": "*filter\n-A FORWARD -j DROP\nCOMMIT"}
    assert counted(plain, plain, {}) == {}
