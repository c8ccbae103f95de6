"""Where the host sends a flow's packets: which rule, route, ... is cited, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.flowfacts import end
from tests.hosts import changed
from tests.unit.causes.cases import DROPPED, LOCAL, PING, PROXIED, WEB, case, words

from pytest_netlab.causes import (
    forwarding,
    neighbours,
    routes_cited,
    routing,
    translation,
)
from pytest_netlab.causes.clues import NONE
from pytest_netlab.flows import ICMP, ICMP6, TCP, Tuple5
from pytest_netlab.host import EndSetting, HostChange
from pytest_netlab.host.links import links
from pytest_netlab.host.links import neighbours as known_neighbours
from pytest_netlab.host.routing.addresses import addresses
from pytest_netlab.host.routing.decision import Routing
from pytest_netlab.host.routing.network import Network, NetworkChange
from pytest_netlab.host.routing.policy_rules import policy_rules
from pytest_netlab.host.routing.routes import routes
from pytest_netlab.host.routing.xfrm import policies
from pytest_netlab.host.sysctls import per_link
from pytest_netlab.trace import FlowFact, Refusal, What

NAMES = {
    "172.17.0.2": "c1",
    "172.17.0.5": "web",
    "172.17.0.1": "bridge",
    "172.16.211.128": "host",
    "172.16.211.1": "host01",
}
PLACES = {"docker0": "docker0", "ens160": "uplink", "veth5": "web"}
DEVICES = {"c1": "docker0", "web": "docker0", "host01": "uplink"}
RULES = "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n"
ROUTES = """\
default via 172.16.211.2 dev ens160
172.16.211.0/24 dev ens160 scope link
172.17.0.0/16 dev docker0 scope link
local 172.16.211.128 dev ens160 table local scope host
local 172.17.0.1 dev docker0 table local scope host
"""
TABLE = "default dev second table 77\n"
ADDRESSES = "ens160 172.16.211.128/24 scope 0\n"
LINKS = "3: docker0 mtu 1500 state up\n9: veth5 mtu 1500 state up master 3\n"
LINKS += "2: ens160 mtu 1500 state up\n"
SETTINGS = {per_link(link, "forwarding"): "1" for link in ("docker0", "ens160")}
C1, HOST01, HOST, WEBS = "172.17.0.2", "172.16.211.1", "172.16.211.128", "172.17.0.5"


def keyed(one: FlowFact, proto: int, *key: str | int) -> FlowFact:
    """Return a flow with the tuple that its initiator sends."""
    return replace(one, key=Tuple5(proto, *key))  # type: ignore[arg-type]


OUT = (C1, 7, HOST01, 7)
LOST = keyed(DROPPED, ICMP, *OUT)
UNRETURNED = keyed(replace(PING, returned=False), ICMP, *OUT)
REFUSED = replace(LOST, refusal=Refusal(What(ICMP, icmp=(3, 13), error=True), "bridge"))
SILENT = keyed(replace(LOCAL, answered=False), ICMP, C1, 7, HOST, 7)
TO_WEB = (HOST01, 5000, HOST, 81)
WEB_LOST = keyed(
    replace(WEB, sender=None, target=None, answered=False, returned=False), TCP, *TO_WEB
)


def network(  # noqa: PLR0913 - keywords
    *,
    rule: str = "",
    rules: str = RULES,
    more: str = "",
    all_routes: str = ROUTES,
    listed: str = LINKS,
    known: str = "",
    has: str = ADDRESSES,
    printed: str = "",
    **settings: str,
) -> Network:
    """Return a network, with some of it changed; settings are link_name=value."""
    parts = ((name.partition("_"), value) for name, value in settings.items())
    names = {per_link(link, name): value for (link, _, name), value in parts}
    return Network(
        routing=Routing(
            rules=policy_rules(rules.replace("32766", f"{rule}32766")),
            rules6=policy_rules(RULES),
            routes=routes(ROUTES[:0] + all_routes + more),
            settings={**SETTINGS, **names},
        ),
        addresses=addresses(has),
        neighbours=known_neighbours(known),
        links=links(listed),
        policies=policies(printed),
    )


def host(now: Network, *, start: bool = True, **other: object) -> HostChange:
    """Return a host whose network is otherwise than when its lab had started."""
    counts = {"TcpExt IPReversePathFilter": 2, "XfrmFwdPolBlock": 1}
    then = network() if start else None
    change = NetworkChange(
        now=now, then=then, names=NAMES, places=PLACES, counts=counts
    )
    return replace(changed(), network=change, devices=DEVICES, **other)  # type: ignore[arg-type]


LAN = "100:\tfrom 172.16.211.0/24 lookup 77\n"
MARKED = "mangle -A PREROUTING -p icmp -j MARK --set-xmark 0x7/0xffffffff"
CITED = {
    "rule": (
        (PING, UNRETURNED, network(rule=LAN, more=TABLE)),
        "misrouted",
        (
            "host01's replies to c1 leave by second instead of docker0; this policy "
            "rule is new: `100:\tfrom 172.16.211.0/24 lookup 77`, which leads to "
            "`default dev second table 77`"
        ),
        "ip rule del from 172.16.211.0/24 lookup 77 priority 100",
    ),
    "reply of the host": (
        (LOCAL, SILENT, network(rule=LAN, more=TABLE)),
        "misrouted",
        "host's replies to c1 leave by second instead of docker0",
        "ip rule del from 172.16.211.0/24 lookup 77 priority 100",
    ),
    "prohibited": (
        (PING, REFUSED, network(rule="100:\tfrom all iif docker0 prohibit\n")),
        "rejected",
        (
            "c1's packets to host01 are prohibited by routing (c1 is refused by admin "
            "prohibited from bridge); this policy rule is new: `100:\tfrom all iif "
            "docker0 prohibit`"
        ),
        "ip rule del from all iif docker0 prohibit priority 100",
    ),
    "route": (
        (PING, UNRETURNED, network(more="blackhole 172.17.0.2\n")),
        "reply not forwarded",
        (
            "host01's replies to c1 are dropped by routing; this route is new: "
            "`blackhole 172.17.0.2`"
        ),
        "ip route del blackhole 172.17.0.2",
    ),
    "route gone": (
        (
            PING,
            UNRETURNED,
            network(all_routes=ROUTES.replace("172.17.0.0/16 dev docker0", "10.0.0.1")),
        ),
        "misrouted",
        (
            "host01's replies to c1 leave by ens160 (via 172.16.211.2), the uplink, "
            "instead of docker0; this route is gone: `172.17.0.0/16 dev docker0 scope "
            "link`"
        ),
        "ip route add 172.17.0.0/16 dev docker0 scope link",
    ),
    "next hop": (
        (PING, LOST, network(more="172.16.211.1 via 172.16.211.3 dev ens160\n")),
        "misrouted",
        (
            "c1's packets to host01 leave by ens160 (via 172.16.211.3), the uplink, "
            "instead of directly; this route is new: `172.16.211.1 via 172.16.211.3 "
            "dev ens160`"
        ),
        "ip route del 172.16.211.1 via 172.16.211.3 dev ens160",
    ),
    "rule gone": (
        (PING, LOST, network(rules="0:\tfrom all lookup local\n")),
        "not forwarded",
        (
            "c1's packets to host01 are not routed: no policy rule leads to a route "
            "for them; this policy rule is gone: `32766:\tfrom all lookup main`"
        ),
        "ip rule add from all lookup main priority 32766",
    ),
    "forwarding": (
        (PING, LOST, network(docker0_forwarding="0")),
        "not forwarded",
        (
            "c1's packets to host01 are not forwarded; "
            "net.ipv4.conf.docker0.forwarding is 0 here, 1 when the lab started"
        ),
        "sysctl -w net.ipv4.conf.docker0.forwarding=1",
    ),
    "reverse path": (
        (
            WEB,
            WEB_LOST,
            network(
                rule="100:\tfrom all iif docker0 lookup 77\n",
                more=TABLE,
                ens160_rp_filter="1",
            ),
        ),
        "not forwarded",
        (
            "host01's packets to web are dropped: their source is not believed; "
            "net.ipv4.conf.ens160.rp_filter is 1 here, absent when the lab started, "
            "and a packet to 172.16.211.1 would go to second (the kernel dropped 2 "
            "for that): this policy rule is new: `100:\tfrom all iif docker0 lookup "
            "77`"
        ),
        "",
    ),
    "hijacked": (
        (
            PING,
            LOST,
            network(
                more="local 172.16.211.1 dev lo table local scope host\n",
                has=ADDRESSES + "lo 172.16.211.1/32 scope 0\n",
            ),
        ),
        "misrouted",
        (
            "c1's packets to host01 are taken by the host itself, which has "
            "172.16.211.1; this address is new: 172.16.211.1/32 on lo"
        ),
        "ip address del 172.16.211.1/32 dev lo",
    ),
    "source of its own": (
        (
            WEB,
            WEB_LOST,
            network(
                more="local 172.16.211.1 dev lo table local scope host\n",
                has=ADDRESSES + "lo 172.16.211.1/32 scope 0\n",
            ),
        ),
        "not forwarded",
        (
            "host01's packets to web are dropped: their source is not believed; this "
            "host has 172.16.211.1 itself: this address is new: 172.16.211.1/32 on lo"
        ),
        "ip address del 172.16.211.1/32 dev lo",
    ),
    "ipsec": (
        (
            PING,
            LOST,
            network(
                printed="src 0.0.0.0/0 dst 172.16.211.1/32 \n"
                "\tdir fwd action block priority 0 \n"
            ),
        ),
        "not forwarded",
        (
            "c1's packets to host01 are dropped by IPsec; this xfrm policy blocks "
            "them: src 0.0.0.0/0 dst 172.16.211.1/32 dir fwd action block "
            "(XfrmFwdPolBlock grew by 1)"
        ),
        "ip xfrm policy delete src 0.0.0.0/0 dst 172.16.211.1/32 dir fwd",
    ),
    "arp": (
        (WEB, WEB_LOST, network(known="172.17.0.5 dev docker0 FAILED\n")),
        "not forwarded",
        (
            "host01's packets to web do not reach web; nobody answers ARP for web: "
            "172.17.0.5 dev docker0 FAILED"
        ),
        "",
    ),
    "link down": (
        (WEB, WEB_LOST, network(listed="9: veth5 mtu 1500 state down no-carrier\n")),
        "not forwarded",
        "host01's packets to web do not reach web; its link is down: veth5",
        "ip link set veth5 up",
    ),
    "not forwarding": (
        (
            WEB,
            WEB_LOST,
            network(listed="9: veth5 mtu 1500 state up master 3 not-forwarding\n"),
        ),
        "not forwarded",
        (
            "host01's packets to web do not reach web; its bridge passes nothing on to "
            "it: port veth5"
        ),
        "bridge link set dev veth5 state 3",
    ),
    "no port": (
        (WEB, WEB_LOST, network(listed="9: veth5 mtu 1500 state up\n")),
        "not forwarded",
        (
            "host01's packets to web do not reach web; its link is no longer a port of "
            "the bridge: veth5"
        ),
        "",
    ),
    "address gone": (
        (
            LOCAL,
            SILENT,
            network(all_routes=ROUTES.replace("local 172.16", "local 10.16"), has=""),
        ),
        "misrouted",
        (
            "c1's packets to host leave by ens160, the uplink, though they were for "
            "the host itself; this address is gone: 172.16.211.128/24 of ens160"
        ),
        "ip address add 172.16.211.128/24 dev ens160",
    ),
    "proxied": (
        (
            PROXIED,
            keyed(replace(PROXIED, target=None, returned=False), TCP, *TO_WEB),
            network(more="blackhole 172.17.0.5\n"),
        ),
        "not answered",
        (
            "bridge's packets to web are dropped by routing; this route is new: "
            "`blackhole 172.17.0.5`"
        ),
        "ip route del blackhole 172.17.0.5",
    ),
    "no carrier": (
        (WEB, WEB_LOST, network(listed="9: veth5 mtu 1500 state up no-carrier\n")),
        "not forwarded",
        "host01's packets to web do not reach web; its link has no carrier",
        "",
    ),
}


@pytest.mark.parametrize(
    ("seen", "name", "text", "remedy"), CITED.values(), ids=CITED.keys()
)
def test_cited(
    seen: tuple[FlowFact, FlowFact, Network], name: str, text: str, remedy: str
) -> None:
    """What becomes of the packets, which rule or route does it, and what mends it."""
    want, got, now = seen
    found = routing.misrouted(case(want, got, host(now)))

    assert words(found)[0] == name
    assert words(found)[1].startswith(text)
    assert found is not None
    assert found.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("want", "got", "known"),
    [
        (PING, PING, host(network(rule=LAN, more=TABLE))),
        (PING, LOST, host(network())),
        (PING, LOST, host(network(rule="100:\tfrom 10.0.0.1 prohibit\n"))),
        (PING, LOST, host(network(rule="100:\tfrom all fwmark 0x7 prohibit\n"))),
        (PING, LOST, host(network(known="172.17.0.5 dev docker0 FAILED\n"))),
        (PING, LOST, changed()),
        (PING, DROPPED, host(network(rule="100:\tfrom all prohibit\n"))),
    ],
    ids=["as it was", "same", "other", "no mark", "other's ARP", "unread", "no key"],
)
def test_no_cause(want: FlowFact, got: FlowFact, known: HostChange) -> None:
    """What is as it was, or is not about the flow's packets, explains nothing."""
    assert routing.misrouted(case(want, got, known)) is None


