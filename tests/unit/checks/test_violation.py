"""A violation as a value: its rows, and what two of them have in common."""

from __future__ import annotations

from dataclasses import replace

from pytest_netlab.checks import Violation

BAD = Violation("ttl", "63 after 64", "64", (4, 7))


def test_rows_of_a_pair() -> None:
    """Of a pair the inside's row comes first, the outside's last."""
    assert (BAD.inside_row, BAD.outside_row) == (4, 7)


def test_row_of_one_packet() -> None:
    """What one packet shows has its row on both sides."""
    alone = replace(BAD, rows=(4,))

    assert (alone.inside_row, alone.outside_row) == (4, 4)


def test_packet_numbers() -> None:
    """The packet that shows it is counted from 1."""
    assert BAD.packet == 5


def test_at_other_rows() -> None:
    """It is the same violation in the capture that its rows were cut from."""
    assert BAD.at(9).rows == (9,)
    assert BAD.at(9, 12).rows == (9, 12)
    assert BAD.at(9) == BAD


def test_what_is_compared() -> None:
    """Field, words, place, direction and flow count; where it stands does not."""
    changes = {"field": "tos", "want": "1", "got": "2", "point": "uplink", "flow": "x"}
    others = [replace(BAD, **{name: to}) for name, to in changes.items()]  # type: ignore[arg-type]

    assert BAD not in [*others, replace(BAD, reply=True)]
    assert len({BAD, *others, replace(BAD, rows=(1,))}) == 6


def test_until_it_is_placed() -> None:
    """A check knows rows alone: point, direction and flow are for others to say."""
    assert (BAD.point, BAD.reply, BAD.flow) == ("", False, "")
