"""A canonical trace in verdict.json, declared: its conversations and packets in words.

Written for others to read, and checked when it is read, so later versions may add keys.
"""

from __future__ import annotations

from typing import Literal

from pytest_netlab.files.schema import FreeText, Table

Kind = Literal["none", "snat", "dnat", "hairpin", "proxied"]
Disposition = Literal["forwarded", "dropped", "local", "leaked", "proxied"]


class Violation(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What must not happen to packets, and did.

    Attributes:
        field: what is wrong of the packet, or the name of what is forbidden.
        want: what had to be seen.
        got: what was seen.
        point: name of the capture point.
        reply: the packet travels to the initiator.
        packet: number in its capture, from 1.

    """

    field: str
    want: FreeText
    got: FreeText
    point: str
    reply: bool
    packet: int


class Forbidden(Violation, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A violation of what no trace may have.

    Attributes:
        flow: name of the conversation.

    """

    flow: str = ""


class Fact(Table, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A conversation, as the host met it and as it sent it on.

    Attributes:
        proto: its protocol.
        initiator: who began, in symbols.
        responder: with whom.
        sender: the initiator, as the responder sees it; "" where nothing was sent on.
        target: the responder, as packets were sent on to it; "" where none was.
        kind: what was rewritten.
        fate: what became of it.
        answered: the responder sent something.
        returned: answers came back to the initiator.
        refusal: the reset or ICMP error that did; "" for none.
        passed: octets of the largest IP packet that was sent on; 0 for none.
        stuck: octets of the smallest that was not; 0 for none.
        copies: packets that were seen again at one point.

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
        reply: it travels to the initiator.
        src: where it is from, in symbols.
        dst: where it is for.
        what: what it is.
        fields: name and value of each of its fields.
        note: what was rewritten since the observation before; "" for nothing.
        aside: why it is told and not compared; "" for what is compared.
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
        field: which of both.
        inner: the symbol of what the initiator sent.
        outer: the symbol of what left the host.
        taken: another conversation held the tuple it would have had.
        in_class: it is of the same range of ports.
        wanted: protocol, ends and ports of the replies it would have had.

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
        fact: what it is, and what the host made of it.
        lines: its packets, in causal order.
        broken: what no host may do to it, each kind once.
        remap: of its source port or ICMP id; null where that was kept.
        lost: the network beyond the host lost it.
        stranger: the container in it is no node of the lab.

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
        never: what no trace may have, of all packets.

    """

    points: tuple[str, ...]
    told: tuple[Flow, ...]
    never: tuple[Forbidden, ...] = ()
