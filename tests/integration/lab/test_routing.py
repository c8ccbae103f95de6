"""What `host.routing` says a kernel decides is what the kernel decides.

Rules, routes and settings are random; the kernel is asked for its route (RTM_GETROUTE)
in a namespace that ends with the test.
"""

from __future__ import annotations

import errno
import os
import random
import socket
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from pytest_netlab.host.routing.decision import Asked, Routing, decide
from pytest_netlab.host.routing.routes import route
from pytest_netlab.host.sysctls import per_link
from pytest_netlab.lab import facts
from pytest_netlab.lab.net import routes
from pytest_netlab.lab.net.netns import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.host.routing.decision import Decision

GET, REQUEST, ERROR = 26, 1, 2
MATCHED = 0x3000  # RTM_F_LOOKUP_TABLE, RTM_F_FIB_MATCH
DST, SRC, IIF, MARK, PROTO, SPORT, DPORT = 1, 2, 3, 16, 27, 28, 29
HEADER, ROUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBBBBBI")
LINKS = {"one": "10.1.0.1/16", "two": "10.2.0.1/16", "three": "10.3.0.1/16"}
BARE = "bare"  # a link that has no address
SETTINGS = ("rp_filter", "forwarding", "accept_local", "src_valid_mark")
NETWORKS = ("10.1.0.0/16", "10.2.0.0/16", "10.2.7.0/24", "10.9.0.0/16", "10.2.7.7")
ENDS = ("10.1.0.9", "10.2.7.7", "10.2.7.8", "10.3.0.9", "10.9.9.9", "10.1.0.1")
TABLES = ("main", "77", "78")
ERRORS = {
    errno.EACCES: "prohibit",
    errno.EINVAL: "blackhole",
    errno.ENETUNREACH: "none",
    errno.EHOSTUNREACH: "unreachable",
}
SEEDS, QUERIES = range(40), 60


