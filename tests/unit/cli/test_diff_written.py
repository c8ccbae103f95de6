"""`pytest-netlab diff --write-diff`: what differs, for Wireshark."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    INSIDE,
    OUTSIDE,
    two_points,
)
from tests.unit.cli.conftest import BAD, GOOD

from pytest_netlab.capture import read, write

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command

ARGUMENTS = "diff", "good.pcapng", "bad.pcapng"


def test_write_diff(command: Command) -> None:
    """The conversations that differ, with what differs as comment."""
    result = command(*ARGUMENTS, "--write-diff", "why.pcapng")
    why = read("why.pcapng")

    assert result.exit_code == 1
    assert [packet.interface for packet in why] == [point for point, _ in BAD]
    comments = [packet.comment for packet in why]
    assert comments[:4] == [""] * 4
    assert comments[4].startswith("ttl: want 63 after 64, got 62 (header changed: ")
    assert comments[5].startswith("ttl: want 63, got 62 (header changed: ")
    assert comments[6].startswith(
        "conversation: want nothing, got a conversation (unexpected flow: "
    )


def test_write_diff_of_what_is_missing(command: Command) -> None:
    """A packet that is missing is told at the first of its conversation's."""
    write("short.pcapng", two_points(GOOD[:-1]))
    command("diff", "good.pcapng", "short.pcapng", "--write-diff", "why.pcapng")
    why = read("why.pcapng")

    assert len(why) == len(GOOD) - 1
    assert why[0].comment.startswith(
        "packet at uplink: want host:port#1 > host01:80 data, got nothing (not forw"
    )


def test_write_diff_of_a_missing_conversation(command: Command) -> None:
    """A conversation that is missing is told on the file; both points are there."""
    result = command("diff", "bad.pcapng", "good.pcapng", "--write-diff", "why.pcapng")
    why = read("why.pcapng")

    assert result.exit_code == 1
    text = "udp c2 -> host01:53: conversation at docker0: want the conversation"
    assert text in why.comment
    assert [known.name for known in why.interfaces] == [INSIDE, OUTSIDE]


def test_write_diff_keeps_a_silent_point(command: Command) -> None:
    """Both points are interfaces, so that nobody wonders whether one was captured."""
    write("lost.pcapng", two_points([(INSIDE, packet) for _, packet in BAD[-1:]]))
    command("diff", "good.pcapng", "lost.pcapng", "--write-diff", "why.pcapng")
    why = read("why.pcapng")

    assert [packet.interface for packet in why] == [INSIDE]
    assert [known.name for known in why.interfaces] == [INSIDE, OUTSIDE]


def test_write_diff_leaves_out_what_is_the_same(command: Command) -> None:
    """Conversations that do not differ are not in the way."""
    command(*ARGUMENTS, "--write-diff", "why.pcapng")
    seen = [*BAD[:4], GOOD[4], GOOD[5], BAD[6]]
    write("only-udp.pcapng", two_points(seen))
    command("diff", "good.pcapng", "only-udp.pcapng", "--write-diff", "udp.pcapng")

    assert len(read("udp.pcapng")) == 1


def test_wireshark_shows_the_comments(command: Command) -> None:
    """What is written opens in Wireshark, comments included."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    command(*ARGUMENTS, "--write-diff", "why.pcapng")
    argv = [tshark, "-r", "why.pcapng", "-T", "fields", "-e", "frame.comment"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[5].startswith("ttl: want 63, got 62 (header")
