"""Two sides of one file, which are read in a thread each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import TYPE_CHECKING

import pytest
from tests.traffic import capture
from tests.unit.cli.conftest import ASKED

from pytest_netlab.cli.sides import _Shared
from pytest_netlab.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture import Capture

SEEN = [capture([ASKED]) for _ in range(5)]


def slowly() -> Iterator[Capture]:
    """Yield chunks as a slow disk does."""
    for chunk in SEEN:
        sleep(0.005)
        yield chunk


def test_both_readers_get_every_chunk() -> None:
    """Whichever thread reads on, both get everything, in order."""
    shared = _Shared(slowly())
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(list, shared.chunks(reader)) for reader in (0, 1)]

    assert [reader.result() for reader in both] == [SEEN, SEEN]


def test_one_reader_does_not_wait_for_the_other() -> None:
    """What the other has not taken is kept for it."""
    shared = _Shared(iter(SEEN))

    assert list(shared.chunks(0)) == SEEN
    assert list(shared.chunks(1)) == SEEN


def test_damage_is_told_to_both() -> None:
    """Who reads on after the other met damage does not take it for the end."""

    def damaged() -> Iterator[Capture]:
        yield SEEN[0]
        raise CaptureError("cut short", source="x", offset=7)

    shared = _Shared(damaged())
    for reader in (0, 1):
        chunks = shared.chunks(reader)

        assert next(chunks) == SEEN[0]
        with pytest.raises(CaptureError, match="cut short"):
            next(chunks)
