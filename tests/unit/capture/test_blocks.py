"""Padding and options of pcapng blocks, in either byte order."""

from __future__ import annotations

from struct import pack

import pytest

from pytest_netlab.capture import blocks
from pytest_netlab.capture.blocks import COMMENT, Option, options, padding


def option(order: str, code: int, value: bytes) -> bytes:
    """Return one padded option."""
    return pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def read(body: bytes, at: int = 0, order: str = "<") -> list[Option]:
    """Return all options from an offset on."""
    return list(options(body, at, order))


@pytest.mark.parametrize(
    ("size", "expected"), [(0, 0), (1, 3), (2, 2), (3, 1), (4, 0), (65535, 1)]
)
def test_padding(size: int, expected: int) -> None:
    """Everything in a block is padded to 32 bits."""
    assert padding(size) == expected


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("size", range(6))
def test_options(order: str, size: int) -> None:
    """Options come in order; padding belongs to none of them."""
    expected = [Option(5, b"\xff" * size), Option(0x102, b"next"), Option(5, b"")]
    body = b"".join(option(order, *one) for one in expected)

    assert read(body, order=order) == expected
    assert read(body + option(order, 0, b""), order=order) == expected


def test_the_other_order() -> None:
    """Code and size are in the byte order of the section."""
    body = option(">", COMMENT, b"abc")

    assert read(body, order=">") == [(COMMENT, b"abc")]
    with pytest.raises(ValueError, match="runs past its block"):
        read(body, order="<")


def test_options_begin_behind_the_fixed_fields() -> None:
    """What is before the offset is no option."""
    body = b"fixedfld" + option("<", 2, b"x")

    assert read(body, 8) == [(2, b"x")]


@pytest.mark.parametrize("rest", [0, 1, 2, 3])
def test_no_options(rest: int) -> None:
    """Fewer bytes than a header has are none, be they there or not."""
    assert read(bytes(8) + b"\x07" * rest, 8) == []
    assert read(b"", 8) == []


def test_end_of_options() -> None:
    """The end may be told, and nothing behind it is one."""
    body = option("<", 2, b"x") + option("<", 0, b"") + option("<", 3, b"y")

    assert read(body) == [(2, b"x")]


def test_what_follows_the_last_value() -> None:
    """An option of no bytes may be the last four of a block."""
    assert read(option("<", 7, b"")) == [(7, b"")]


@pytest.mark.parametrize(("size", "fits"), [(3, True), (4, True), (5, False)])
def test_an_option_that_runs_past_its_block(size: int, fits: bool) -> None:  # noqa: FBT001 - a table
    """A value may end with its block, padded or not, and no later."""
    body = pack("<HH", 2, size) + b"\xee" * min(size, 4)

    if fits:
        assert read(body) == [(2, b"\xee" * size)]
    else:
        with pytest.raises(ValueError, match="runs past its block"):
            read(body)


def test_options_before_the_damage() -> None:
    """What is whole before it is told first."""
    found = options(option("<", 2, b"x") + pack("<HH", 3, 9), 0, "<")

    assert next(found) == (2, b"x")
    with pytest.raises(ValueError, match="runs past its block"):
        next(found)


def test_numbers() -> None:
    """Blocks and options have the numbers of draft-ietf-opsawg-pcapng."""
    kinds = "INTERFACE OLD_PACKET SIMPLE_PACKET NAMES STATISTICS PACKET"
    codes = "IF_NAME IF_DESCRIPTION IF_IPV4 IF_IPV6 IF_TSRESOL IF_TSOFFSET"

    assert [getattr(blocks, name) for name in kinds.split()] == [1, 2, 3, 4, 5, 6]
    assert [getattr(blocks, name) for name in codes.split()] == [2, 3, 4, 5, 9, 14]
    assert (blocks.SECTION, blocks.MAGIC) == (0x0A0D0D0A, 0x1A2B3C4D)
    assert (blocks.END_OF_OPTIONS, blocks.COMMENT, blocks.FLAGS) == (0, 1, 2)
    assert (blocks.ISB_IFRECV, blocks.ISB_IFDROP) == (4, 5)
    assert (blocks.NAME_END, blocks.NAME_IPV4, blocks.NAME_IPV6) == (0, 1, 2)
    assert (blocks.DIRECTION_BITS, blocks.CHECKSUM_NOT_READY) == (3, 0x200)
    assert pack("<H", blocks.MAX_OPTION) == b"\xff\xff"
