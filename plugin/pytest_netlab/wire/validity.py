"""When a column's value is meaningful: conditions as values.

One condition gives both the text for people and the mask of rows. Knows no columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pytest_netlab.wire.assigned import (
    ARP,
    ECHO_REPLY,
    ECHO_REPLY6,
    ECHO_REQUEST,
    ECHO_REQUEST6,
    ETHERNET,
    ICMP,
    ICMP6,
    TCP,
    UDP,
)
from pytest_netlab.wire.encapsulation import TUNNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]

UNTAGGED = -1  # `vlan` of a frame without a tag: 0 is an id (priority tags)
_IPV4 = 4


class Rows(Protocol):
    """Anything that has columns, such as `Capture`."""

    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    def linktypes(self) -> npt.NDArray[np.int64]:
        """Return the link type of each row's interface."""

    def column(self, name: str) -> npt.NDArray[np.generic]:
        """Return a column."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a value is meaningful: in words, and as the mask of those rows."""

    text: str
    mask: Callable[[Rows], Mask]

    def __and__(self, other: Condition) -> Condition:
        """Return the condition that both are met."""
        text = f"{self.text} and {other.text}"
        return Condition(text, lambda rows: self.mask(rows) & other.mask(rows))

    def __or__(self, other: Condition) -> Condition:
        """Return the condition that at least one of them is met."""
        text = f"{self.text}, or {other.text}"
        return Condition(text, lambda rows: self.mask(rows) | other.mask(rows))

    def __str__(self) -> str:
        """Return the condition in words."""
        return self.text


def present(name: str) -> Condition:
    """Return the condition that a column, or one octet of an address, is not 0."""

    def mask(rows: Rows) -> Mask:
        found: Mask = rows.column(name).astype(np.bool_)
        return found if found.ndim == 1 else np.asarray(found.any(axis=1))

    return Condition(f"{name} != 0", mask)


def among(name: str, **values: int) -> Condition:
    """Return the condition that a column has one of these values, each with a name."""
    text = f"{name} is {' or '.join(values)}"
    return Condition(text, lambda rows: np.isin(rows.column(name), [*values.values()]))


def _is_echo(rows: Rows) -> Mask:
    proto, kind = rows.column("proto"), rows.column("icmp_type")
    found: Mask = (proto == ICMP) & np.isin(kind, (ECHO_REQUEST, ECHO_REPLY))
    found |= (proto == ICMP6) & np.isin(kind, (ECHO_REQUEST6, ECHO_REPLY6))
    return found


ALWAYS = Condition("always", lambda rows: np.ones(len(rows), dtype=np.bool_))
LINKED = Condition(
    "the link type is Ethernet and a byte of the frame was captured",
    lambda rows: (rows.linktypes == ETHERNET) & present("caplen").mask(rows),
)
TAGGED = Condition("a tag is there", lambda rows: rows.column("vlan") != UNTAGGED)
OF_ARP = among("ethertype", ARP=ARP)
OF_IP = present("ip_version")
IDENTIFIED = replace(
    among("ip_version", IPv4=_IPV4)
    | present("ip_id")
    | present("ip_flags")
    | present("frag_offset"),
    text="ip_version is 4, or an IPv6 fragment header is there",
)
_HERE = present("l4_offset")
OF_TCP = among("proto", TCP=TCP) & _HERE
WITH_PORTS = among("proto", TCP=TCP, UDP=UDP) & _HERE
OF_ICMP = among("proto", ICMP=ICMP, ICMPv6=ICMP6) & _HERE
OF_ECHO = Condition("icmp_type is echo request or reply", _is_echo) & _HERE
QUOTED = replace(
    present("quoted_ttl") | present("quoted_proto"),
    text="the packet is an ICMP error that quotes at least an IP header",
)
QUOTED_PORTS = among("quoted_proto", TCP=TCP, UDP=UDP)
QUOTED_ICMP = among("quoted_proto", ICMP=ICMP, ICMPv6=ICMP6)
DECAPSULATED = Condition(
    "the packet was in a tunnel that was removed",
    lambda rows: rows.column("encapsulation").astype(np.int64) & TUNNELS != 0,
)
