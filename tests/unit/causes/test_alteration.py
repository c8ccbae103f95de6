"""What became of packets on their way: each rule alone, and what it cites."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import end
from tests.hosts import changed, lines
from tests.unit.causes.cases import (
    ACCEPT,
    DOUBLED,
    KEPT,
    LINK,
    LINK_TOLD,
    LOCAL,
    PING,
    SMALLER,
    TOO_LARGE,
    VERSIONS,
    VERSIONS_TOLD,
    WEB,
    Seen,
    case,
    words,
)

from pytest_netlab.causes import alteration
from pytest_netlab.causes.alteration import HEADER
from pytest_netlab.checks import Violation

if TYPE_CHECKING:
    from pytest_netlab.causes import Case
    from pytest_netlab.host import HostChange
    from pytest_netlab.trace import FlowFact

BAD_SUM = Seen("l4_checksum", "good", "good, bad")
TTL, TOS = Seen("ttl", "63", "60"), Seen("tos", "nothing", "0x48")
DSCP = "mangle -A FORWARD -j DSCP --set-dscp 0x12"
TEE = "mangle -A PREROUTING -j TEE --gateway host02"

NFT = "nft inet site forward"
HOOK = f"{NFT} type filter hook forward priority filter; policy accept;"
MARKED = f"{NFT} meta mark set 0x1"
FILLED = "mangle -A POSTROUTING -p icmp -j CHECKSUM --checksum-fill"


def altered(*evidence: Seen, host: HostChange | None = None) -> Case:
    """Return a ping that is as ever but for what differs of its packets."""
    return case(PING, PING, host, evidence=evidence)


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("ip_checksum", "IP header"),
        ("l4_checksum", "payload"),
        ("bad-checksum", "payload"),
    ],
)
def test_corrupted(field: str, what: str) -> None:
    """A checksum that does not fit is told, with what it is of, and where."""
    sign, later = replace(BAD_SUM, field=field), replace(BAD_SUM, point="docker0")

    assert words(alteration.corrupted(altered(TTL, sign, later))) == (
        "corrupted checksum",
        (
            f"the checksum of the {what} is wrong at uplink (good, bad): receivers "
            "drop such a packet without a word; look for a device, driver or rule "
            "that writes into packets"
        ),
    )


def test_nothing_corrupted() -> None:
    """Without a wrong checksum nothing is corrupted."""
    assert alteration.corrupted(altered()) is None
    assert alteration.corrupted(altered(TTL)) is None


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (
            changed(
                extra=(ACCEPT, MARKED, f"{NFT} ip id set 1"),
                settings={"offload": ("1", "0")},
            ),
            f"this rule is new: {NFT} ip id set 1",
        ),
        (changed(extra=(FILLED,)), f"this rule is new: {FILLED}"),
        (
            replace(SMALLER, settings={"offload": ("on", "off")}),
            "offload is off here, on when recorded",
        ),
        (
            changed(settings={"conntrack_checksum": ("1", "0")}),
            "net.netfilter.nf_conntrack_checksum is 0 here, 1 when recorded",
        ),
        (SMALLER, LINK_TOLD),
        (changed(settings=VERSIONS), f"writes into packets {VERSIONS_TOLD}"),
    ],
    ids=["set", "checksum", "offload", "conntrack", "link", "versions"],
)
def test_what_damages(host: HostChange, cited: str) -> None:
    """A rule that writes is cited before a setting, a setting before a link."""
    seen = altered(BAD_SUM, host=host)

    assert alteration.damage(seen).text.endswith(cited)
    assert words(alteration.corrupted(seen))[1].endswith(cited)


def test_header_changed() -> None:
    """The first two fields that were changed are told, each once."""
    signs = (Seen("seq", "1", "2"), TTL, TTL, TOS, Seen("df", "set", "not set"))

    assert words(alteration.header_changed(altered(*signs))) == (
        "header changed",
        (
            "ttl 60 instead of 63 at uplink; tos 0x48 instead of nothing at uplink; "
            "look at the mangle table, and at nft rules that `set` a field"
        ),
    )


ARRIVED = (
    "it is so where the packets come in: look at {}'s own sysctls, route metrics (`ip "
    "route`) and rules; if all are as they were, look at the mangle table"
)
AT_DOCKER0 = replace(TTL, point="docker0")


@pytest.mark.parametrize(
    ("fact", "evidence", "told"),
    [
        (PING, (AT_DOCKER0, TTL), ARRIVED.format("c1")),
        (LOCAL, (AT_DOCKER0,), ARRIVED.format("c1")),
        (
            WEB,
            tuple(replace(one, direction="reply") for one in (AT_DOCKER0, TTL)),
            ARRIVED.format("web:80"),
        ),
        (PING, (TTL,), "look at the mangle table"),
        (LOCAL, (replace(AT_DOCKER0, direction="reply"),), "look at the mangle table"),
        (
            PING,
            (AT_DOCKER0, TTL, replace(TTL, direction="reply")),
            "look at the mangle table",
        ),
        (
            PING,
            (AT_DOCKER0, TTL, replace(TTL, found=Violation("ttl", "63", "60", (1,)))),
            "look at the mangle table",
        ),
    ],
    ids=["both", "local", "replies", "one", "own", "both ways", "violation"],
)
def test_as_it_came(fact: FlowFact, evidence: tuple[Seen, ...], told: str) -> None:
    """What differs where packets come in, and behind the host, is its sender's."""
    found = words(alteration.header_changed(case(fact, fact, evidence=evidence)))

    assert f"; {told}" in found[1]


