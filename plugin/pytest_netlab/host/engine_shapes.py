"""Lines of rules that Docker engines write, and patterns made of them.

As the tools print them, for any bridge, address and port: Docker 20.10 to 29, iptables
of both families, and nft tables of its own. Refuses to know a host.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

Shape: TypeAlias = re.Pattern[str]
# A name in braces stands for one word, and for the same one wherever it is repeated in
# a line: `{bridge}` twice is one bridge.
_WORDS = {
    "any": r"\S+",
    # No bridge is called like another kind of link: `-i ens160 ! -o ens160 -j ACCEPT`
    # is no engine's.
    "bridge": r"(?!lo\b|lo0|eth|en[opsx]|wl|veth|tun|tap|wg|ppp|bond)[^\s\"]+",
    "net": r"net|[\da-f.:]+/(?!32\b|128\b)\d+",
    "loopback": r"127\.\d+\.\d+\.\d+(?:/\d+)?|::1(?:/128)?",
    "proto": r"tcp|udp|sctp",
    "port": r"\d+(?::\d+)?",
    "icmp": r"icmp|ipv6-icmp",
    "stage": r"DOCKER-ISOLATION-STAGE-[12]",
    "own": r"DOCKER(?:-(?:USER|INGRESS|FORWARD|CT|BRIDGE|INTERNAL))?",
    "verdict": r"ACCEPT|DROP",
    "set": r"docker-ext-bridges-v[46]",
    "table": r"raw|mangle|nat|filter|security",
    "hook": r"PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING",
}
_SHORT = {
    "published": "-p {proto} -m {proto} --dport {port}",
    "answered": "-p {proto} -m {proto} --sport {port}",
    "bridges": "-m set --match-set {set} dst",
    "established": "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "local": "-m addrtype --dst-type LOCAL",
}
# The last line of all is the kernel's own: a built-in chain that accepts.
_IPTABLES = """
filter :{own} -
filter :{stage} -
filter :FORWARD DROP
filter -A FORWARD -j DOCKER-USER
filter -A FORWARD -j DOCKER-FORWARD
filter -A FORWARD -j DOCKER-INGRESS
filter -A FORWARD -j {stage}
filter -A FORWARD -o {bridge} {established}
filter -A FORWARD -o {bridge} -j DOCKER
filter -A FORWARD -i {bridge} ! -o {bridge} -j ACCEPT
filter -A FORWARD -i {bridge} -o {bridge} -j {verdict}
filter -A FORWARD {bridges} {established}
filter -A FORWARD {bridges} -j DOCKER
filter -A DOCKER-USER -j RETURN
filter -A DOCKER-FORWARD -j DOCKER-CT
filter -A DOCKER-FORWARD -j DOCKER-BRIDGE
filter -A DOCKER-FORWARD -j DOCKER-INTERNAL
filter -A DOCKER-FORWARD -j DOCKER-INGRESS
filter -A DOCKER-FORWARD -j {stage}
filter -A DOCKER-FORWARD -i {bridge} -j ACCEPT
filter -A DOCKER-FORWARD -i {bridge} ! -o {bridge} -j ACCEPT
filter -A DOCKER-FORWARD -i {bridge} -o {bridge} -j {verdict}
filter -A DOCKER-CT -o {bridge} {established}
filter -A DOCKER-CT {bridges} {established}
filter -A DOCKER-BRIDGE -o {bridge} -j DOCKER
filter -A DOCKER-BRIDGE {bridges} -j DOCKER
filter -A DOCKER -d {any} ! -i {bridge} -o {bridge} {published} -j ACCEPT
filter -A DOCKER -s {any} -d {any2} -i {bridge} -o {bridge} {published} -j ACCEPT
filter -A DOCKER -s {any} -d {any2} -i {bridge} -o {bridge} {answered} -j ACCEPT
filter -A DOCKER ! -i {bridge} -o {bridge} -j {verdict}
filter -A DOCKER ! -i {bridge} -o {bridge} -p {icmp} -j ACCEPT
filter -A DOCKER -o {bridge} -p {icmp} -j ACCEPT
filter -A {stage} -i {bridge} ! -o {bridge} -j DOCKER-ISOLATION-STAGE-2
filter -A {stage} -i {bridge} {established}
filter -A {stage} -o {bridge} -j RETURN
filter -A {stage} -o {bridge} -j DROP
filter -A {stage} ! -s {net} -o {bridge} -j DROP
filter -A {stage} ! -d {net} -i {bridge} -j DROP
filter -A {stage} -j RETURN
filter -A DOCKER-INTERNAL ! -s {net} -o {bridge} -j DROP
filter -A DOCKER-INTERNAL ! -d {net} -i {bridge} -j DROP
filter -A DOCKER-INGRESS {published} -j ACCEPT
filter -A DOCKER-INGRESS {answered} {established}
filter -A DOCKER-INGRESS -j RETURN
nat :{own} -
nat -A PREROUTING {local} -j DOCKER
nat -A PREROUTING {local} -j DOCKER-INGRESS
nat -A OUTPUT ! -d {loopback} {local} -j DOCKER
nat -A OUTPUT {local} -j DOCKER
nat -A OUTPUT {local} -j DOCKER-INGRESS
nat -A POSTROUTING -s {net} ! -o {bridge} -j MASQUERADE
nat -A POSTROUTING -s {net} ! -o {bridge} -j SNAT --to-source {any}
nat -A POSTROUTING -o {bridge} -m addrtype --src-type LOCAL -j MASQUERADE
nat -A POSTROUTING -o {bridge} -m addrtype --src-type LOCAL -j SNAT --to-source {any}
nat -A POSTROUTING -s {any} -d {any} {published} -j MASQUERADE
nat -A DOCKER -i {bridge} -j RETURN
nat -A DOCKER {published} -j DNAT --to-destination {any}
nat -A DOCKER -d {any} {published} -j DNAT --to-destination {any2}
nat -A DOCKER ! -i {bridge} {published} -j DNAT --to-destination {any}
nat -A DOCKER -d {any} ! -i {bridge} {published} -j DNAT --to-destination {any2}
nat -A DOCKER ! -s {net} {published} -j DNAT --to-destination {any}
nat -A DOCKER ! -s {net} ! -i {bridge} {published} -j DNAT --to-destination {any}
nat -A DOCKER-INGRESS {published} -j DNAT --to-destination {any}
nat -A DOCKER-INGRESS -j RETURN
raw -A PREROUTING -d {any} ! -i {bridge} -j DROP
raw -A PREROUTING -d {any} ! -i {bridge} {published} -j DROP
raw -A PREROUTING -d {loopback} ! -i lo {published} -j DROP
mangle -A POSTROUTING -p sctp -m sctp --sport {port} -j CHECKSUM --checksum-fill
{table} :{hook} ACCEPT
"""
_CONDITION = (
    r"(?:(?:iifname|oifname|ip6? [sd]addr|(?:tcp|udp|sctp|th) [sd]port) (?:!= )?\S+ "
    r"|ct state established,related |fib [sd]addr type local "
    r"|meta l4proto \S+ |icmp(?:v6)? type \S+ )"
)
_WORDS |= {
    "conditions": rf"{_CONDITION}*(?:counter )?",
    "demanded": rf"{_CONDITION}+(?:counter )?",  # at least one
    "decides": r"accept|drop",
    "reason": r"[A-Z0-9 ]+",
    "before": r"(?:.* )?",
    "map": r"(?:filter-forward|nat-postrouting)-(?:in|out)",
}
# In the table docker-bridges of both families: a chain or map, then its line. Only what
# it publishes, and what is tracked, has no comment.
_NATIVE = """
filter-FORWARD type filter hook forward priority {any}; policy accept;
nat-OUTPUT type nat hook output priority {any}; policy accept;
nat-POSTROUTING type nat hook postrouting priority {any}; policy accept;
nat-PREROUTING type nat hook prerouting priority {any}; policy accept;
raw-PREROUTING type filter hook prerouting priority {any}; policy accept;
filter-FORWARD oifname vmap @filter-forward-in-jumps
filter-FORWARD iifname vmap @filter-forward-out-jumps
nat-POSTROUTING iifname vmap @nat-postrouting-out-jumps
nat-POSTROUTING oifname vmap @nat-postrouting-in-jumps
nat-PREROUTING {conditions}jump nat-prerouting-and-output
nat-OUTPUT {conditions}jump nat-prerouting-and-output
nat-prerouting-and-output {conditions}dnat to {any} comment "DNAT"
raw-PREROUTING {conditions}drop comment "DROP {reason}"
raw-PREROUTING {conditions}accept comment "ACCEPT {reason}"
filter-forward-in__{bridge} {demanded}accept
filter-forward-in__{bridge} {conditions}{decides} comment "ICC"
filter-forward-in__{bridge} {conditions}accept comment "ICMP"
filter-forward-in__{bridge} {conditions}drop comment "UNPUBLISHED PORT DROP"
filter-forward-in__{bridge} {conditions}drop comment "INTERNAL NETWORK INGRESS"
filter-forward-out__{bridge} {demanded}accept
filter-forward-out__{bridge} {conditions}accept comment "OUTGOING"
filter-forward-out__{bridge} {conditions}drop comment "INTERNAL NETWORK EGRESS"
nat-postrouting-in__{bridge} {conditions}masquerade comment "MASQ{reason}"
nat-postrouting-out__{bridge} {conditions}masquerade comment "MASQ{reason}"
nat-postrouting-out__{bridge} {conditions}snat to {any} comment "SNAT"
@{map}-jumps type ifname : verdict
@{map}-jumps "{bridge}" : jump {map}__{bridge}
"""
_PLACEHOLDER = re.compile(r"\{(\w+?)\d*\}")


@lru_cache(maxsize=4096)
def is_known(line: str) -> bool:
    """Return whether a line of a ruleset is one that an engine writes."""
    return _matched(line) is not None


def bridge(line: str) -> str:
    """Return the bridge that a line of an engine's is for; "" for none."""
    found = _matched(line)
    if found is None:
        return ""
    named = found.groupdict().get("bridge") or ""
    quoted = _LINK.search(line)
    return named or (quoted[1] if quoted else "")


