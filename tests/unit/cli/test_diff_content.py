"""`pytest-netlab diff`: what conversations carry."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.traffic import FIN_ACK, SYN, SYN_ACK, Packet, capture

from pytest_netlab.capture import Capture, write
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.cli.conftest import Command

DATA = Path(__file__).parents[2] / "data/nat"
ASK = Tuple5(TCP, "10.0.0.5", 40000, "198.51.100.10", 80)
QUERY = Tuple5(UDP, "10.0.0.5", 40000, "198.51.100.10", 53)
PING = Tuple5(ICMP, "10.0.0.5", 7, "198.51.100.10", 7)
TOP = 0xFFFF_FFF0  # a first sequence number whose stream passes 2^32


def _stream(
    *parts: tuple[int, bytes], first: int = 1000, end: int = 30, sport: int = 40000
) -> list[Packet]:
    """Return a connection that sends octets from these offsets, then closes."""
    number, key = first + 1, ASK._replace(sport=sport)
    return [
        Packet(key=key, seq=first, flags=SYN),
        Packet(key=key.reply, seq=5000, ack=number, flags=SYN_ACK),
        *(
            Packet(key=key, seq=number + at & 0xFFFF_FFFF, ack=5001, data=data, ip_id=n)
            for n, (at, data) in enumerate(parts, start=1)
        ),
        Packet(key=key, seq=number + end & 0xFFFF_FFFF, ack=5001, flags=FIN_ACK),
    ]


TEXT = b"abcdefghij" * 3
WHOLE = [(0, TEXT[:10]), (10, TEXT[10:20]), (20, TEXT[20:])]


def _diff(
    command: Command, old: Sequence[Packet], new: Sequence[Packet], policy: str = ""
) -> tuple[int, list[dict[str, object]]]:
    """Return the exit code and the differences of two captures of one point."""
    Path("p.toml").write_text(policy)
    for name, packets in (("old", old), ("new", new)):
        write(f"{name}.pcapng", capture(packets))
    result = command("diff", "--json", "old.pcapng", "new.pcapng", "--policy", "p.toml")
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize(
    ("old", "new", "packet", "want", "got"),
    [
        ("d200.in", "d404.in", 5, "octet 10 of 24: '200 OK", "octet 10 of 24: '404"),
        ("d200.in", "d200long.in", 5, "nothing after octet 24", "octet 25 of 1200: 'H"),
        ("d200long.in", "d200.in", None, "octet 25 of 1200: ", "nothing after octet"),
        ("d200.in", "dreq.in", 4, "octet 1 of 18: 'GET", "octet 1 of 18: 'PUT"),
        ("u1", "u2", 1, "datagram 1 of 1: octet 1 of 4: 'aaaa'", "datagram 1 of 1: oc"),
    ],
)
def test_other_content(
    command: Command, old: str, new: str, packet: int | None, want: str, got: str
) -> None:
    """Another status, a longer body, another request, another datagram."""
    result = command("diff", *(f"{DATA}/{one}.pcap" for one in (old, new)), "--json")
    (found,) = json.loads(result.stdout)

    assert result.exit_code == 1
    assert (found["field"], found["packet"]) == ("payload", packet)
    assert found["want"].startswith(want)
    assert found["got"].startswith(got)


@pytest.mark.parametrize(
    "other",
    [
        [(0, TEXT)],  # one super-frame
        [(0, TEXT[:7]), (7, TEXT[7:])],
        [WHOLE[1], WHOLE[0], WHOLE[2]],  # reordered
        [*WHOLE, WHOLE[1]],  # sent again
        [WHOLE[0], (5, TEXT[5:25]), WHOLE[2]],  # overlapping
        [*WHOLE, (29, b"?")],  # a keep-alive with an octet (RFC 9293, 3.8.4)
    ],
)
@pytest.mark.parametrize("first", [1000, TOP])
def test_same_stream(
    command: Command, other: list[tuple[int, bytes]], first: int
) -> None:
    """How a stream was cut and sent is no difference, nor are its numbers."""
    assert _diff(command, _stream(*WHOLE), _stream(*other, first=first)) == (0, [])


@pytest.mark.parametrize(
    ("other", "want", "got"),
    [
        (
            WHOLE[1:],
            f"octet 1 of 30: '{'abcdefghijabcdef'}'",
            "octet 1 of 30: a hole of 10 octets",
        ),
        (
            [WHOLE[0], WHOLE[2]],
            "octet 11 of 30: 'abcdefghijabcdef'",
            "octet 11 of 30: a hole of 10 octets",
        ),
        (
            WHOLE[:2],
            "octet 21 of 30: 'abcdefghij'",
            "octet 21 of 30: a hole of 10 octets",
        ),
    ],
)
@pytest.mark.parametrize("first", [1000, TOP])
def test_missing_segment(
    command: Command,
    other: list[tuple[int, bytes]],
    want: str,
    got: str,
    first: int,
) -> None:
    """A segment that is missing is a hole: first, in the middle, or last."""
    code, found = _diff(command, _stream(*WHOLE), _stream(*other, first=first))

    assert code == 1
    told = [(one["want"], one["got"]) for one in found if one["field"] == "payload"]
    assert told == [(want, got)]


def test_without_an_end(command: Command) -> None:
    """Without a FIN a stream ends with its last segment."""
    code, found = _diff(command, _stream(*WHOLE)[:-1], _stream(*WHOLE[:2])[:-1])

    assert code == 1
    assert [one["got"] for one in found] == ["nothing after octet 20"]


def test_second_connection(command: Command) -> None:
    """Ports that are used again carry another stream, with numbers of its own."""
    again = _stream((0, TEXT), first=700_000_000)
    other = _stream((0, TEXT[:-1] + b"!"), first=800_000_000)

    assert _diff(
        command, [*_stream(*WHOLE), *again], [*_stream((0, TEXT)), *again]
    ) == (
        0,
        [],
    )
    code, found = _diff(command, [*_stream(*WHOLE), *again], [*_stream(*WHOLE), *other])
    assert code == 1
    assert str(found[-1]["got"]).endswith("octet 30 of 30: '!'")


def _queries(*data: bytes, key: Tuple5 = QUERY) -> list[Packet]:
    return [Packet(key=key, data=one, seq=n, ip_id=n) for n, one in enumerate(data, 1)]


@pytest.mark.parametrize("key", [QUERY, PING])
def test_datagrams(command: Command, key: Tuple5) -> None:
    """The first datagram that differs is told, with its number."""
    old = _queries(b"one", b"two", b"six", key=key)
    code, found = _diff(command, old, _queries(b"one", b"two", b"sit", key=key))

    assert _diff(command, old, old) == (0, [])
    assert code == 1
    assert [(one["packet"], one["want"], one["got"]) for one in found] == [
        (3, "datagram 3 of 3: octet 3 of 3: 'x'", "datagram 3 of 3: octet 3 of 3: 't'")
    ]


FIRST = Packet(key=QUERY, data=TEXT[:16], ip_id=9, mf=True, df=False)
LAST = replace(FIRST, mf=False, frag_offset=24, body=TEXT[16:])
MIDDLE = replace(FIRST, frag_offset=24, body=TEXT[16:24])
END = replace(LAST, frag_offset=32, body=TEXT[24:])


@pytest.mark.parametrize(
    ("other", "got"),
    [
        ([FIRST, MIDDLE, END], None),
        ([FIRST, END, MIDDLE, END], None),
        ([FIRST, MIDDLE, replace(END, body=b"EFGhij")], "octet 25 of 30: 'EFGhij'"),
        ([FIRST, END], "octet 17 of 30: a hole of 8 octets"),
        ([FIRST, MIDDLE], "nothing after octet 24"),
        ([FIRST, replace(MIDDLE, ip_id=8), END], "octet 17 of 30: a hole of 8 octets"),
    ],
)
def test_fragments(command: Command, other: list[Packet], got: str | None) -> None:
    """A datagram is compared whole, however it was fragmented."""
    code, found = _diff(command, [FIRST, LAST], other)

    assert code == bool(got)
    assert [one["got"] for one in found] == [f"datagram 1 of 1: {got}"] * bool(got)


def test_a_clock_that_steps_back_between_fragments(command: Command) -> None:
    """They are still of one datagram; after half a minute they are of another."""
    seen = capture([FIRST, LAST])
    first, last = seen.frames()
    hour = 3600 * 10**9
    for name, ts in (("back", last.ts - hour), ("late", last.ts + hour)):
        frames = first, last._replace(ts=ts)
        write(f"{name}.pcapng", Capture.from_frames(frames, seen.interfaces))
    write("whole.pcapng", seen)

    assert command("diff", "whole.pcapng", "back.pcapng").exit_code == 0
    assert command("diff", "whole.pcapng", "late.pcapng").exit_code == 1


def test_fragments_of_a_stream(command: Command) -> None:
    """A segment that came in fragments carries the octets of all."""
    whole = _stream((0, TEXT))
    first = replace(whole[2], data=TEXT[:12], mf=True, df=False)
    rest = replace(first, mf=False, frag_offset=32, body=TEXT[12:])
    other = replace(rest, body=TEXT[12:].upper())
    old, new = ([*whole[:2], first, one, whole[3]] for one in (rest, other))
    code, found = _diff(command, old, new)

    assert _diff(command, old, old) == (0, [])
    assert code == 1
    assert [one["got"] for one in found if one["field"] == "payload"] == [
        "octet 13 of 30: 'CDEFGHIJABCDEFGH'"
    ]
    assert command("diff", "old.pcapng", "old.pcapng").stderr == ""


def test_octets_no_terminal_may_see(command: Command) -> None:
    """Octets are shown escaped."""
    _, found = _diff(command, _queries(b"ab"), _queries(b"a\x1b"))

    assert found[0]["got"] == "datagram 1 of 1: octet 2 of 2: '\\x1b'"


@pytest.mark.parametrize(
    ("rule", "new", "code"),
    [
        ("length", TEXT.upper(), 0),
        ("length", TEXT[1:], 1),
        ("any", TEXT[1:], 0),
        ("exact", TEXT.upper(), 1),
    ],
)
def test_rules(command: Command, rule: str, new: bytes, code: int) -> None:
    """A policy says how much of the content matters."""
    policy = f'payload = "{rule}"'
    both = _stream((0, TEXT)), _stream((0, new), end=len(new))

    assert _diff(command, *both, policy)[0] == code


def test_concurrent_flows(command: Command) -> None:
    """Of several flows of one name, those with the same content are compared."""
    sent = [Packet(key=QUERY._replace(sport=n), data=b"%d" % n) for n in (4001, 4002)]
    other = replace(sent[0], data=b"?")

    assert _diff(command, sent, sent[::-1]) == (0, [])
    assert _diff(command, sent, [sent[1], other])[0] == 1


def test_concurrent_streams_sent_in_other_pieces(command: Command) -> None:
    """Content is the same, also if octets of it were sent twice in other segments."""
    texts = TEXT, TEXT[::-1]
    cut = [[(0, one[:10]), (5, one[5:25]), (20, one[20:])] for one in texts]
    old = [*_stream((0, texts[0]), sport=4001), *_stream((0, texts[1]), sport=4002)]
    new = [*_stream(*cut[1], sport=4003), *_stream(*cut[0], sport=4004)]

    assert _diff(command, old, new) == (0, [])


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"frame", "1 not IP"),
        (Packet(key=QUERY._replace(dst="224.0.0.251")), "1 multicast or broadcast"),
        (
            Packet(key=QUERY, frag_offset=1480, data=b"rest"),
            "1 later fragments without the first",
        ),
    ],
)
def test_nothing_compared(command: Command, packet: Packet | bytes, why: str) -> None:
    """Where nothing was compared there is no verdict, but what was left out."""
    for name, packets in (("none", [packet]), ("some", [packet, *_queries(b"a")])):
        write(f"{name}.pcapng", capture(packets))

    refused = command("diff", "none.pcapng", "none.pcapng")
    result = command("diff", "some.pcapng", "some.pcapng")

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "nothing was compared in either capture" in refused.stderr
    assert (result.exit_code, result.stdout) == (0, "same: 1 flow\n")
    for one in (refused, result):
        assert one.stderr.count(why) == 2  # of each capture


def test_snaplen(command: Command) -> None:
    """What a capture cut is not compared, and said once."""
    frames = capture(_queries(TEXT, TEXT))
    cut = [one._replace(data=one.data[:-9]) for one in frames.frames()]
    write("whole.pcapng", frames)
    write("cut.pcapng", Capture.from_frames(cut, frames.interfaces))

    result = command("diff", "whole.pcapng", "cut.pcapng")

    assert (result.exit_code, result.stdout) == (0, "same: 1 flow\n")
    assert result.stderr == "18 octets were not compared: a capture cut them\n"