@pytest.mark.parametrize("evidence", [(), (Seen("seq", "1", "2"),)])
def test_no_header_changed(evidence: tuple[Seen, ...]) -> None:
    """A field that no rule of a host changes tells nothing of its header."""
    assert alteration.header_changed(altered(*evidence)) is None


@pytest.mark.parametrize(
    ("field", "word"),
    [(field, word) for field, known in HEADER.items() for word in known],
)
def test_rule_that_writes_the_field(field: str, word: str) -> None:
    """A new rule that writes the field is cited before one that writes another."""
    rule = f"mangle -A x -j {word}" if word.isupper() else f"{NFT} {word} set 1"
    called = (
        f"mangle -A {word.split(maxsplit=1)[0]} -j ACCEPT",
        f'mangle -A x -m comment --comment "{word}"',
    )
    host = changed(extra=(*called, f"filter -A x -j {word}", rule))

    found = alteration.header_changed(altered(Seen(field, "1", "2"), host=host))

    assert words(found)[1].endswith(f"; this rule is new: {rule}")


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (
            changed(extra=(ACCEPT, HOOK), settings={"offload": ("1", "0")}),
            f"this rule is new: {HOOK}",
        ),
        (changed(extra=(f"{NFT} accept",)), f"this rule is new: {NFT} accept"),
        (changed(extra=("mangle -A x",)), "this rule is new: mangle -A x"),
        (changed(extra=("filter -A x -j TTL",)), "rules that `set` a field"),
        (
            replace(SMALLER, settings={"offload": ("on", "off")}),
            "offload is off here, on when recorded",
        ),
        (SMALLER, LINK_TOLD),
        (changed(settings=VERSIONS), f"`set` a field {VERSIONS_TOLD}"),
    ],
    ids=[
        "nft's chain",
        "nft",
        "mangle",
        "writes nothing",
        "offload",
        "link",
        "versions",
    ],
)
def test_what_changes_headers(host: HostChange, cited: str) -> None:
    """Any new rule that writes is cited, then settings, links and versions."""
    found = alteration.header_changed(altered(TTL, host=host))

    assert words(found)[1].endswith(cited)


HALF = replace(PING, **KEPT, disposition="local")  # type: ignore[arg-type]
BEYOND = replace(HALF, initiator=end("host"))


def test_reidentified() -> None:
    """What leaves with another IP id is two flows, and one cause explains both."""
    rule = "nft inet site forward ip id set 7"
    host = changed(extra=("nft other", rule))

    found = alteration.reidentified(case(PING, HALF, host, others=(BEYOND,)))
    alone = alteration.reidentified(case(PING, HALF, others=(BEYOND,)))

    text = f"what c1 sends leaves with another IP id as {BEYOND.name}; "
    assert words(found) == ("header changed", f"{text}this rule is new: {rule}")
    assert words(alone)[1] == f"{text}look at nft rules that `set` the IP id"
    assert found is not None
    assert found.explains == {BEYOND.name}


