"""What is lost where no capture point sees it is told by counters, and cited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.flowfacts import end, fact
from tests.hosts import changed
from tests.unit.causes.cases import DROPPED, LOCAL, PING, WEB, Seen, case, words

from pytest_netlab.causes import blindness, explain, forwarding
from pytest_netlab.host.frame_counts import FrameCount
from pytest_netlab.host.meters import Meters
from pytest_netlab.host.obstacles import Obstacle

if TYPE_CHECKING:
    from pytest_netlab.host import HostChange

RAW = "raw -A PREROUTING -i docker0 -p icmp -j DROP"
LATER = "filter -A FORWARD -p icmp -j DROP"
BRIDGE = "nft bridge x p ip protocol icmp drop"
OUT = "nft bridge x o ip protocol tcp drop"
REDIRECT = "nat -A PREROUTING -i docker0 -p icmp -j REDIRECT"
SETS = "nft bridge x p ip daddr set c2"
C1 = FrameCount(node="c1", link="veth1", mac="02:00:00:00:00:01", came=4, shown=1)
ALL_SHOWN = replace(C1, came=1)
MUTE_WEB = FrameCount(node="web", link="veth2", sent=3, carried=1)
DROPS_ALL = Obstacle("veth1", "qdisc clsact of veth1 has dropped 3 packets", "tc qdisc")
NOT_ANSWERED = replace(WEB, answered=False, returned=False)
INSTEAD = fact("icmp echo", "c1", "bridge")


def host(
    *frame_counts: FrameCount,
    extra: tuple[str, ...] = (),
    obstacles: tuple[Obstacle, ...] = (),
    counts: dict[str, int] | None = None,
    grown: dict[str, int] | None = None,
) -> HostChange:
    """Return a host with frames that were lost, and what may have done it."""
    found = grown or {}
    return changed(
        extra=extra,
        counts=counts,
        frame_counts={one.node: one for one in frame_counts},
        obstacles=obstacles,
        meters=Meters(
            dict.fromkeys(found, 0), found, {"veth1": "c1", "ens160": "uplink"}
        ),
    )


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (host(C1, extra=(LATER, RAW)), f"this rule is new: {RAW}"),
        (host(C1, extra=(BRIDGE,)), f"this rule is new: {BRIDGE}"),
        (
            host(C1, extra=(BRIDGE, RAW), counts={BRIDGE: 0, RAW: 3}),
            f"this rule is new: {RAW} (it counted 3 packets)",
        ),
        (host(C1, counts={RAW: 3}), f"this rule did it: {RAW} (it counted 3 packets)"),
        (host(C1, extra=(LATER,), obstacles=(DROPS_ALL,)), DROPS_ALL.text),
        (host(C1, extra=(LATER,)), "look at PREROUTING of raw, mangle and nat"),
    ],
    ids=["raw", "bridge", "counted", "an engine's", "tc", "unknown"],
)
def test_dropped_before(known: HostChange, why: str) -> None:
    """Frames that came in and were not shown were dropped: by what acts before."""
    name, text = words(forwarding.untouched(case(PING, DROPPED, known), 0))

    assert name == "unseen"
    assert text.startswith("c1 sent 3 frames that came in on its link veth1 and that ")
    assert why in text


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (host(ALL_SHOWN), "all that it sent was captured, and none was for it"),
        (
            host(ALL_SHOWN, grown={"c1 Ip OutNoRoutes": 1}),
            "it has no route to it (`ip route` in its namespace)",
        ),
        (
            host(replace(ALL_SHOWN, unanswered=("bridge",))),
            "nobody answers its ARP for bridge",
        ),
    ],
    ids=["nothing", "no route", "no answer"],
)
def test_never_sent(known: HostChange, why: str) -> None:
    """An initiator all of whose frames were shown sent no packet of the flow."""
    name, text = words(forwarding.untouched(case(PING, DROPPED, known), 0))

    assert name == "no traffic"
    assert text.startswith(f"c1 sent nothing to host01; {why}")


def test_lost_beyond() -> None:
    """Frames that the uplink did not bring were lost in the network before it."""
    known = host(replace(ALL_SHOWN, astray=3))
    name, text = words(forwarding.untouched(case(PING, DROPPED, known), 0))

    assert name == "no traffic"
    assert text.startswith(
        "c1 sent 3 frames that the uplink never brought; the network"
    )


def test_nobody_counted() -> None:
    """Without counters a flow that was not seen is one that never came."""
    found = forwarding.untouched(case(PING, DROPPED, changed(extra=(RAW,))), 0)

    assert found.text.endswith("the stimulus never reached the host")


@pytest.mark.parametrize("rule", [REDIRECT, SETS])
def test_redirected(rule: str) -> None:
    """A packet with another destination is another flow, and needs no cause."""
    flow = replace(LOCAL, initiator=end("c1"))
    known = host(ALL_SHOWN, extra=(rule,))

    found = explain([flow], [INSTEAD], known)

    (only,) = found
    assert only.name == "redirected"
    assert "c1 sends to host goes to bridge instead" in only.text
    assert only.text.endswith(f"this rule is new: {rule}")


@pytest.mark.parametrize(
    ("others", "rule"),
    [
        ((), REDIRECT),
        ((INSTEAD,), RAW),
        ((replace(INSTEAD, initiator=end("c2")),), REDIRECT),
        ((INSTEAD,), REDIRECT.replace("PREROUTING -i docker0", "OUTPUT")),
    ],
    ids=["no other flow", "a rule that drops", "another initiator", "a rule of OUTPUT"],
)
def test_not_redirected(others: tuple[object, ...], rule: str) -> None:
    """Both must be there: a flow of the same initiator, and a rule that acts early."""
    known = host(extra=(rule,))

    assert blindness.redirected(case(PING, DROPPED, known, others=others)) is None  # type: ignore[arg-type]


def test_reply_dropped_before() -> None:
    """A target whose frames came in and were not shown has answered."""
    web = FrameCount(node="web", link="veth2", came=2, shown=1)
    rule = "raw -A PREROUTING -p tcp --sport 80 -j DROP"
    known = host(web, extra=(rule,))

    name, text = words(blindness.unseen(case(WEB, NOT_ANSWERED, known)))

    assert name == "unseen"
    assert text.startswith("web sent one frame that came in on its link veth2")
    assert text.endswith(rule)


def test_not_carried() -> None:
    """Frames that docker0 shows and a link did not carry were dropped in the bridge."""
    base = "nft bridge x o type filter hook output priority 0; policy accept;"
    known = host(MUTE_WEB, extra=(base, RAW, OUT))

    name, text = words(forwarding.not_returned(case(WEB, NOT_ANSWERED, known)))

    assert name == "not answered"
    assert "of 3 frames for web that docker0 shows, its link veth2 carried 1" in text
    assert text.endswith(f"this rule is new: {OUT}")


@pytest.mark.parametrize("place", ["veth2", "02:00:00:00:00:02"])
def test_not_carried_by_the_link(place: str) -> None:
    """What stops frames at the link, or sends them to another port, is cited."""
    web = replace(MUTE_WEB, mac="02:00:00:00:00:02")
    known = host(web, obstacles=(Obstacle(place, "the port is locked", "unlock"),))

    found = forwarding.not_returned(case(WEB, NOT_ANSWERED, known))

    assert words(found)[1].endswith("the port is locked")
    assert found is not None
    assert found.remedy == "unlock"


def test_nailed_to_its_own_port() -> None:
    """An address that is fixed at the port it has anyway stops nothing."""
    web = replace(MUTE_WEB, mac="02:00:00:00:00:02")
    fixed = Obstacle(web.mac, "docker0 sends what is for it to its port", port="veth2")

    found = blindness.swallowed(case(WEB, NOT_ANSWERED, host(web)), WEB.target)
    known = host(web, obstacles=(fixed,))

    assert blindness.swallowed(case(WEB, NOT_ANSWERED, known), WEB.target) == found


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (
            MUTE_WEB,
            "of 3 frames for web that docker0 shows, its link veth2 carried 1; ",
        ),
        (
            FrameCount(node="web", link="veth2", came=2),
            "web sent 2 frames that came in on its link veth2 and that docker0 never",
        ),
        (FrameCount(node="web", link="veth2", came=2, shown=2, sent=1, carried=1), ""),
    ],
    ids=["asked in vain", "answered in vain", "silent"],
)
def test_unheard(count: FrameCount, text: str) -> None:
    """What was lost on a node's link may have been its ARP."""
    found = blindness.unheard(case(WEB, NOT_ANSWERED, host(count)), "web")

    assert found.text.startswith(text)
    assert bool(found) == bool(text)
    assert not blindness.unheard(case(WEB, NOT_ANSWERED, host()), "web")


