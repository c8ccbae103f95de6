"""The compiled core and the interpreted one find the same, to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests import crafted, files
from tests.fuzz import columns
from tests.fuzz.seeds import START, raw

from pytest_netlab.core import core

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "golden"
DAMAGED, RANDOM = 150, 1500  # files, and frames of a link type


def _flipped(data: bytes, random: Random) -> bytes:
    """Return the bytes with a few of them changed, and perhaps cut."""
    made = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8)) if data else 0):
        made[random.randrange(len(made))] = random.choice((0, 1, 69, 96, 255, 128))
    return bytes(made[: random.choice((len(made), len(made), random.randrange(999)))])


def _damaged(random: Random) -> Iterator[tuple[str, bytes]]:
    """Yield files that something happened to."""
    whole = list(raw().values())
    for number in range(DAMAGED):
        yield f"damaged-{number}", _flipped(random.choice(whole), random)


def _frames(random: Random) -> Iterator[tuple[str, bytes]]:
    """Yield files of packets that something happened to, and of noise."""
    for linktype in (*crafted.LINKTYPES, 147):
        known = crafted.LINKTYPES if linktype == 147 else (linktype,)
        made = [data[:300] for one in known for data in crafted.frames(one).values()]
        some = [_flipped(random.choice(made), random) for _ in range(RANDOM)]
        some += [random.randbytes(random.randrange(120)) for _ in range(RANDOM // 10)]
        lengths = [random.choice((len(x), len(x), 1500, 0)) for x in some]
        packets = zip(range(START, START + len(some)), some, lengths, strict=True)
        yield (
            f"frames-{linktype}",
            files.pcap(packets, magic=files.NS, linktype=linktype),
        )


def _corpus(folder: Path) -> None:
    """Fill a folder with files; the same ones each time."""
    random = Random(1)  # noqa: S311 - a test wants the same each time
    folder.mkdir()
    for name, data in (*raw().items(), *_damaged(random), *_frames(random)):
        (folder / name).write_bytes(data)
    for path in GOLDEN.glob("*/capture.pcapng"):
        (folder / f"golden-{path.parent.name}").write_bytes(path.read_bytes())


def _found(folder: Path, name: str) -> dict[str, npt.NDArray[np.generic]]:
    """Return what the core of this name finds in a process of its own."""
    target = folder.with_name(f"{name}.npz")
    env = {k: v for k, v in os.environ.items() if k != "PYTEST_NETLAB_INTERPRETED"}
    env["PYTHONPATH"] = f"{ROOT}{os.pathsep}{env.get('PYTHONPATH', '')}"
    if name == "interpreted":
        env["PYTEST_NETLAB_INTERPRETED"] = "1"
    argv = [sys.executable, columns.__file__, str(folder), str(target)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == name
    with np.load(target, allow_pickle=False) as stored:
        return dict(stored)


@pytest.mark.skipif(core() == "interpreted", reason="there is no compiled core here")
def test_equal_columns(tmp_path: Path) -> None:
    """Of whole files, damaged ones, packets of every kind and noise."""
    folder = tmp_path / "corpus"
    _corpus(folder)
    compiled, interpreted = (_found(folder, n) for n in ("compiled", "interpreted"))

    assert compiled.keys() == interpreted.keys()
    assert [
        name
        for name, column in compiled.items()
        if column.dtype != interpreted[name].dtype
        or not np.array_equal(column, interpreted[name])
    ] == []
