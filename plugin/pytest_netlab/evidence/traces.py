"""The schema of a canonical trace in verdict.json: conversations and packets as text.

Stored for other readers. It is validated when read, and later versions may add keys.
"""

from __future__ import annotations

from typing import Literal

from pytest_netlab.files.schema import FreeText, Table

Kind = Literal["none", "snat", "dnat", "hairpin", "proxied"]
Disposition = Literal["forwarded", "dropped", "local", "leaked", "proxied"]


class Violation(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Something that must not happen to packets, and did.

    Attributes:
        field: the packet's field that is wrong, or the name of forbidden behaviour.
        want: the expected value.
        got: the observed value.
        point: name of the capture point.
        reply: whether the packet travels to the initiator.
        packet: number in its capture, from 1.

    """

    field: str
    want: FreeText
    got: FreeText
    point: str
    reply: bool
    packet: int


class Forbidden(Violation, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A behaviour that is forbidden in every trace.

    Attributes:
        flow: name of the conversation.

    """

    flow: str = ""


class Fact(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A conversation: its original ends, and its ends after translation.

    Attributes:
        proto: name of the protocol.
        initiator: symbol of the initiator.
        responder: symbol of the responder, with its port if there are ports.
        sender: the initiator after translation; "" if nothing was forwarded.
        target: the responder after translation; "" if nothing was forwarded.
        kind: what was rewritten.
        fate: its disposition.
        answered: whether the responder sent something.
        returned: whether an answer reached the initiator.
        refusal: the reset or ICMP error that the initiator got; "" for none.
        passed: octets of the largest IP packet that was forwarded; 0 for none.
        stuck: octets of the smallest IP packet that was not; 0 for none.
        copies: number of packets that were seen again at one point.

    """

    proto: str
    initiator: str
    responder: str
    sender: str
    target: str
    kind: Kind
    fate: Disposition
    answered: bool = True
    returned: bool = True
    refusal: str = ""
    passed: int = 0
    stuck: int = 0
    copies: int = 0


class Packet(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A packet at one capture point, in the words of story.txt.

    Attributes:
        point: name of the capture point.
        reply: whether it travels to the initiator.
        src: symbol of its source.
        dst: symbol of its destination.
        what: its kind, as in story.txt.
        fields: (name, value) of each field.
        note: what was rewritten since the previous observation; "" for nothing.
        aside: why it is ignored in comparisons; "" if it is compared.
        packet: number in its capture, from 1.

    """

    point: str
    reply: bool
    src: str
    dst: str
    what: str
    fields: tuple[tuple[str, str], ...]
    note: str = ""
    aside: str = ""
    packet: int = 0


class PortTranslation(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A source port or ICMP id that NAT did not keep.

    Attributes:
        field: `port` or `id`.
        inner: symbol of the original port or id.
        outer: symbol of the mapped port or id.
        taken: whether the tuple that it would have had was in use.
        in_class: whether both are in the same port range.
        wanted: the reply tuple if it had been kept: protocol, addresses, ports.

    """

    field: str
    inner: str
    outer: str
    taken: bool
    in_class: bool
    wanted: str = ""


class Flow(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A conversation with its packets.

    Attributes:
        fact: its ends, kind and disposition.
        lines: its packets, in causal order.
        broken: its violations, each kind once.
        remap: translation of its source port or ICMP id; null if that was kept.
        lost: whether the network beyond the host lost it.
        stranger: whether its container is no node of the lab.

    """

    fact: Fact
    lines: tuple[Packet, ...]
    broken: tuple[Violation, ...] = ()
    remap: PortTranslation | None = None
    lost: bool = False
    stranger: bool = False


class Trace(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A canonical trace.

    Attributes:
        points: names of the capture points.
        told: its conversations.
        never: forbidden behaviour, of all packets.

    """

    points: tuple[str, ...]
    told: tuple[Flow, ...]
    never: tuple[Forbidden, ...] = ()
