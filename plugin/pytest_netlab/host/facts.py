"""Routes and links as a golden's provenance has them: a line each, in symbols.

Two hosts are compared by these lines, so a value's `text` is the line it came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pytest_netlab.host.firewall.rules import Chain, Line, Rule

_DIGITS = 9  # of an MTU: Python is slow at parsing thousands of them


@dataclass(frozen=True, slots=True)
class Reach:
    """The link by which a host reaches a node; `device` is "" where it has no route."""

    node: str
    device: str = ""

    @property
    def text(self) -> str:
        """Return its line."""
        via = f"dev {self.device}" if self.device else "none"
        return f"route {self.node} {via}"


@dataclass(frozen=True, slots=True)
class LinkState:
    """A link's MTU in octets, and its state: up or down."""

    name: str
    mtu: int
    state: str

    @property
    def text(self) -> str:
        """Return its line."""
        return f"link {self.name} mtu {self.mtu} {self.state}"


@dataclass(frozen=True, slots=True)
class EndSetting:
    """A sysctl of a node that is not what the kernel sets.

    Attributes:
        node: whose packets it decides about.
        name: of the sysctl.
        value: what it is.
        default: what it is unless somebody set it.

    """

    node: str
    name: str
    value: str
    default: str


# What may differ between hosts: each has a `text`.
Fact: TypeAlias = Rule | Chain | Reach | LinkState | Line


def reach(line: str) -> Reach | None:
    """Parse a line about a route; None for any other line."""
    match line.split(" "):
        case ["route", node, "none"]:
            return Reach(node)
        case ["route", node, "dev", device]:
            return Reach(node, device)
    return None


def link_state(line: str) -> LinkState | None:
    """Parse a line about a link; None for any other line."""
    match line.split(" "):
        case ["link", name, "mtu", mtu, state] if _is_number(mtu):
            return LinkState(name, int(mtu), state)
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS
