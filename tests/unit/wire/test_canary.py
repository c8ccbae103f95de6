"""The canary frame: what is built is what is read, and nothing else is one."""

from __future__ import annotations

import pytest

from pytest_netlab.wire.canary import Canary, build, is_canary, parse

SOURCE = bytes.fromhex("02000000000a")
CANARY = Canary("4f3a2b1c-1", "docker0", "open")
FRAME = (
    bytes.fromhex("ffffffffffff 02000000000a 88b5")
    + b"pytest-netlab canary 4f3a2b1c-1 docker0 open"
)
TAG = bytes.fromhex("81000005")


def test_build() -> None:
    """A canary is a broadcast of the experimental ethertype that says its name."""
    assert build(CANARY, SOURCE) == FRAME


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME + bytes(4),
        FRAME[:12] + TAG + FRAME[12:],
        FRAME[:12] + TAG + TAG + FRAME[12:],
    ],
    ids=["as built", "padded", "tagged", "tagged twice"],
)
def test_parse(frame: bytes) -> None:
    """Padding and VLAN tags, which links add, do not hide a canary."""
    assert parse(frame) == CANARY


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        FRAME[:12],
        FRAME[:14],
        FRAME[:20],
        FRAME + b" more",
        FRAME[:12] + b"\x08\x00" + FRAME[14:],
        FRAME[:14] + b"another experiment a b c",
        FRAME[:14] + bytes(range(128, 256)),
    ],
)
def test_not_a_canary(frame: bytes) -> None:
    """Anything else is no canary, however short or odd."""
    assert not is_canary(frame)
