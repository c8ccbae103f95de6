"""IPsec policies of a host, as `ip xfrm policy` prints them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from pytest_netlab.host.routing.iproute import named
from pytest_netlab.host.routing.policy_rules import protocol_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_netlab.host.routing.decision import Asked

POLICIES, STATES = "xfrm-policy.txt", "xfrm-state.txt"
_WORDS = frozenset({"src", "dst", "proto", "sport", "dport", "dir", "action", "dev"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy: which packets pass only by IPsec, or not at all.

    Attributes:
        source: the network of the packets' source.
        destination: likewise.
        protocol: tcp, udp, ... or a number; "" for any.
        sport: "" for any.
        dport: likewise.
        direction: in, out, or fwd: what is forwarded, as it arrives.
        blocks: the packets are dropped.
        templates: it wants IPsec.
        priority: the policy with the lowest is used.

    """

    source: str
    destination: str
    protocol: str = ""
    sport: str = ""
    dport: str = ""
    direction: str
    blocks: bool = False
    templates: bool = False
    priority: int = 0

    @property
    def selector(self) -> str:
        """Return which packets it is for, as `ip xfrm policy` takes it."""
        parts = {"src": self.source, "dst": self.destination, "proto": self.protocol}
        parts |= {"sport": self.sport, "dport": self.dport}
        words = (f"{name} {value}" for name, value in parts.items() if value)
        return f"{' '.join(words)} dir {self.direction}"

    def __str__(self) -> str:
        """Return what it is for and what it does."""
        return f"{self.selector} action block" if self.blocks else self.selector


def policies(printed: str) -> tuple[Policy, ...]:
    """Return what `ip xfrm policy` printed, without those of single sockets."""
    found = []
    for block in _blocks(printed):
        with suppress(ValueError, KeyError):
            found.append(_policy(block))
    return tuple(found)


def decisive(
    known: Sequence[Policy], direction: str, packets: Sequence[Asked]
) -> Policy | None:
    """Return the policy that drops a packet or wants IPsec of it; None for none.

    Args:
        known: all policies.
        direction: in, out or fwd.
        packets: the packet, as it may look where policies are asked: NAT changes it.

    """
    for asked in packets:
        able = [x for x in known if x.direction == direction and _is_for(x, asked)]
        first = min(able, key=lambda one: one.priority, default=None)
        if first is not None and (first.blocks or first.templates):
            return first
    return None


def _blocks(printed: str) -> Iterator[list[str]]:
    """Yield the words of each policy: its first line begins a line."""
    words: list[str] = []
    for line in printed.splitlines():
        if line[:1].strip() and words:
            yield words
            words = []
        words += line.split()
    if words:
        yield words


def _policy(words: list[str]) -> Policy:
    end = words.index("tmpl") if "tmpl" in words else len(words)
    found = named(words[:end], (*_WORDS, "priority"))
    for name in ("src", "dst"):
        ip_network(found[name], strict=False)
    return Policy(
        source=found["src"],
        destination=found["dst"],
        protocol=found.get("proto", ""),
        sport=found.get("sport", ""),
        dport=found.get("dport", ""),
        direction=found["dir"],
        blocks=found.get("action") == "block",
        templates=end < len(words),
        priority=int(found.get("priority", "0")[:10]),
    )


def _is_for(policy: Policy, asked: Asked) -> bool:
    ends = ((policy.source, asked.source), (policy.destination, asked.destination))
    if not all(ip_address(x) in ip_network(net, strict=False) for net, x in ends):
        return False
    ports = ((policy.sport, asked.sport), (policy.dport, asked.dport))
    with suppress(ValueError):
        same = protocol_number(policy.protocol) in (0, asked.protocol)
        return same and all(wanted in ("", f"{port}") for wanted, port in ports)
    return False