def _matched(line: str) -> re.Match[str] | None:
    """Return how a line is one of an engine's; None if it is not."""
    places = ((_OWN_TABLE, _NATIVE_SHAPES), (_FAMILY, _IPTABLES_SHAPES))
    for head, shapes in places:
        if begin := head.match(line):
            found = (one.fullmatch(line, begin.end()) for one in shapes)
            return next(filter(None, found), None)
    return None


def pattern(line: str) -> Shape:
    """Return the pattern of one line."""
    for name, longer in _SHORT.items():
        line = line.replace(f"{{{name}}}", longer)
    pieces: list[str] = []
    end = 0
    for found in _PLACEHOLDER.finditer(line):
        pieces.append(re.escape(line[end : found.start()]))
        group, end = found[0][1:-1], found.end()
        again = f"(?P<{group}>" in "".join(pieces)
        one = f"(?P={group})" if again else f"(?P<{group}>{_WORDS[found[1]]})"
        pieces.append(one)
    return re.compile("".join((*pieces, re.escape(line[end:]))))


_FAMILY = re.compile(r"(?:ip6 )?(?:legacy )?(?=\w+ (?::|-A ))")
_LINK = re.compile(r"\b[io]ifname (?:!= )?\"([^\"]+)\"")
_OWN_TABLE = re.compile(r"nft ip6? docker-bridges ")
_IPTABLES_SHAPES = tuple(map(pattern, _IPTABLES.strip().splitlines()))
_NATIVE_SHAPES = tuple(map(pattern, _NATIVE.strip().splitlines()))
