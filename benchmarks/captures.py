"""Captures to be timed on: made in a process of their own, and cut to prefixes."""

from __future__ import annotations

import struct
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from timing import HERE

if TYPE_CHECKING:
    from pathlib import Path

_PCAP_HEADER, _RECORD_HEADER = 24, 16
_ENHANCED_PACKET = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A made pair of captures, and the outside row of each inside row."""

    inside: Path
    outside: Path
    twins: Path

    @property
    def both(self) -> list[Path]:
        """Return the captures."""
        return [self.inside, self.outside]


def make_pair(folder: Path, packets: int, form: str = "pcap", *more: str) -> Made:
    """Make a pair in a folder of its own; `more` are options of traffic.py."""
    home = folder / "-".join([form, str(packets), *more])
    command = [sys.executable, str(HERE / "traffic.py"), str(home)]
    command += [f"--packets={packets}", f"--format={form}", *more]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Made(
        inside=home / f"docker0.{form}",
        outside=home / f"uplink.{form}",
        twins=home / "twins.npy",
    )


def prefix(path: Path, packets: int) -> Path:
    """Write the first packets of a capture to a file beside it, once."""
    made = path.with_name(f"{path.stem}-{packets}{path.suffix}")
    if not made.exists():
        data = path.read_bytes()
        end = _end_of_pcapng if path.suffix == ".pcapng" else _end_of_pcap
        made.write_bytes(data[: end(data, packets)])
    return made


def _end_of_pcap(data: bytes, packets: int) -> int:
    at = _PCAP_HEADER
    for _ in range(packets):
        at += _RECORD_HEADER + struct.unpack_from("<I", data, at + 8)[0]
    return at


def _end_of_pcapng(data: bytes, packets: int) -> int:
    at = seen = 0
    while seen < packets:
        kind, size = struct.unpack_from("<II", data, at)
        seen += kind == _ENHANCED_PACKET
        at += size
    return at
