"""What was rewritten wrongly: each rule alone, and what it cites."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import end
from tests.hosts import changed
from tests.unit.causes.cases import (
    ACCEPT,
    DNAT_RULE,
    DROPPED,
    JUMP,
    LEG,
    MASQUERADE,
    NOTRACK,
    OTHER_NODE,
    OTHER_PORT,
    PING,
    PROXIED,
    REFUSED,
    WEB,
    Seen,
    case,
    tracked,
    words,
)

from pytest_netlab.causes import translation
from pytest_netlab.flows import UDP

if TYPE_CHECKING:
    from pytest_netlab.causes import Case
    from pytest_netlab.host import HostChange
    from pytest_netlab.host.tracking.connections import Connection
    from pytest_netlab.trace import FlowFact
    from pytest_netlab.trace.values import Kind


@pytest.mark.parametrize(
    ("extra", "name"), [(OTHER_PORT, "wrong port"), (OTHER_NODE, "wrong target")]
)
@pytest.mark.parametrize("got", [PROXIED, REFUSED], ids=["proxy", "refused"])
def test_republished(extra: str, name: str, got: FlowFact) -> None:
    """A DNAT rule replaced by one that leads elsewhere names where."""
    host = changed(missing=(JUMP, DNAT_RULE), extra=(JUMP, extra))

    assert words(translation.republished(case(WEB, got, host))) == (
        name if extra == OTHER_NODE else "wrong port",
        f"host:81 no longer leads to web:80: {extra}",
    )


def test_republished_beside_the_old_rule() -> None:
    """A rule for the very port counts though the golden's is still there."""
    found = translation.republished(case(WEB, REFUSED, changed(extra=(OTHER_NODE,))))

    assert words(found)[0] == "wrong target"


@pytest.mark.parametrize(
    ("want", "got", "host"),
    [
        (WEB, PROXIED, changed(missing=(DNAT_RULE,))),
        (WEB, REFUSED, changed(missing=(DNAT_RULE,), extra=(f"{DNAT_RULE} --random",))),
        (WEB, REFUSED, changed(extra=(f"ip6 {OTHER_NODE}",))),
        (WEB, REFUSED, changed(extra=(OTHER_NODE.replace("! -i", "-d c1 ! -i"),))),
        (WEB, PROXIED, changed(extra=(OTHER_PORT,))),
        (
            WEB,
            PROXIED,
            changed(
                missing=(DNAT_RULE,),
                extra=("nat -A DOCKER --dport 9 -j DNAT --to-destination c1:9",),
            ),
        ),
        (
            replace(WEB, kind="hairpin"),
            PROXIED,
            changed(missing=(DNAT_RULE,), extra=(OTHER_NODE,)),
        ),
        (
            WEB,
            replace(WEB, target=end("web:8080")),
            changed(missing=(DNAT_RULE,), extra=(OTHER_NODE,)),
        ),
    ],
    ids=[
        *("gone only", "as before", "other family", "other address", "new only"),
        *("unrelated", "no dnat expected", "dnat elsewhere"),
    ],
)
def test_not_republished(want: FlowFact, got: FlowFact, host: HostChange) -> None:
    """Rules count in place of the golden's, where it expects what did not happen."""
    assert translation.republished(case(want, got, host)) is None


ENTRY = tracked()
ELSEWHERE = replace(WEB, target=end("c2:80"))


def test_stale() -> None:
    """An older entry that does not follow unchanged rules is found."""
    host = changed(older=(ENTRY,), extra=(ACCEPT,))
    name, text = words(translation.stale(case(WEB, ELSEWHERE, host)))

    assert name == "stale conntrack"
    assert f"older than the capture; {ENTRY}; without it" in text


@pytest.mark.parametrize("kind", ["snat", "hairpin"])
@pytest.mark.parametrize(
    ("entry", "got"),
    [
        (tracked(sender="c2", target="web"), replace(WEB, sender=end("c2"))),
        (ENTRY, ELSEWHERE),
    ],
)
def test_stale_of_every_kind(kind: Kind, entry: Connection, got: FlowFact) -> None:
    """Whatever is translated may follow an old entry, by its source or its target."""
    want, host = replace(WEB, kind=kind), changed(older=(entry,))

    found = translation.stale(case(want, got, host))

    assert words(found)[0] == "stale conntrack"


