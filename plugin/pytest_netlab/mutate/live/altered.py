"""The host writes into packets, copies or reorders them; or their senders differ."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from pytest_netlab.mutate.live.fault import (
    ALL,
    CLOSED,
    COUNTED,
    PING_BEYOND,
    PING_HOST,
    Fault,
)
from pytest_netlab.mutate.live.hosts import FORWARDED, TCP
from pytest_netlab.mutate.live.inject import added, commands, nft, on, setting
from pytest_netlab.mutate.live.queue import swapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.mutate.live.fault import Inject

_CHANGED, _SENDER = ("header changed",), ("sender differs",)


def _at_ends(name: str, value: str) -> Inject:
    """Return an `inject` that sets a sysctl of every node but the host, and back."""

    @contextmanager
    def inject(lab: DockerLab) -> Iterator[None]:
        with ExitStack() as undo:
            for node in [lab.nodes[one] for one in lab.nodes if one != "host"]:
                was = node.run("sysctl", "-n", name).stdout.strip()
                undo.callback(node.run, "sysctl", "-qw", f"{name}={was}")
                node.run("sysctl", "-qw", f"{name}={value}")
            yield

    return inject


def _copying(hook: str, link: str, to: str, proto: str = "") -> Inject:
    """Return an `inject`: a copy of what leaves on a link, with an IP id of its own.

    Copies pass the host's own output, where nothing else does that is forwarded.
    """
    matches = f"oifname {link} meta l4proto {proto or '{{{{ icmp, tcp }}}}'}"
    chain = "{{{{ type {} hook {} priority 300 ; }}}}"
    table = "ip netlab_copies"
    return commands(
        (f"nft add table {table}", f"nft delete table {table}"),
        (f"nft add chain {table} copy {chain.format('filter', hook)}", ""),
        (f"nft add rule {table} copy {matches} dup to {to} device {link}", ""),
        (f"nft add chain {table} renumber {chain.format('route', 'output')}", ""),
        (f"nft add rule {table} renumber oifname {link} ip id set 0x7777", ""),
    )


FAULTS = (
    Fault(
        name="ttl-set",
        about="a mangle rule sets the ttl",
        inject=added("mangle", "FORWARD", "-j TTL --ttl-set 9"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
        cites={ALL: ("mangle -A FORWARD -j TTL --ttl-set 9", COUNTED)},
    ),
    Fault(
        name="dscp-set",
        about="a foreign nft table sets the DSCP",
        inject=nft("ip dscp set cs1"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
        cites={ALL: ("ip dscp set",)},
    ),
    Fault(
        name="ecn-set",
        about="a foreign nft table marks congestion that there is none of",
        inject=nft("ip ecn set ce"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
        cites={ALL: ("ip ecn set",)},
    ),
    Fault(
        name="ip-id-set",
        about="a foreign nft table sets the IP id",
        inject=nft("ip id set 7"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
        cites={ALL: ("ip id set 7",)},
    ),
    Fault(
        name="df-cleared",
        about="a foreign nft table clears DF",
        inject=nft("ip frag-off set 0"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
        cites={ALL: ("netlab_mutate foreign", "set 0")},
    ),
    Fault(
        name="reserved-flag-set",
        about="a foreign nft table sets the reserved IP flag",
        inject=nft("ip frag-off set 0xc000"),
        red=dict.fromkeys(FORWARDED, _CHANGED),
        cites={ALL: ("netlab_mutate foreign", "set")},
    ),
    Fault(
        name="own-reserved-flag-set",
        about="a foreign nft table sets the reserved IP flag of what the host sends",
        inject=nft("ip protocol icmp ip frag-off set 0x8000", hook="output"),
        own_stack=True,
        red={PING_HOST: _CHANGED},
        cites={ALL: ("netlab_mutate foreign", "set")},
    ),
    Fault(
        name="reserved-bits-set",
        about="a foreign nft table sets reserved bits of TCP",
        inject=nft("ip protocol tcp @th,100,3 set 7"),
        red=dict.fromkeys(TCP, (*_CHANGED, "corrupted checksum")),
        cites={ALL: ("netlab_mutate foreign", "@th,")},
    ),
    Fault(
        name="urgent-pointer-set",
        about="a foreign nft table sets an urgent pointer that no flag makes one",
        inject=nft("tcp urgptr set 7"),
        red=dict.fromkeys(TCP, _CHANGED),
        cites={ALL: ("tcp urgptr set 7",)},
    ),
    Fault(
        name="tcp-window-set",
        about="a foreign nft table sets the TCP window",
        inject=nft("tcp window set 1000"),
        red=dict.fromkeys(TCP, _CHANGED),
        cites={ALL: ("tcp window set 1000",)},
    ),
    Fault(
        name="mss-set",
        about="a mangle rule clamps the MSS",
        inject=added(
            "mangle",
            "FORWARD",
            "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 500",
        ),
        red=dict.fromkeys(TCP, _CHANGED),
        cites={ALL: ("TCPMSS --set-mss 500", COUNTED)},
    ),
    Fault(
        name="options-stripped",
        about="a mangle rule strips TCP timestamps",
        inject=added(
            "mangle", "FORWARD", "-p tcp -j TCPOPTSTRIP --strip-options timestamp"
        ),
        red=dict.fromkeys(TCP, _CHANGED),
        cites={ALL: ("TCPOPTSTRIP", COUNTED)},
    ),
    Fault(
        name="checksum-broken",
        about="a foreign nft table breaks the checksum of pings",
        inject=nft("meta l4proto icmp @th,16,16 set 0x1234", hook="forward"),
        red={PING_BEYOND: ("corrupted checksum",)},
        cites={ALL: ("netlab_mutate foreign", "set")},
    ),
    Fault(
        name="cloned",
        about="the host sends a clone of each segment after it",
        inject=added(
            "mangle", "PREROUTING", "-i {uplink} -p tcp -j TEE --gateway {host02}"
        ),
        red=dict.fromkeys(TCP, ("copied",)),
        cites={ALL: ("TEE --gateway {host02}", COUNTED)},
    ),
    Fault(
        name="ends-ttl",
        about="containers and neighbours send with a ttl of 128",
        inject=_at_ends("net.ipv4.ip_default_ttl", "128"),
        red=dict.fromkeys((PING_HOST, PING_BEYOND, *TCP, CLOSED), _SENDER),
        own_stack=True,
        cites={ALL: ("net.ipv4.ip_default_ttl is 128",)},
    ),
    Fault(
        name="ends-timestamps",
        about="containers and neighbours use no TCP timestamps",
        inject=_at_ends("net.ipv4.tcp_timestamps", "0"),
        red=dict.fromkeys((*TCP, CLOSED), _SENDER),
        own_stack=True,
        cites={ALL: ("net.ipv4.tcp_timestamps is 0",)},
    ),
    Fault(
        name="ends-sack",
        about="containers and neighbours offer no selective acknowledgement",
        inject=_at_ends("net.ipv4.tcp_sack", "0"),
        red=dict.fromkeys((*TCP, CLOSED), _SENDER),
        own_stack=True,
        cites={ALL: ("net.ipv4.tcp_sack is 0",)},
    ),
    Fault(
        name="ends-window-scaling",
        about="containers and neighbours do not scale TCP windows",
        inject=_at_ends("net.ipv4.tcp_window_scaling", "0"),
        red=dict.fromkeys((*TCP, CLOSED), _SENDER),
        own_stack=True,
        cites={ALL: ("net.ipv4.tcp_window_scaling is 0",)},
    ),
    Fault(
        name="ends-of-one-node",
        about="web alone sends with a ttl of 128",
        inject=on(
            setting("web", "net.ipv4.ip_default_ttl", "128", "64"),
        ),
        red=dict.fromkeys(TCP, _SENDER),
        own_stack=True,
        cites={ALL: ("net.ipv4.ip_default_ttl is 128 at web",)},
    ),
    Fault(
        name="copied-to-uplink",
        about="the host sends a copy of each packet on the uplink, with another IP id",
        inject=_copying("postrouting", "{uplink}", "{host01}"),
        red=dict.fromkeys(FORWARDED, ("delivered twice",)),
        cites={ALL: ("netlab_copies", "dup to {host01}")},
    ),
    Fault(
        name="copied-to-container",
        about="the host sends the web server a copy of each segment, with another id",
        inject=_copying("forward", "docker0", "{web}", "tcp"),
        red=dict.fromkeys(TCP, ("delivered twice",)),
        cites={ALL: ("netlab_copies", "dup to {web}")},
    ),
    Fault(
        name="segments-swapped",
        about="the host sends the second segment of an answer before the first",
        inject=swapped("-i docker0 -p tcp -m length --length 100:1500"),
        red=dict.fromkeys(TCP, ("reordered-by-host",)),
        cites={ALL: ("NFQUEUE --queue-num 7", COUNTED)},
    ),
)
