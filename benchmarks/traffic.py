"""Make the two captures of a Docker host: docker0 and uplink, and what is true of them.

python benchmarks/traffic.py FOLDER --packets 1000000 --format pcap

The same options and seed make the same bytes. Beside the captures FOLDER gets
`twins.npy`, the outside row of each inside row (-1: none), and `flows.npy`, each
flow's protocol and keys on both sides (an ICMP id is both ports).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from conversations import PER_FLOW, POOL, plan_flows, plan_packets
from frames import View, write

if TYPE_CHECKING:
    from conversations import Packets, Rows
    from frames import Form

SUFFIXES = {"pcap": "pcap", "pcap-ns": "pcap", "pcapng": "pcapng"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to make.

    `flows` 0 is one flow per 50 packets; `lost_inside` and `lost_outside` are the
    shares of packets that one capture misses; `clock_offset` is how far the outside
    clock is ahead, in seconds.
    """

    packets: int = 1_000_000
    flows: int = 0
    seed: int = 1
    lost_inside: float = 0.0
    lost_outside: float = 0.0
    clock_offset: float = 0.0
    form: Form = "pcap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two captures, and what is true of them."""

    inside: Path
    outside: Path
    twins: Rows
    flows: Rows


def generate(folder: Path, options: Options) -> Pair:
    """Write both captures and the truth into a folder, and return them."""
    rng = np.random.default_rng(options.seed)
    pool = np.frombuffer(rng.bytes(POOL), dtype="u1").copy()
    flows = plan_flows(rng, options.flows or max(options.packets // PER_FLOW, 1))
    packets = plan_packets(rng, flows, options.packets)
    inward = packets.back ^ flows["inbound"][packets.flow]
    offset = round(options.clock_offset * 1e9)
    suffix = SUFFIXES[options.form]
    orders, paths = [], []
    for point, late, lost, ahead in (
        ("docker0", inward, options.lost_inside, 0),
        ("uplink", ~inward, options.lost_outside, offset),
    ):
        order = _order(rng, packets, late, lost)
        times = packets.when[order] + late[order] * packets.delay[order] + ahead
        path = folder / f"{point}.{suffix}"
        view = View(
            point=point, packets=packets, flows=flows, pool=pool, form=options.form
        )
        write(path, view, order, times)
        orders.append(order)
        paths.append(path)
    twins = _twins(*orders, options.packets)
    np.save(folder / "twins.npy", twins)
    np.save(folder / "flows.npy", flows)
    return Pair(inside=paths[0], outside=paths[1], twins=twins, flows=flows)


def _order(rng: np.random.Generator, packets: Packets, late: Rows, lost: float) -> Rows:
    """Return the packets that one point sees, in the order it sees them."""
    order = np.argsort(packets.when + late * packets.delay, kind="stable")
    if lost:
        order = order[rng.random(len(order)) >= lost]
    return order.astype("i4")


def _twins(inside: Rows, outside: Rows, packets: int) -> Rows:
    """Return the outside row of each inside row."""
    place = np.full(packets, -1, dtype="i8")
    place[outside] = np.arange(len(outside))
    return place[inside]


def _options() -> tuple[Path, Options]:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--flows", type=int, default=0, help="default: packets / 50")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lost-inside", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--lost-outside", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--clock-offset", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--format", dest="form", choices=SUFFIXES, default="pcap")
    given = vars(parser.parse_args())
    return given.pop("folder"), Options(**given)


def main() -> None:
    """Write what the command line asks for, and say what it is."""
    folder, options = _options()
    folder.mkdir(parents=True, exist_ok=True)
    pair = generate(folder, options)
    paired = int((pair.twins >= 0).sum())
    print(f"{pair.inside} {pair.outside}: {paired} pairs, {len(pair.flows)} flows")


if __name__ == "__main__":
    main()