def test_marked() -> None:
    """The mark that a rule set which counted packets decides; that rule is cited."""
    now = network(rule="100:\tfrom all fwmark 0x7 blackhole\n")
    known = host(now, counts={MARKED: 1})

    _, text = words(routing.misrouted(case(PING, LOST, known)))

    assert "`100:\tfrom all fwmark 0x7 blackhole`" in text
    assert text.endswith(f"their mark is of {MARKED}")
    other = MARKED.replace("icmp", "tcp")
    known = host(now, counts={other: 1})
    assert routing.misrouted(case(PING, LOST, known)) is None


def test_without_start() -> None:
    """Where nobody saw the lab start, the golden's links say what is right."""
    now = host(network(rule=LAN, more=TABLE), start=False)
    _, text = words(routing.misrouted(case(PING, UNRETURNED, now)))

    assert text.startswith(
        "host01's replies to c1 leave by second instead of docker0; "
    )
    assert "`100:\tfrom 172.16.211.0/24 lookup 77` decides" in text
    assert routing.misrouted(case(PING, LOST, host(network(), start=False))) is None


BEFORE = {
    "rule": (
        (PING, UNRETURNED, network(rule=LAN, more=TABLE)),
        "misrouted",
        "lookup 77` decides, by `default dev second table 77`",
        "ip rule del from 172.16.211.0/24 lookup 77 priority 100",
    ),
    "refused": (
        (PING, UNRETURNED, network(more="blackhole 172.17.0.2\n")),
        "reply not forwarded",
        "decides, by `blackhole 172.17.0.2`",
        "ip route del blackhole 172.17.0.2",
    ),
    "setting": (
        (PING, LOST, network(docker0_forwarding="0")),
        "not forwarded",
        "net.ipv4.conf.docker0.forwarding is 0 here",
        "sysctl -w net.ipv4.conf.docker0.forwarding=1",
    ),
}


