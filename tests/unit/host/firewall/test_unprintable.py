"""A table that iptables-save can no longer print differs by what nft wrote alone."""

from __future__ import annotations

from pytest_netlab.host import difference

PRINTED = (
    "nat -A PREROUTING -j DOCKER",
    "filter :FORWARD DROP",
    "filter :DOCKER-USER -",
    "filter -A FORWARD -j DOCKER-USER",
)
LISTED = (
    "nat -A PREROUTING -j DOCKER",
    "nft ip filter DOCKER-USER ct state new drop",
    "nft ip filter FORWARD type filter hook forward priority filter; policy drop;",
    "nft ip filter FORWARD counter jump DOCKER-USER",
)


def differ(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the lines that are missing and that are extra."""
    found = difference({"ruleset": "\n".join(old)}, {"ruleset": "\n".join(new)})
    return [one.text for one in found.missing], [one.text for one in found.extra]


def test_a_table_is_spelled_by_nft() -> None:
    """Nothing of it is missing, and its policy is as it was."""
    assert differ(PRINTED, LISTED) == ([], [LISTED[1], LISTED[3]])


def test_a_policy_changed_too() -> None:
    """A policy that is another one counts."""
    accepting = tuple(one.replace("DROP", "ACCEPT") for one in PRINTED)

    assert LISTED[2] in differ(accepting, LISTED)[1]


def test_a_table_is_gone() -> None:
    """Where nft does not have it either, its rules are missing."""
    assert differ(PRINTED, LISTED[:1])[0] == list(PRINTED[1:])


def test_what_engines_write() -> None:
    """What every engine writes in such a table is not lacking."""
    was, now = ({"engine": one, "ruleset": ""} for one in ("20.10", "29.7"))
    was["ruleset"], now["ruleset"] = "\n".join(PRINTED), "\n".join(LISTED)

    lacking = [one.text for one in difference(was, now).missing]
    assert lacking
    assert not [one for one in lacking if one.startswith("filter")]


def test_tables_of_others() -> None:
    """A table of nft's that is called otherwise does not stand for it."""
    other = ("nft ip filter2 f drop", "nft ip6 filter f drop")

    assert differ(PRINTED, (PRINTED[0], *other)) == (list(PRINTED[1:]), list(other))
