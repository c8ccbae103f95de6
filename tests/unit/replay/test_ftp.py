"""What a helper does to a segment is told from what damages one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.traffic import C1, HOST, HOST01, Packet

from pytest_netlab.flows import TCP, UDP, Tuple5
from pytest_netlab.replay.ftp import Alg, announced
from pytest_netlab.replay.rewrite import rewritten
from pytest_netlab.replay.tuple_codec import pack
from pytest_netlab.wire import fill, tcp

HERE = Tuple5(TCP, C1, 4000, HOST01, 21)
THERE = HERE._replace(src=HOST)
ASK = b"PORT 172,17,0,2,195,207\r\n"
ASKED = b"PORT 172,16,211,128,195,207\r\n"
RESPONDER, INITIATOR = 1, 0


def explained(
    helped: Alg, sent: Packet, got: Packet, to: int = RESPONDER
) -> str | None:
    """Return what is said of a segment that came out like this; "": as expected."""
    wire = sent.datagram
    alone = rewritten(wire, pack(got.key), ttl=got.datagram[8])
    wanted = helped.shifted(alone, to)
    if wanted == got.datagram:
        return ""
    return helped.explain(wire, wanted, got.datagram, to)


def segment(key: Tuple5, data: bytes, seq: int = 100, ack: int = 200) -> Packet:
    """Return a segment with data."""
    return Packet(key=key, data=data, seq=seq, ack=ack, flags=tcp.ACK | tcp.PSH)


def test_address_in_payload() -> None:
    """The translated address is told, and what follows is shifted by its length."""
    helped = Alg()

    told = explained(helped, segment(HERE, ASK), segment(THERE, ASKED))
    behind = explained(
        helped, segment(HERE, b"TYPE I", 125), segment(THERE, b"TYPE I", 129)
    )
    answer = explained(
        helped,
        segment(THERE.reply, b"200", 200, 129),
        segment(HERE.reply, b"200", 200, 125),
        INITIATOR,
    )

    assert told == "PORT 172,17,0,2,195,207 became PORT 172,16,211,128,195,207"
    assert (behind, answer) == ("", "")
    assert [shift.after for shift in helped.shifts] == [0, 4]


def test_repeated() -> None:
    """A segment that is sent again is translated again, and shifts nothing twice."""
    helped = Alg()
    ask, asked = segment(HERE, ASK), segment(THERE, ASKED)

    told = [explained(helped, ask, asked) for _ in range(2)]
    late = explained(helped, segment(HERE, b"USER", 90), segment(THERE, b"USER", 90))

    assert told[0] == told[1] is not None
    assert late == ""
    assert helped.shifts[RESPONDER].after == 4


def test_two_addresses() -> None:
    """Shifts add up, and each begins behind its own segment."""
    helped = Alg()
    explained(helped, segment(HERE, ASK, 100), segment(THERE, ASKED, 100))
    explained(helped, segment(HERE, ASK, 125), segment(THERE, ASKED, 129))

    last = explained(helped, segment(HERE, b"QUIT", 150), segment(THERE, b"QUIT", 158))

    assert last == ""


def test_selective_acknowledgement() -> None:
    """What is acknowledged out of order is shifted back too (RFC 2018)."""
    helped = Alg()
    explained(helped, segment(HERE, ASK), segment(THERE, ASKED))

    def sack(first: int, last: int) -> bytes:
        """Return options with one block."""
        return b"\x01\x01\x05\x0a" + first.to_bytes(4, "big") + last.to_bytes(4, "big")

    told = explained(
        helped,
        replace(segment(THERE.reply, b"", 200, 129), options=sack(139, 149)),
        replace(segment(HERE.reply, b"", 200, 125), options=sack(135, 145)),
        INITIATOR,
    )

    assert told == ""


def test_numbers_must_be_shifted() -> None:
    """Behind a change, numbers as they were are a broken stream."""
    helped = Alg()
    explained(helped, segment(HERE, ASK), segment(THERE, ASKED))

    told = explained(helped, segment(HERE, b"X", 125), segment(THERE, b"X", 125))

    assert told is None


def test_checksum_is_not_mended() -> None:
    """A bad checksum that came out good was not changed by a helper."""
    sent = segment(HERE, ASK).datagram
    wrong = sent[:36] + b"\0\0" + sent[38:]
    wanted = rewritten(wrong, pack(THERE))

    assert Alg().explain(wrong, wanted, fill(wanted), RESPONDER) is None
    assert Alg().explain(wrong, wanted, segment(THERE, ASKED).datagram, 1) is None


def test_port_may_change_too() -> None:
    """Where the port is taken, the helper names another."""
    got = segment(THERE, b"PORT 172,16,211,128,4,1\r\n")

    assert explained(Alg(), segment(HERE, ASK), got) is not None


@pytest.mark.parametrize(
    "got",
    [
        segment(THERE, b"PORT 172,16,211,9,195,207\r\n"),
        segment(THERE, ASKED.replace(b"PORT", b"EPRT")),
        segment(THERE, b"PORT 172,17,0,2,195,208\r\n"),
        segment(THERE, b"PORT 172,16,211,128,0,0,99999999,1\r\n"),
        segment(THERE, b"PORT 172,16,211,128,195,256\r\n"),
        segment(THERE, ASKED, seq=101),
        segment(THERE, ASKED, ack=201),
        replace(segment(THERE, ASKED), flags=tcp.ACK),
    ],
    ids=[
        "another address",
        "words",
        "port alone",
        "more",
        "no octet",
        "seq",
        "ack",
        "flags",
    ],
)
def test_damage(got: Packet) -> None:
    """Anything but the translated address, or numbers behind one, is no helper's."""
    helped = Alg()

    assert explained(helped, segment(HERE, ASK), got) is None
    assert [shift.after for shift in helped.shifts] == [0, 0]


def test_other_protocols() -> None:
    """Only a stream has helpers that are known here."""
    one = Packet(key=HERE._replace(proto=UDP), data=ASK)

    got = replace(one, key=THERE._replace(proto=UDP), data=ASKED)

    assert explained(Alg(), one, got) is None


@pytest.mark.parametrize(
    ("said", "port"),
    [
        (b"227 Entering passive mode (172,17,0,5,191,225).\r\n", 49121),
        (b"227 =172,17,0,5,0,80\r\n", 80),
        (b"229 Entering extended passive mode (|||58587|).\r\n", 58587),
        (b"229 (|||99999999999999999999|)\r\n", 99999),
        (b"200 ok 1,2,3,4,5,6\r\n", 0),
        (b"", 0),
    ],
)
def test_announced(said: bytes, port: int) -> None:
    """A server in passive mode tells its client a port (RFC 959, RFC 2428)."""
    assert announced(segment(HERE.reply, said).datagram) == port


@pytest.mark.parametrize("size", range(20, 44))
def test_damaged(size: int) -> None:
    """However little there is of a segment, it is nobody's."""
    one = segment(HERE.reply, b"227").datagram[:size]

    assert announced(one) == 0
    assert Alg().explain(one, one, one + b"x", RESPONDER) is None


def test_address_that_is_not_translated() -> None:
    """Behind an address that NAT leaves alone nothing may change."""
    sent = segment(HERE, b"PORT 172,16,211,1,195,207\r\n")
    got = segment(THERE, b"PORT 172,16,211,1,195,208\r\n")

    assert explained(Alg(), sent, got) is None