@pytest.mark.parametrize(
    ("seen", "name", "text", "remedy"), BEFORE.values(), ids=BEFORE.keys()
)
def test_before_the_start(
    seen: tuple[FlowFact, FlowFact, Network], name: str, text: str, remedy: str
) -> None:
    """What was so when the lab started is cited too, where the golden's was not."""
    want, got, now = seen
    known = host(now)
    assert known.network is not None
    same = replace(known, network=replace(known.network, then=now))

    found = routing.misrouted(case(want, got, same))

    assert words(found)[0] == name
    assert text in words(found)[1]
    assert "is new" not in words(found)[1]
    assert found is not None
    assert found.remedy == remedy
    unknown = replace(known.network, then=now, places={})
    if name == "misrouted":
        other = replace(known, network=replace(unknown, now=replace(now, links=())))
        assert routing.misrouted(case(want, got, other)) is None


def test_source() -> None:
    """Another address that masquerading takes is cited."""
    now = host(network(has="ens160 172.16.211.77/24 scope 0\n" + ADDRESSES))
    left = keyed(replace(PING, sender=end("addr#1")), ICMP, *OUT)
    found = translation.missourced(case(PING, left, now))

    assert words(found)[0] == "wrong source"
    assert (
        "and that is 172.16.211.77/24 now; it was 172.16.211.128/24" in words(found)[1]
    )
    assert found is not None
    assert found.remedy == "ip address del 172.16.211.77/24 dev ens160"
    assert routing.source(case(PING, left, host(network()))) is NONE


