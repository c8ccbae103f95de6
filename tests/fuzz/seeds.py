"""Files to start from: small, whole, and together of everything a reader knows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests import crafted, files
from tests.fuzz.contract import Seed, seed

DATA = Path(__file__).parents[1] / "data" / "pcapng"
START = 1_700_000_000 * files.SECOND
FEW = ("syn", "error udp 3/3", "chain", "last fragment", "udp zero", "error6 hops 1/4")
LINKS = ("qinq", "arp request", "padded", "llc")


def _packets(linktype: int) -> list[tuple[int, bytes, int]]:
    """Return a few packets of a link type; the last is cut."""
    made = crafted.frames(linktype)
    chosen = [made[name] for name in (*FEW, *LINKS) if name in made]
    packets = [(START + row * 1000, data, len(data)) for row, data in enumerate(chosen)]
    return [*packets, (START, chosen[0][:30], len(chosen[0]))]


def _blocks(order: str) -> bytes:
    """Return a pcapng file with every kind of block and option."""
    make = files.Blocks(order)
    packets = _packets(crafted.ETHERNET)
    flags = make.option(2, make.pack("I", 1 << 9 | 2))
    comment = make.option(1, b"one") + make.option(1, b"two") + make.option(0, b"")
    names = make.option(1, b"\x0a\0\0\1host01\0") + make.option(
        2, bytes(15) + b"\1me\0"
    )
    counts = make.option(4, make.pack("Q", 9)) + make.option(5, make.pack("Q", 0))
    made = make.section(comment) + make.interface(1, 9, -5, 60) + make.interface(101)
    made += make.block(files.NAMES, names + make.option(0, b""))
    for number, (ts, data, _) in enumerate(packets):
        made += make.enhanced(0, ts, data, (b"", flags, comment)[number % 3])
        made += make.old(0, ts, data) + make.simple(data[:60], len(data))
        made += make.block(0x0BAD, data[:number])
    made += make.enhanced(1, START, crafted.DATAGRAMS["udp6"])
    made += make.enhanced(0, (1 << 64) - 1, b"")  # no later time can be written
    return made + make.block(files.STATISTICS, make.pack("III", 0, 0, 0) + counts)


def raw() -> dict[str, bytes]:
    """Return every file by a name that says what it is."""
    made = {path.stem: path.read_bytes() for path in sorted(DATA.glob("*.pcapng"))}
    for linktype in crafted.LINKTYPES:
        made[f"pcap-{linktype}"] = files.pcap(_packets(linktype), linktype=linktype)
    for magic in (files.US, files.NS, files.MODIFIED):
        for order, name in (("<", "le"), (">", "be")):
            data = files.pcap(_packets(crafted.ETHERNET), order, magic)
            made[f"pcap-{magic:x}-{name}"] = data
    little, big = _blocks("<"), _blocks(">")
    return {**made, "blocks-le": little, "blocks-be": big, "sections": little + big}


@cache
def seeds() -> tuple[Seed, ...]:
    """Return every file with what is known of it."""
    return tuple(seed(name, data) for name, data in raw().items())
