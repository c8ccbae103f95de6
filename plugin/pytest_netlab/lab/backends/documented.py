"""The rules that Docker writes for its default bridge and one published port.

Knows their text alone: as `iptables-restore` reads what engines 20.10 to 27 write with
iptables, and as `nft` reads what engine 29 writes with its own nftables backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Network

IPTABLES_ENGINE, NATIVE_ENGINE = "20.10+rules", "29.7+rules"
# What moby's libnetwork/drivers/bridge/setup_ip_tables.go and firewall_linux.go set, as
# `iptables-save` prints it.
IPTABLES = """
*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
:DOCKER -
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s {subnet} ! -o docker0 -j MASQUERADE
-A POSTROUTING -s {web}/32 -d {web}/32 -p tcp -m tcp --dport {port} -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER -d {host}/32 ! -i docker0 -p tcp -m tcp --dport {published} -j DNAT \
--to-destination {web}:{port}
COMMIT
*filter
:INPUT ACCEPT
:FORWARD {policy}
:OUTPUT ACCEPT
:DOCKER -
:DOCKER-ISOLATION-STAGE-1 -
:DOCKER-ISOLATION-STAGE-2 -
:DOCKER-USER -
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d {web}/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport {port} -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
"""
# What `firewall-backend: nftables` has the engine write, as `nft list ruleset` prints
# it. A doubled brace is one in the text. No chain drops by policy, there is no
# DOCKER-USER, and the order of rules is the engine's.
NATIVE = """
table ip docker-bridges {{
    map filter-forward-in-jumps {{
        type ifname : verdict
        elements = {{ "docker0" : jump filter-forward-in__docker0 }}
    }}
    map filter-forward-out-jumps {{
        type ifname : verdict
        elements = {{ "docker0" : jump filter-forward-out__docker0 }}
    }}
    map nat-postrouting-in-jumps {{
        type ifname : verdict
        elements = {{ "docker0" : jump nat-postrouting-in__docker0 }}
    }}
    map nat-postrouting-out-jumps {{
        type ifname : verdict
        elements = {{ "docker0" : jump nat-postrouting-out__docker0 }}
    }}
    chain filter-FORWARD {{
        type filter hook forward priority filter; policy accept;
        oifname vmap @filter-forward-in-jumps
        iifname vmap @filter-forward-out-jumps
    }}
    chain nat-OUTPUT {{
        type nat hook output priority -100; policy accept;
        ip daddr != 127.0.0.0/8 fib daddr type local counter \
jump nat-prerouting-and-output
    }}
    chain nat-POSTROUTING {{
        type nat hook postrouting priority srcnat; policy accept;
        iifname vmap @nat-postrouting-out-jumps
        oifname vmap @nat-postrouting-in-jumps
    }}
    chain nat-PREROUTING {{
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local counter jump nat-prerouting-and-output
    }}
    chain nat-prerouting-and-output {{
        iifname != "docker0" ip daddr {host} tcp dport {published} counter \
dnat to {web}:{port} comment "DNAT"
    }}
    chain raw-PREROUTING {{
        type filter hook prerouting priority raw; policy accept;
        ip daddr {each} iifname != "docker0" counter drop comment "DROP DIRECT ACCESS"
    }}
    chain filter-forward-in__docker0 {{
        ct state established,related counter accept
        iifname "docker0" counter accept comment "ICC"
        ip daddr {web} tcp dport {port} counter accept
        counter drop comment "UNPUBLISHED PORT DROP"
    }}
    chain filter-forward-out__docker0 {{
        ct state established,related counter accept
        counter accept comment "OUTGOING"
    }}
    chain nat-postrouting-in__docker0 {{
    }}
    chain nat-postrouting-out__docker0 {{
        oifname != "docker0" ip saddr {subnet} counter masquerade comment "MASQUERADE"
    }}
}}
table ip6 docker-bridges {{
    map filter-forward-in-jumps {{
        type ifname : verdict
    }}
    map filter-forward-out-jumps {{
        type ifname : verdict
    }}
    map nat-postrouting-in-jumps {{
        type ifname : verdict
    }}
    map nat-postrouting-out-jumps {{
        type ifname : verdict
    }}
    chain filter-FORWARD {{
        type filter hook forward priority filter; policy accept;
        oifname vmap @filter-forward-in-jumps
        iifname vmap @filter-forward-out-jumps
    }}
    chain nat-OUTPUT {{
        type nat hook output priority -100; policy accept;
        ip6 daddr != ::1 fib daddr type local counter jump nat-prerouting-and-output
    }}
    chain nat-POSTROUTING {{
        type nat hook postrouting priority srcnat; policy accept;
        iifname vmap @nat-postrouting-out-jumps
        oifname vmap @nat-postrouting-in-jumps
    }}
    chain nat-PREROUTING {{
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local counter jump nat-prerouting-and-output
    }}
    chain nat-prerouting-and-output {{
    }}
    chain raw-PREROUTING {{
        type filter hook prerouting priority raw; policy accept;
    }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What the rules are about.

    Attributes:
        subnet: docker0's network.
        containers: their addresses, in the order in which they started.
        web: address and port of the container that is published.
        host: address and port at which it is.
        transports: protocols of the published port: tcp, udp.

    """

    subnet: IPv4Network
    containers: tuple[str, ...]
    web: tuple[str, int]
    host: tuple[str, int]
    transports: tuple[str, ...]


def iptables(about: Publication, *, forwarded: bool) -> str:
    """Return rules for iptables-restore.

    Args:
        about: the published port.
        forwarded: the host forwarded before the engine started, which then leaves the
            policy of FORWARD alone.

    """
    policy = "ACCEPT" if forwarded else "DROP"
    return _filled(IPTABLES, about, policy=policy)


def native(about: Publication) -> str:
    """Return rules for nft."""
    return _filled(NATIVE, about)


def _filled(text: str, about: Publication, **more: str) -> str:
    """Fill a text in, with lines once for each container or transport they are for."""
    (web, port), (host, published) = about.web, about.host
    lines = (one for line in text.splitlines() for one in _lines(line, about))
    return "\n".join((*lines, "")).format(
        subnet=about.subnet,
        web=web,
        port=port,
        host=host,
        published=published,
        **more,
    )


def _lines(line: str, about: Publication) -> list[str]:
    if "{each}" in line:
        return [line.replace("{each}", address) for address in about.containers]
    if "tcp" in line:
        return [line.replace("tcp", transport) for transport in about.transports]
    return [line]