@pytest.mark.parametrize(
    ("want", "got", "known", "text"),
    [
        (
            LOCAL,
            SILENT,
            host(
                network(),
                ends=(EndSetting("host", routing.ECHO_IGNORED, "1", "0"),),
            ),
            "host never answered; net.ipv4.icmp_echo_ignore_all is 1 at host (0 by",
        ),
        (
            PING,
            keyed(replace(PING, answered=False, returned=False), ICMP, *OUT),
            host(
                network(),
                ends=(EndSetting("host01", routing.ECHO_IGNORED, "1", "0"),),
            ),
            (
                "host01 never answered what was sent on to it; "
                "net.ipv4.icmp_echo_ignore_all is 1 at host01"
            ),
        ),
    ],
)
def test_echo_ignored(
    want: FlowFact, got: FlowFact, known: HostChange, text: str
) -> None:
    """An end that ignores echoes never answers."""
    seen = case(want, got, known)
    found = forwarding.unanswered(seen) or forwarding.not_returned(seen)

    assert words(found)[0] == "not answered"
    assert words(found)[1].startswith(text)


@pytest.mark.parametrize(
    ("listed", "text"),
    [
        ("172.17.0.0/16 dev eth0\n", "web has no route to host01"),
        (
            "default dev eth0\nprohibit 172.16.211.1\n",
            "web has no route to host01 but `prohibit 172.16.211.1`",
        ),
        ("default dev eth0\n", ""),
    ],
)
def test_no_way_back(listed: str, text: str) -> None:
    """A node that has no route to who asked it does not answer."""
    known = host(network())
    assert known.network is not None
    nodes = replace(known.network, nodes={"web": routes(listed)})
    unanswered = keyed(replace(WEB, answered=False, returned=False), TCP, *TO_WEB)

    found = routing.silent(case(WEB, unanswered, replace(known, network=nodes)))

    assert found.text == text