@pytest.mark.parametrize(
    ("want", "got", "others"),
    [
        (
            WEB,
            HALF,
            (BEYOND, replace(WEB, initiator=end("host01"), responder=end("host:81"))),
        ),
        (PING, replace(HALF, disposition="dropped"), (BEYOND,)),
        (PING, HALF, ()),
        (PING, HALF, (replace(BEYOND, responder=end("host02")),)),
        (replace(PING, kind="none"), HALF, (BEYOND,)),
    ],
    ids=["dnat", "dropped", "no other half", "another flow", "no snat expected"],
)
def test_not_reidentified(
    want: FlowFact, got: FlowFact, others: tuple[FlowFact, ...]
) -> None:
    """Two halves need a translated source, an answer, and the half that left."""
    assert alteration.reidentified(case(want, got, others=others)) is None


AGAIN = replace(PING, copies=3)


@pytest.mark.parametrize(
    ("got", "evidence", "point"),
    [
        (PING, (TTL, DOUBLED), "docker0"),
        (AGAIN, (TTL,), "uplink"),
        (AGAIN, (TTL, DOUBLED), "docker0"),
    ],
    ids=["by a packet", "by numbers", "by both"],
)
def test_twice(got: FlowFact, evidence: tuple[Seen, ...], point: str) -> None:
    """A packet that came twice is told where it did."""
    assert words(alteration.twice(case(PING, got, evidence=evidence))) == (
        "delivered twice",
        (
            f"the same packet, with the same IP id, was seen again at {point}; look "
            "for TEE and dup rules, for a loop, and for the queue of a link"
        ),
    )


@pytest.mark.parametrize(
    ("want", "got", "evidence"),
    [
        (PING, PING, (TTL, TOO_LARGE)),
        (AGAIN, AGAIN, (TTL,)),
        (AGAIN, PING, (TTL,)),
        (PING, AGAIN, ()),
        (PING, AGAIN, (Seen("ip_id", "1", "2"), TTL)),
        (PING, PING, (Seen("ip_id", "1", "2"), DOUBLED)),
    ],
    ids=[
        *("no copies", "as many", "fewer", "nothing differs"),
        *("ids changed", "ids changed and doubled"),
    ],
)
def test_not_twice(want: FlowFact, got: FlowFact, evidence: tuple[Seen, ...]) -> None:
    """As many copies as ever are none; where ids are changed, none can be told."""
    assert alteration.twice(case(want, got, evidence=evidence)) is None


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (replace(SMALLER, extra=lines(LINK, ACCEPT, TEE)), f"this rule is new: {TEE}"),
        (changed(extra=(f"{NFT} dup to a",)), f"this rule is new: {NFT} dup to a"),
        (SMALLER, LINK_TOLD),
        (changed(extra=(DSCP,), settings=VERSIONS), f"of a link {VERSIONS_TOLD}"),
    ],
    ids=["tee", "dup", "link", "versions"],
)
def test_what_doubles(host: HostChange, cited: str) -> None:
    """A rule that copies packets is cited before a link."""
    found = alteration.twice(altered(DOUBLED, host=host))

    assert words(found)[1].endswith(cited)


MADE = Seen("made-by-host", "reached the host before", "sent by the host")
SWAPPED = Seen("reordered-by-host", "sent on as it came", "before packet 7")
QUEUED = "mangle -A FORWARD -j NFQUEUE --queue-num 7"


def test_copy_that_the_host_made() -> None:
    """A copy with an IP id of its own is told as one; what copies nothing is not."""
    host = changed(extra=(ACCEPT, TEE))
    text = (
        "a copy that never reached the host was seen again at uplink; this rule is "
        f"new: {TEE}"
    )

    assert words(alteration.twice(case(PING, AGAIN, host, evidence=(MADE,)))) == (
        "delivered twice",
        text,
    )
    assert alteration.twice(altered(MADE)) is None


@pytest.mark.parametrize(
    ("host", "cited"),
    [
        (changed(extra=(ACCEPT, QUEUED)), f"this rule is new: {QUEUED}"),
        (SMALLER, LINK_TOLD),
        (changed(), "look for NFQUEUE and queue rules, and for the queue of a link"),
    ],
    ids=["queue", "link", "nothing"],
)
def test_reordered(host: HostChange, cited: str) -> None:
    """Segments in another order are told by that name, and what may hold them."""
    assert words(alteration.reordered(altered(TTL, SWAPPED, host=host))) == (
        "reordered-by-host",
        (
            "the host sent segments of a connection in another order than they came, "
            f"at uplink; {cited}"
        ),
    )


def test_not_reordered() -> None:
    """What differs otherwise is not out of order."""
    assert alteration.reordered(altered(TTL, MADE)) is None