@pytest.mark.parametrize(
    ("want", "got", "host"),
    [
        (WEB, ELSEWHERE, changed(older=(ENTRY,), missing=(DNAT_RULE,))),
        (WEB, ELSEWHERE, changed(older=(ENTRY,), extra=(MASQUERADE,))),
        (WEB, ELSEWHERE, changed(older=(tracked(target="web"),))),
        (WEB, ELSEWHERE, changed(older=(tracked("c1"),))),
        (WEB, ELSEWHERE, changed(older=(tracked(proto=UDP),))),
        (WEB, ELSEWHERE, changed()),
        (WEB, replace(WEB, answered=False), changed(older=(ENTRY,))),
        (replace(WEB, kind="none"), ELSEWHERE, changed(older=(ENTRY,))),
    ],
    ids=[
        *("rule gone", "rule new", "follows the rules", "of another flow", "of UDP"),
        *("no entry", "translated as ever", "not translated"),
    ],
)
def test_not_stale(want: FlowFact, got: FlowFact, host: HostChange) -> None:
    """An entry that follows the rules, or rules that changed, are no old connection."""
    assert translation.stale(case(want, got, host)) is None


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("c2:80", "wrong target"),
        ("web:8080", "wrong port"),
        ("c2:8080", "wrong target"),
    ],
)
def test_mistranslated(target: str, name: str) -> None:
    """Another target is another node, or else another port."""
    assert words(
        translation.mistranslated(case(WEB, replace(WEB, target=end(target))))
    ) == (
        name,
        (
            f"host:81 was translated to {target} instead of web:80; "
            "the DNAT rule in nat/DOCKER names another destination"
        ),
    )


@pytest.mark.parametrize(
    ("want", "got"),
    [(WEB, WEB), (WEB, REFUSED), (PING, replace(PING, target=end("host02")))],
    ids=["as ever", "never sent on", "not dnat"],
)
def test_not_mistranslated(want: FlowFact, got: FlowFact) -> None:
    """A flow that was not led to another target was not mistranslated."""
    assert translation.mistranslated(case(want, got)) is None


UNDONE = Seen("undone", "c1", "tcp host > c1")
LOST = replace(WEB, returned=False)
DIRECT = replace(LEG, initiator=end("host01"))


@pytest.mark.parametrize("kind", ["snat", "dnat", "hairpin"])
def test_undone(kind: Kind) -> None:
    """A reply that was not translated back is told as it was seen."""
    want = replace(PING, kind=kind)
    found = translation.reverse_translation(
        case(want, want, evidence=(Seen("ttl", "1", "2"), UNDONE))
    )

    assert words(found) == (
        "reply not undone",
        (
            "replies of host01 are not translated back: tcp host > c1; the "
            "reply's packets were not tracked: look at the raw table"
        ),
    )


def test_past_the_translation() -> None:
    """Replies that left as the target's own are seen as its flow, answered."""
    found = translation.reverse_translation(case(WEB, LOST, others=(DIRECT,)))

    assert "not translated back: they left as web:80's own; " in words(found)[1]


def test_past_tracking() -> None:
    """Replies that came back, and a new rule that tracks nothing, tell the same."""
    host = changed(extra=(NOTRACK,))

    found = translation.reverse_translation(case(WEB, LOST, host))

    assert "not translated back: they were not tracked; " in words(found)[1]


@pytest.mark.parametrize(
    "looked_at",
    [
        case(replace(PING, kind="none"), PING, evidence=(UNDONE,)),
        case(WEB, LOST, others=(replace(DIRECT, answered=False),)),
        case(WEB, LOST, others=(replace(DIRECT, initiator=end("c1")),)),
        case(WEB, WEB, others=(DIRECT,)),
        case(WEB, LOST, changed(extra=(ACCEPT,))),
        case(WEB, replace(LOST, answered=False), changed(extra=(NOTRACK,))),
        case(replace(WEB, kind="snat"), LOST, others=(DIRECT,)),
    ],
    ids=[
        *("not translated", "nobody answered", "another's", "came back", "tracked"),
        *("untracked and unanswered", "not dnat"),
    ],
)
def test_not_undone(looked_at: Case) -> None:
    """Replies that came back, or never were, did not pass by the translation."""
    assert translation.reverse_translation(looked_at) is None


@pytest.mark.parametrize(
    ("got", "others"),
    [(PROXIED, ()), (REFUSED, (LEG,)), (PROXIED, (LEG,)), (REFUSED, (WEB, LEG))],
    ids=["joined", "two flows", "both", "among others"],
)
def test_proxied(got: FlowFact, others: tuple[FlowFact, ...]) -> None:
    """The target sees the bridge as its client, as one flow or as two."""
    assert words(translation.proxied(case(WEB, got, others=others))) == (
        "proxied",
        (
            "docker-proxy carried it: web:80 sees bridge as its client instead of "
            "host01; the DNAT rule in nat/PREROUTING -> DOCKER did not match"
        ),
    )


@pytest.mark.parametrize(
    "looked_at",
    [
        case(WEB, REFUSED),
        case(WEB, REFUSED, others=(replace(LEG, initiator=end("c1")),)),
        case(WEB, REFUSED, others=(replace(LEG, responder=end("c2:80")),)),
        case(PING, replace(PING, disposition="proxied", sender=end("bridge"))),
        case(replace(WEB, sender=end("bridge")), PROXIED),
        case(WEB, replace(PROXIED, sender=end("host01"))),
        case(replace(WEB, sender=end("bridge")), REFUSED, others=(LEG,)),
    ],
    ids=[
        *("no leg", "another client", "another target", "not dnat"),
        *("as ever", "client kept", "leg as ever"),
    ],
)
def test_not_proxied(looked_at: Case) -> None:
    """Without a leg of the bridge, or where its client is the golden's, none is."""
    assert translation.proxied(looked_at) is None