def test_next_hop() -> None:
    """A frame for another station is explained by the route that leads to it."""
    more = "172.16.211.1 via 172.16.211.3 dev ens160\n"
    known = host(network(more=more))

    assert routing.decision(case(PING, keyed(PING, ICMP, *OUT), known)).text == (
        "this route is new: `172.16.211.1 via 172.16.211.3 dev ens160`"
    )
    assert neighbours.wrong(case(PING, PING, known)) is None


@pytest.mark.parametrize(
    ("now", "text", "remedy"),
    [
        (
            network(listed="3: docker0 mtu 1500 state up no-arp\n"),
            "docker0 neither asks for nor answers Ethernet addresses (NOARP)",
            "ip link set docker0 arp on",
        ),
        (
            network(
                known="172.17.0.5 dev docker0 lladdr 02:00:00:00:00:99 PERMANENT\n"
            ),
            (
                "the host's neighbour entry for web was set by hand: 172.17.0.5 dev "
                "docker0 lladdr 02:00:00:00:00:99 PERMANENT"
            ),
            "ip neigh del 172.17.0.5 dev docker0",
        ),
        (
            network(known="172.17.0.5 dev docker0 lladdr 02:00:00:00:00:99 STALE\n"),
            "",
            "",
        ),
    ],
    ids=["no arp", "set", "learned"],
)
def test_neighbour(now: Network, text: str, remedy: str) -> None:
    """Why a frame goes to a station that is not the receiver."""
    found = routing.decision(case(WEB, keyed(WEB, TCP, *TO_WEB), host(now)))

    assert (found.text, found.remedy) == (text, remedy)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (network(docker0_arp_ignore="8"), "net.ipv4.conf.docker0.arp_ignore is 8 here"),
        (network(all_arp_ignore="8"), "net.ipv4.conf.all.arp_ignore is 8 here"),
        (
            network(listed="3: docker0 mtu 1500 state up no-arp\n"),
            "docker0 answers no ARP (NOARP)",
        ),
        (network(ens160_arp_ignore="8"), ""),
        (network(), ""),
    ],
    ids=["link", "all", "no arp", "other link", "as it was"],
)
def test_deaf(now: Network, text: str) -> None:
    """Why a container does not find the host, and so never answers."""
    unanswered = keyed(replace(WEB, answered=False, returned=False), TCP, *TO_WEB)
    seen = case(WEB, unanswered, host(now))

    assert routes_cited.deaf(seen, "docker0").text.startswith(text)
    assert bool(routing.silent(seen)) == bool(text)
    assert routes_cited.deaf(case(PING, PING, changed()), "docker0") is NONE


