"""What a file of 1 MiB may cost, whatever is in it."""

from __future__ import annotations

import subprocess
import sys
from struct import pack
from typing import TYPE_CHECKING

import pytest
from tests import crafted, files
from tests.fuzz import measure

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
MEMORY, SECONDS = 64 * MIB, 3
MAKE = files.Blocks("<")
SECTION, INTERFACE = MAKE.section(), MAKE.interface(1)
COMMENT = pack("<HH", 1, 0)
COMMENTS = COMMENT * MIB  # 4 MiB: joined one by one they take minutes
MANY = b"".join(MAKE.interface(1) for _ in range(20_000))


def _repeated(head: bytes, block: bytes) -> bytes:
    """Return a file of 1 MiB of one block again and again."""
    return head + block * ((MIB - len(head)) // len(block))


def _names(kind: int, size: int) -> bytes:
    """Return a block of as many names of addresses as there can be."""
    count = (MIB - 100) // (8 + size)
    packed = (number.to_bytes(size, "big") for number in range(1, count))
    records = b"".join(pack("<HH", kind, size + 2) + one + b"a\0\0\0" for one in packed)
    return MAKE.block(files.NAMES, records)


def _packet(data: bytes, options: bytes = b"") -> bytes:
    return MAKE.enhanced(0, 1, data, options)


def _nested() -> bytes:
    """Return a frame of headers within headers."""
    chain = crafted.MACS[0].encode() + b"\x86\xdd"
    hops = b"\x3c\0\1\4\0\0\0\0" * 60
    return chain[:14] + b"\x60\0\0\0\xff\xff\x3c\x40" + bytes(32) + hops


HOSTILE = {
    "comments of an interface": SECTION
    + MAKE.block(files.INTERFACE, pack("<HHI", 1, 0, 0) + COMMENTS),
    "comments of a section": MAKE.section(COMMENTS),
    "comments of a packet": SECTION + INTERFACE + _packet(b"", COMMENTS),
    "packets with comments": _repeated(SECTION + INTERFACE, _packet(b"", COMMENT)),
    "options": SECTION
    + INTERFACE
    + _packet(b"", b"".join(pack("<HH", 3 + n % 65_000, 0) for n in range(MIB // 4))),
    "simple packets": _repeated(SECTION + INTERFACE, MAKE.simple(b"", 0)),
    "old packets": _repeated(SECTION + INTERFACE, MAKE.old(0, 1, b"")),
    "enhanced packets": _repeated(SECTION + INTERFACE, _packet(b"")),
    "empty packets": _repeated(files.pcap([]), bytes(16)),
    "nested headers": _repeated(SECTION + INTERFACE, _packet(_nested())),
    "tags": _repeated(files.pcap([]), pack("<IIII", 0, 0, 64, 64) + b"\x81\0" * 32),
    "interfaces": _repeated(SECTION, INTERFACE),
    "simple packets of many interfaces": _repeated(SECTION + MANY, MAKE.simple(b"", 0)),
    "statistics of many interfaces": _repeated(
        SECTION + MANY, MAKE.block(files.STATISTICS, pack("<III", 0, 0, 0))
    ),
    "sections": _repeated(b"", SECTION),
    "sections with an interface": _repeated(b"", SECTION + INTERFACE),
    "names": SECTION + _names(1, 4),
    "names6": SECTION + _names(2, 16),
    "blocks of names": _repeated(SECTION, MAKE.block(files.NAMES, bytes(4))),
    "unknown blocks": _repeated(SECTION, MAKE.block(77, b"")),
    "a packet that claims 128 MiB": files.pcap([])
    + pack("<IIII", 0, 0, 1 << 27, 1 << 27)
    + bytes(MIB - 100),
    "a block that claims 128 MiB": SECTION + pack("<II", 6, 1 << 27) + bytes(MIB - 100),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_file_costs(tmp_path: Path, name: str) -> None:
    """No more than 64 MiB of memory and some seconds of CPU."""
    path = tmp_path / "hostile"
    path.write_bytes(HOSTILE[name])
    argv = [sys.executable, measure.__file__, str(path), f"{MEMORY}", f"{SECONDS}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 0, (done.returncode, done.stderr)