HAIRPIN = replace(LEG, initiator=end("c1"), responder=end("host:81"))
PAST = replace(HAIRPIN, responder=end("web:80"))
NFT_MASQUERADE = 'nft ip site nat ip saddr net masquerade comment "for all"'
CALLED_SO = 'nft ip nat masquerade ip saddr net accept comment "no masquerade"'
UNMASKED = "nat -A POSTROUTING -s net -d web -j MASQUERADE"


@pytest.mark.parametrize("kind", ["none", "hairpin"])
@pytest.mark.parametrize(
    ("rule", "cited"),
    [
        (UNMASKED, f"this rule is gone: {UNMASKED}"),
        (NFT_MASQUERADE, f"this rule is gone: {NFT_MASQUERADE}"),
        (ACCEPT, "no MASQUERADE rule in nat/POSTROUTING matched"),
        (CALLED_SO, "no MASQUERADE rule in nat/POSTROUTING matched"),
    ],
)
def test_hairpin_without_masquerade(kind: Kind, rule: str, cited: str) -> None:
    """A container that is reached by the host's address with its source kept."""
    want = replace(HAIRPIN, kind=kind)
    lost = replace(want, answered=False)
    host = changed(missing=(JUMP, rule))

    found = translation.unmasqueraded_hairpin(case(want, lost, host, others=(PAST,)))

    assert words(found) == (
        "hairpin without masquerade",
        (
            "web:80 sees c1 itself as its client and answers it directly, past the "
            f"translation; {cited}"
        ),
    )


def test_hairpin_that_only_a_rule_tells() -> None:
    """A flow that looks as ever needs the rule that is gone; another flow does not."""
    host = changed(missing=(UNMASKED,))

    def found(looked_at: Case) -> bool:
        return translation.unmasqueraded_hairpin(looked_at) is not None

    assert found(case(HAIRPIN, HAIRPIN, host, others=(PAST,)))
    assert not found(case(HAIRPIN, HAIRPIN, others=(PAST,)))
    assert not found(case(HAIRPIN, HAIRPIN, host))


@pytest.mark.parametrize(
    ("want", "other"),
    [
        (HAIRPIN, replace(PAST, initiator=end("c2"))),
        (HAIRPIN, replace(PAST, proto=UDP, echo=False)),
        (HAIRPIN, replace(PAST, responder=end("host:80"))),
        (HAIRPIN, replace(PAST, responder=end("bridge:80"))),
        (HAIRPIN, replace(PAST, responder=end("gateway:80"))),
        (HAIRPIN, replace(PAST, responder=end("web"))),
        (replace(HAIRPIN, kind="dnat"), PAST),
        (replace(HAIRPIN, responder=end("web:81")), PAST),
    ],
    ids=[
        *("another client", "another protocol", "host", "bridge", "gateway"),
        *("no service", "dnat", "not by the host"),
    ],
)
def test_no_hairpin(want: FlowFact, other: FlowFact) -> None:
    """Only the same client's flow to a node's service is what the host sent on."""
    lost, host = replace(want, answered=False), changed(missing=(UNMASKED,))

    found = translation.unmasqueraded_hairpin(case(want, lost, host, others=(other,)))

    assert found is None


BARE = replace(PING, sender=end("c1"), kind="none")
HALF = replace(DROPPED, disposition="leaked")


@pytest.mark.parametrize(
    ("got", "others"),
    [(BARE, ()), (HALF, ()), (DROPPED, (HALF,))],
    ids=["forwarded", "leaked", "two halves"],
)
def test_leaked(got: FlowFact, others: tuple[FlowFact, ...]) -> None:
    """A container's own address on the uplink is told, as one flow or as two."""
    assert words(translation.leaked(case(PING, got, others=others))) == (
        "leaked",
        (
            "c1 left on the uplink with its own address instead of host; no MASQUERADE "
            "rule in nat/POSTROUTING matched"
        ),
    )


@pytest.mark.parametrize(
    ("want", "got"),
    [
        (PING, DROPPED),
        (PING, replace(PING, sender=end("c2"))),
        (replace(PING, kind="none"), BARE),
        (WEB, replace(REFUSED, disposition="leaked")),
    ],
    ids=["dropped", "another source", "no snat expected", "dnat"],
)
def test_not_leaked(want: FlowFact, got: FlowFact) -> None:
    """What never left, left translated, or was to keep its address leaked nothing."""
    assert translation.leaked(case(want, got)) is None


def test_missourced() -> None:
    """SNAT to another address is told."""
    found = translation.missourced(case(PING, replace(PING, sender=end("host02"))))

    assert words(found) == (
        "wrong source",
        "c1 left as host02 instead of host; look at POSTROUTING",
    )


@pytest.mark.parametrize(
    ("want", "got"),
    [
        (PING, PING),
        (PING, BARE),
        (replace(PING, kind="none"), replace(PING, sender=end("c2"))),
    ],
    ids=["as ever", "not translated", "no snat expected"],
)
def test_not_missourced(want: FlowFact, got: FlowFact) -> None:
    """A source is wrong if it was to be translated, and was, to another."""
    assert translation.missourced(case(want, got)) is None