def test_deaf_without_address() -> None:
    """A host that lost its address does not answer for it."""
    found = routes_cited.deaf(case(PING, LOST, host(network(has=""))), "uplink")

    assert found.text == "this address is gone: 172.16.211.128/24 of ens160"
    assert found.remedy == "ip address add 172.16.211.128/24 dev ens160"


def test_deaf_to_one_it_does_not_believe() -> None:
    """An ARP request is answered only if its sender's address is believed."""
    now = network(
        rule="100:\tfrom all to 172.16.211.1 lookup 77\n",
        more="172.16.211.1 dev docker0 table 77 scope link\n",
        ens160_rp_filter="1",
    )

    found = routes_cited.deaf(case(WEB, WEB, host(now)), "uplink")

    assert found.text.startswith(
        "host01, who asks, is not believed: net.ipv4.conf.ens160.rp_filter is 1 here"
    )
    assert found.remedy.startswith("sysctl -w net.ipv4.conf.ens160.rp_filter=")


def test_six() -> None:
    """IPv6 has one switch of forwarding, and rules of its own."""
    six = {"net.ipv6.conf.all.forwarding": "0"}
    more = "fd01::/64 dev ens160 pref medium\nfd00::/64 dev docker0 pref medium\n"
    now = network(more=more)
    routing_now = replace(now.routing, settings={**now.routing.settings, **six})
    known = host(replace(now, routing=routing_now))
    assert known.network is not None
    change = replace(
        known.network,
        then=network(more=more),
        names={"fd00::2": "c1", "fd01::1": "host01"},
    )
    lost = keyed(DROPPED, ICMP6, "fd00::2", 7, "fd01::1", 7)

    _, text = words(routing.misrouted(case(PING, lost, replace(known, network=change))))

    assert text.startswith("c1's packets to host01 are not forwarded; ")
    assert "net.ipv6.conf.all.forwarding is 0 here" in text