@contextmanager
def namespace() -> Iterator[str]:
    """Yield the path of a namespace with some links."""
    argv = ["unshare", "--net", "sh", "-c", "echo; exec cat"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        path = f"/proc/{holder.pid}/ns/net"
        lines = [
            f"link add {name} type veth peer name {name}0\n"
            f"link set {name} up\nlink set {name}0 up"
            for name in (*LINKS, BARE)
        ]
        lines += [f"addr add {text} dev {name}" for name, text in LINKS.items()]
        batch(path, ["link set lo up", *lines])
        yield path
        holder.kill()


def batch(path: str, lines: list[str]) -> None:
    """Let `ip` do all of these in a namespace; what is there already may be refused."""
    argv = ["nsenter", f"--net={path}", "ip", "-force", "-batch", "-"]
    told = "\n".join(lines)
    subprocess.run(argv, check=False, input=told, text=True, capture_output=True)


def a_rule(chance: random.Random) -> str:
    """Return the words of any policy rule."""
    words = [chance.choice(("", "", "", "not "))]
    for name, values in (
        ("from", NETWORKS),
        ("to", NETWORKS),
        ("iif", (*LINKS, BARE, "lo", "gone")),
        ("oif", ("one",)),
        ("fwmark", ("0x1", "0x2/0x6")),
        ("ipproto", ("tcp", "icmp")),
        ("dport", ("80", "80-90")),
        ("uidrange", ("0-0", "7-9")),
    ):
        if chance.random() < 0.25:
            words.append(f"{name} {chance.choice(values)} ")
    action = chance.choice(("table",) * 5 + ("goto", "nop", "prohibit", "unreachable"))
    if action == "table":
        action += f" {chance.choice(TABLES)}"
        action += chance.choice(("", "", " suppress_prefixlength 0"))
    elif action == "goto":
        action += f" {chance.randrange(150, 210)}"
    return f"rule add priority {chance.randrange(50, 200)} {''.join(words)}{action}"


def a_route(chance: random.Random) -> str:
    """Return the words of any route."""
    table, metric = chance.choice(TABLES), chance.choice((0, 0, 5, 9))
    network = chance.choice((*NETWORKS, "default", "0.0.0.0/1"))
    tail = f"{network} table {table} metric {metric}"
    kind = chance.choice(("",) * 4 + ("throw", "prohibit", "blackhole", "unreachable"))
    if kind:
        return f"route add {kind} {tail}"
    hops = ("dev one", "via 10.2.0.9 dev two", "via 10.3.0.9 dev three", "dev bare")
    if chance.random() < 0.2:
        several = " ".join(f"nexthop {hop}" for hop in chance.sample(hops, 2))
        return f"route add {tail} {several}"
    return f"route add {tail} {chance.choice(hops)}"


def shuffle(path: str, chance: random.Random) -> None:
    """Give a namespace other rules, routes and settings."""
    cleared = [f"route flush table {table}" for table in TABLES[1:]]
    kept = [f"route add {text[:4]}.0.0/16 dev {name}" for name, text in LINKS.items()]
    rules = [a_rule(chance) for _ in range(chance.randrange(7))]
    added = [a_route(chance) for _ in range(chance.randrange(4, 14))]
    tables = ["rule add priority 0 table local", "rule add priority 32766 table main"]
    flush = ["rule flush", "rule del priority 0", "route flush table main", *cleared]
    batch(path, [*flush, *tables[: chance.choice((2, 2, 1))], *kept, *rules, *added])
    with inside(path):
        for link in (*LINKS, BARE):
            for name in SETTINGS:
                choices = {"rp_filter": (0, 0, 1, 2), "forwarding": (1, 1, 1, 0)}
                value = chance.choice(choices.get(name, (0, 0, 1)))
                Path(f"/proc/sys/net/ipv4/conf/{link}/{name}").write_text(f"{value}")


def routing(path: str) -> Routing:
    """Return all that a namespace decides by."""
    names = [per_link(x, name) for x in (*LINKS, BARE, "all") for name in SETTINGS]
    return Routing(
        rules=routes.rules(path, socket.AF_INET),
        routes=routes.listed(path),
        settings=facts.settings(path, names),
    )


def any_packet(chance: random.Random) -> Asked:
    """Return a packet, from anywhere to anywhere."""
    protocol = chance.choice((1, 6, 17))
    ports = protocol != 1
    incoming = chance.choice((*LINKS, *LINKS, BARE, ""))
    return Asked(
        source=chance.choice(ENDS) if incoming else "10.1.0.1",
        destination=chance.choice(ENDS),
        incoming=incoming,
        protocol=protocol,
        sport=chance.choice((80, 4000)) if ports else 0,
        dport=chance.choice((80, 85, 443)) if ports else 0,
        mark=chance.choice((0, 0, 1, 2, 6)),
    )


def answer(kernel: socket.socket, asked: Asked) -> rtmsg | int:
    """Return the route that a kernel finds for a packet, or why it refuses."""
    index = socket.if_nametoindex(asked.incoming) if asked.incoming else 0
    parts = [
        (DST, socket.inet_aton(asked.destination)),
        (SRC, socket.inet_aton(asked.source)),
        (MARK, asked.mark.to_bytes(4, "little")),
        (PROTO, bytes([asked.protocol])),
    ]
    parts += [(IIF, index.to_bytes(4, "little"))] * bool(index)
    if asked.sport:
        parts.append((SPORT, asked.sport.to_bytes(2, "big")))
        parts.append((DPORT, asked.dport.to_bytes(2, "big")))
    body = ROUTE.pack(socket.AF_INET, 32, 32, 0, 0, 0, 0, 0, MATCHED)
    for kind, value in parts:
        padded = value + bytes(-len(value) % 4)
        body += struct.pack("=HH", len(value) + 4, kind) + padded
    kernel.send(HEADER.pack(HEADER.size + len(body), GET, REQUEST, 1, 0) + body)
    data = kernel.recv(1 << 14)
    if HEADER.unpack_from(data)[1] == ERROR:
        return -int(struct.unpack_from("=i", data, HEADER.size)[0])
    found = rtmsg(data)
    found.decode()
    return found


def summary(decision: Decision) -> object:
    """Return what RTM_GETROUTE can say of a decision."""
    if decision.stopped:
        return decision.stopped
    if decision.rule and decision.rule.action == "unreachable":
        return "none"  # a rule's is of the network, a route's of the host
    if decision.route is None or decision.kind in ERRORS.values():
        return decision.kind
    return decision.kind, decision.route.table, decision.route.destination


def told(found: rtmsg | int, names: dict[int, str], decision: Decision) -> object:
    """Return a kernel's answer in the words of `summary`."""
    if isinstance(found, int):
        # Not every refusal has a number of its own.
        stops = {errno.EHOSTUNREACH: "forwarding", errno.EXDEV: "source"}
        stops[errno.EINVAL] = "source"
        if decision.stopped and stops.get(found) == decision.stopped:
            return decision.stopped
        return ERRORS.get(found, os.strerror(found))
    known = route(found, names)
    return known.kind, known.table, known.destination


@pytest.fixture(scope="module")
def path() -> Iterator[str]:
    """Yield a namespace's path."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it makes network namespaces")
    with namespace() as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
def test_kernel_agrees(path: str, seed: int) -> None:
    """Any packet has the rule, the route and the fate that the kernel gives it."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    shuffle(path, chance)
    known = routing(path)
    with inside(path):
        names = dict(socket.if_nameindex())
        kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        packets = [any_packet(chance) for _ in range(QUERIES)]
        with kernel:
            answers = [answer(kernel, one) for one in packets]

    wrong = []
    for asked, found in zip(packets, answers, strict=True):
        decision = decide(known, asked)
        if len(decision.devices) > 1 and decision.stopped:
            continue  # it depends on the hop, which a hash of the packet chooses
        if summary(decision) != told(found, names, decision):
            wrong.append((asked, summary(decision), told(found, names, decision)))

    rules = (*known.rules, *(one for one in known.routes if not one.preference))
    listed = "\n".join(map(str, (*wrong[:3], *rules, *known.settings.items())))
    assert not wrong, f"{len(wrong)} of {QUERIES} are wrong\n{listed}"
