"""Flows and evidence for the rules that name causes. Values only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.flowfacts import end, fact
from tests.hosts import changed

from pytest_netlab.causes import Case, Cause
from pytest_netlab.flows import ICMP, TCP, Role, Tuple5
from pytest_netlab.host.tracking.connections import Connection
from pytest_netlab.trace import End, Fields, FlowFact, Packet, What

if TYPE_CHECKING:
    from pytest_netlab.host import HostChange

PING = fact(
    "icmp echo", "c1", "host01", "host", "host01", kind="snat", disposition="forwarded"
)
WEB = fact(
    "tcp", "host01", "host:81", "host01", "web:80", kind="dnat", disposition="forwarded"
)
PROXIED = replace(WEB, sender=end("bridge"), kind="proxied", disposition="proxied")
KEPT = {"sender": None, "target": None, "kind": "none"}
REFUSED = replace(WEB, **KEPT, disposition="local")  # type: ignore[arg-type]
DROPPED = replace(PING, **KEPT, disposition="dropped", answered=False)  # type: ignore[arg-type]
LEG = fact("tcp", "bridge", "web:80")
LOCAL = replace(PING, **KEPT, responder=end("host"), disposition="local")  # type: ignore[arg-type]

DNAT_RULE = (
    "nat -A DOCKER ! -i docker0 -p tcp --dport 81 -j DNAT --to-destination web:80"
)
OTHER_PORT = DNAT_RULE.replace("--dport 81", "--dport 82")
OTHER_NODE = DNAT_RULE.replace("web:80", "c2:80")
JUMP = "nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"
MASQUERADE = "nat -A POSTROUTING -s net ! -o docker0 -j MASQUERADE"
ACCEPT = "filter -A FORWARD -i docker0 ! -o docker0 -j ACCEPT"
NOTRACK = "raw -A PREROUTING -j CT --notrack"
LINK, WAS = "link uplink mtu 1300 up", "link uplink mtu 1500 up"
LINK_TOLD = f"{LINK} here, {WAS} when recorded"
SMALLER = changed(missing=(WAS,), extra=(LINK,))
VERSIONS = {"kernel": ("6.1", "6.18")}
VERSIONS_TOLD = "(kernel is 6.18 here, 6.1 when recorded)"


def tracked(
    initiator: str = "host01",
    sender: str = "host01",
    target: str = "c2",
    proto: int = TCP,
) -> Connection:
    """Return a connection to the published port, and whom it is sent on to."""
    asked = Tuple5(proto, initiator, 5000, "host", 81)
    return Connection(asked, Tuple5(proto, target, 80, sender, 5000))


@dataclass(frozen=True)
class Seen:
    """What differs of a flow, as `compare` tells it."""

    field: str
    want: str
    got: str
    flow: str = PING.name
    point: str = "uplink"
    direction: str = "original"
    expected: object = None
    found: object = None


DUPLICATE = Packet(
    point="docker0",
    reply=False,
    src=End("c1"),
    dst=End("host01"),
    what=What(TCP, role=Role.DUPLICATE),
    fields=Fields(ttl=63),
)
ERROR = replace(DUPLICATE, what=What(ICMP, icmp=(3, 4), error=True))
TOO_LARGE = Seen("packet", "nothing", "bridge > c1 fragmentation needed", found=ERROR)
DOUBLED = Seen("packet", "nothing", "c1 > host01", point="docker0", found=DUPLICATE)


def case(
    want: FlowFact,
    got: FlowFact,
    host: HostChange | None = None,
    *,
    evidence: tuple[Seen, ...] = (),
    others: tuple[FlowFact, ...] = (),
) -> Case:
    """Return what a rule looks at: a flow, and what else was observed."""
    return Case(
        want=want,
        got=got,
        evidence=evidence,
        flows=(got, *others),
        host=host or changed(),
    )


def words(cause: Cause | None) -> tuple[str, str]:
    """Return name and text of a cause there must be."""
    assert cause is not None
    return cause.name, cause.text
