"""Two captures of a masquerading host, from a list of what was seen where.

Knows that this host keeps ports and needs 0.1 ms; nothing of what is to be found.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from tests.traffic import C1, HOST, HOST01, START_NS, Packet

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.wire import tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.nat import Translations

MS, SECOND = 1_000_000, 1_000_000_000
DELAY = MS // 10
HOST6, C1_6, HOST01_6 = "2001:db8::9", "fd00::2", "2001:db8::1"
WEB_KEY = Tuple5(TCP, C1, 40_000, HOST01, 80)
DNS_KEY = Tuple5(UDP, C1, 40_000, HOST01, 53)
_PING = Tuple5(ICMP, C1, 99, "172.16.211.99", 99)
_INSIDE = ("172.17.", "fd00:")

Where = Literal["both", "inside", "outside"]


class Seen(NamedTuple):
    """A packet as it is inside, when it was there, and where it was captured.

    Attributes:
        at: ms since the start.
        packet: with the address and port of the inside; ttl as its sender's side has.
        where: which captures have it.
        port: that the inside's port becomes outside; 0: it is kept.

    """

    at: float
    packet: Packet
    where: Where = "both"
    port: int = 0


class Sides(NamedTuple):
    """Both captures, and which of the list each of their rows is; anchors are -1."""

    inside: Capture
    outside: Capture
    rows: dict[str, list[int]]


def sides(
    seen: Sequence[Seen],
    *,
    anchored: bool = True,
    offset: int = 0,
    dropped: int | None = None,
) -> Sides:
    """Return both captures; anchored ones begin and end with an echo that crossed."""
    last = max(one.at for one in seen)
    listed = list(enumerate(seen))
    if anchored:
        for at, seq in ((-1000.0, 1), (last + 1000, 2)):
            echo = Packet(key=_PING, seq=seq, ip_id=seq)
            answer = Packet(key=_PING.reply, seq=seq, ip_id=100 + seq, reply=True)
            listed += [(-1, Seen(at, echo)), (-1, Seen(at + 5, answer))]
    found: dict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
    for number, one in listed:
        for side in ("inside", "outside"):
            if one.where in ("both", side):
                found[side].append((_time(one, side), number, _frame(one, side)))
    rows: dict[str, list[int]] = {}
    captures = []
    for side in ("inside", "outside"):
        ordered = sorted(found[side], key=lambda entry: entry[0])
        rows[side] = [number for _, number, _ in ordered]
        ahead = START_NS + (offset if side == "outside" else 0)
        frames = [Frame(0, ahead + ts, data, len(data)) for ts, _, data in ordered]
        tap = Interface(name="tap", dropped=dropped)
        captures.append(Capture.from_frames(frames, [tap]))
    return Sides(captures[0], captures[1], rows)


def losses(found: Translations, captured: Sides) -> dict[str, list[int]]:
    """Return status -> which of the list are told to have it; parts of packets too."""
    told: dict[str, list[int]] = defaultdict(list)
    for one in found.account.losses:
        told[one.status] += [captured.rows[one.side][row] for row in one.rows]
    return {status: sorted(numbers) for status, numbers in told.items()}


def segment(
    seq: int, size: int = 0, *, reply: bool = False, ack: int = 1, **fields: object
) -> Packet:
    """Return a segment of one connection; content and IP id follow from its numbers."""
    content = bytes(
        (reply * 128 + octet // 7) % 251 for octet in range(seq, seq + size)
    )
    packet = Packet(
        key=WEB_KEY.reply if reply else WEB_KEY,
        seq=seq,
        ack=ack,
        data=content,
        ip_id=(seq + 40_000 * reply + 7 * ack) % 65_536,
    )
    return replace(packet, **fields)  # type: ignore[arg-type]


def handshake(at: float = 0.0) -> list[Seen]:
    """Return SYN, SYN-ACK and its acknowledgement."""
    return [
        Seen(at, segment(0, ack=0, flags=tcp.SYN, ip_id=501)),
        Seen(at + 5, segment(0, reply=True, flags=tcp.SYN | tcp.ACK, ip_id=0)),
        Seen(at + 6, segment(1, ip_id=502)),
    ]


def again(packet: Packet, ip_id: int = 60_001) -> Packet:
    """Return a packet as it is sent again: with another IP id."""
    return replace(packet, ip_id=ip_id)


def datagram(
    number: int, *, reply: bool = False, key: Tuple5 = DNS_KEY, ip_id: int = -1
) -> Packet:
    """Return one of several datagrams of a conversation."""
    data = (b"answer" if reply else b"query") + number.to_bytes(2)
    own = 1000 + number + 30_000 * reply if ip_id < 0 else ip_id
    return Packet(key=key.reply if reply else key, data=data, ip_id=own)


def echo(seq: int, *, reply: bool = False, key: Tuple5, ip_id: int = -1) -> Packet:
    """Return an echo request or its reply."""
    own = 2000 + seq + 30_000 * reply if ip_id < 0 else ip_id
    return Packet(
        key=key.reply if reply else key, seq=seq, data=b"ping", reply=reply, ip_id=own
    )


def _time(one: Seen, side: str) -> int:
    outwards = one.packet.key.src.startswith(_INSIDE)
    return int(one.at * MS) + (DELAY if outwards == (side == "outside") else 0)


def _frame(one: Seen, side: str) -> bytes:
    key, ttl = one.packet.key, one.packet.ttl
    outwards = key.src.startswith(_INSIDE)
    if side == "outside" and HOST not in (key.src, key.dst):
        key = _outside(key if outwards else key.reply, one.port)
        key = key if outwards else key.reply
    passed = outwards == (side == "outside")
    return replace(one.packet, key=key, ttl=ttl - passed).frame


def _outside(key: Tuple5, port: int) -> Tuple5:
    """Return the key of an outbound packet behind the masquerade."""
    new = key._replace(src=HOST6 if ":" in key.src else HOST)
    if port:
        new = new._replace(sport=port)
        if key.proto == ICMP:
            new = new._replace(dport=port)
    return new