def test_answer_did_not_arrive() -> None:
    """An initiator that asked again was answered in vain."""
    lost = replace(C1, came=1, sent=3, carried=0)
    again = Seen("packet", "nothing", "c1 > host01", point="docker0")
    queue = Obstacle("veth1", "qdisc blackhole of veth1 has dropped 3 packets")
    known = host(lost, obstacles=(queue,))

    name, text = words(blindness.unseen(case(PING, PING, known, evidence=(again,))))

    assert name == "unseen"
    assert text.endswith(queue.text)
    assert blindness.unseen(case(PING, PING, known)) is None


def test_queue_of_the_host() -> None:
    """A queue drops before a capture point what the host sends on."""
    beyond = FrameCount(node="host01", point="uplink")
    queue = Obstacle(
        "ens160", "qdisc tbf of ens160 has dropped 2 packets", counted=True
    )
    idle = replace(queue, text="link ens160 is down", counted=False)

    found = blindness.queued(
        case(PING, DROPPED, host(beyond, obstacles=(queue,))), PING.target
    )
    none = blindness.queued(
        case(PING, DROPPED, host(beyond, obstacles=(idle,))), PING.target
    )

    assert found.text == queue.text
    assert not none


def test_kernel() -> None:
    """Where nothing else is known, the kernel's own counter is cited."""
    known = host(grown={"TcpExt IPReversePathFilter": 3, "Ip InReceives": 9})

    name, text = words(forwarding.not_forwarded(case(PING, DROPPED, known)))

    assert name == "not forwarded"
    assert "the kernel counted 3 as TcpExt IPReversePathFilter: packets whose" in text
    assert not blindness.kernel(case(PING, DROPPED, host()))
