"""Time replay against tcpreplay and ping, over the same veth and NAT, in one run.

`asap` plays 100,000 packets of 1,000 conversations, and checks each; tcpreplay sends
as many, and checks none. Lockstep is one conversation; an exchange is a packet and its
answer. Run as root from a checkout, with tcpreplay: `make bench`.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from pytest_netlab.capture import Capture, Frame, Interface
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.lab.backends import kernel
from pytest_netlab.replay import plan_flows, replay
from pytest_netlab.replay.rewrite import rewritten
from pytest_netlab.replay.tuple_codec import pack
from pytest_netlab.spec import LabOptions
from pytest_netlab.wire import ethernet, ipv4, udp

if TYPE_CHECKING:
    from pytest_netlab.lab.backends.docker_lab import DockerLab
    from pytest_netlab.replay import FlowPlan

ROUNDS = 3
FLOWS, EACH = 1000, 100
LIMIT, LOCKSTEP = 0.5, 3.0  # of tcpreplay's speed; of ping's round trips
DATA = bytes(100)


def conversations(flows: int, each: int) -> list[FlowPlan]:
    """Return questions and answers, side by side."""
    frames = []
    for number in range(each):
        for flow in range(flows):
            ask = Tuple5(UDP, "10.1.0.1", 10_000 + flow, "10.2.0.1", 53)
            key = ask.reply if number % 2 else ask
            body = udp.build(key.src, key.dst, key.sport, key.dport, DATA)
            ip_id = (flow * each + number) & 0xFFFF
            data = ipv4.build(key.src, key.dst, UDP, body, ip_id=ip_id, df=False)
            frames.append(Frame(0, len(frames), data, len(data)))
    raw = [Interface(name="made", linktype=101)]
    return plan_flows(Capture.from_frames(frames, raw))


def ours(lab: DockerLab, plans: list[FlowPlan]) -> float:
    """Return packets a second, all of them checked."""
    lab.reset()
    played = replay(lab.nodes, plans, ("c1", "host01"))
    if played.findings:
        raise SystemExit(f"the replay failed: {played}")
    return played.packets / played.seconds


def peers(lab: DockerLab, plans: list[FlowPlan]) -> float:
    """Return packets a second of tcpreplay, from the client to the neighbour."""
    c1, host01 = lab.nodes["c1"], lab.nodes["host01"]
    lab.reset()
    c1.run("ping", "-c1", host01.address)
    neighbours = c1.run("ip", "neigh").stdout
    gateway = re.search(r"lladdr (\S+)", neighbours)
    own = re.search(r"link/ether (\S+)", c1.run("ip", "link", "show", "eth0").stdout)
    if gateway is None or own is None:
        raise SystemExit(f"no gateway: {neighbours}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "packets.pcap")
        with path.open("wb") as file:
            file.write(
                bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
            )
            for plan in plans:
                key = plan.key._replace(src=c1.address, dst=host01.address)
                for packet in plan.packets:
                    data = rewritten(packet.datagram, pack(key))
                    frame = ethernet.build(own[1], gateway[1], data)
                    size = len(frame).to_bytes(4, "little")
                    file.write(bytes(8) + size + size + frame)
        send = ("tcpreplay", "--topspeed", "--preload-pcap", "-i", "eth0", str(path))
        said = c1.run(*send, timeout=60).stdout
    return float(re.search(r"([\d.]+) pps", said)[1])  # type: ignore[index]


def round_trip(lab: DockerLab) -> float:
    """Return the seconds of a ping's round trip, sent as fast as they come back."""
    c1, address = lab.nodes["c1"], lab.nodes["host01"].address
    said = c1.run("ping", "-q", "-A", "-c", "2000", address).stdout
    return float(said.rpartition("=")[2].split("/")[1]) / 1000


def main() -> None:
    """Print medians and ratios as a table, and as JSON for a machine."""
    if shutil.which("tcpreplay") is None:
        sys.exit("install the package tcpreplay, which this is measured against")
    many, one = conversations(FLOWS, EACH), conversations(1, 2000)
    rounds = []
    with closing(kernel.start(LabOptions())) as lab:
        for _ in range(ROUNDS):
            speed, peer = ours(lab, many), peers(lab, many)
            exchange, trip = 2 / ours(lab, one), round_trip(lab)
            rounds.append((speed, peer, exchange, trip))
    speed, peer, exchange, trip = map(statistics.median, zip(*rounds, strict=True))
    table = Table("what", "ours", "peer", "ratio", "limit")
    told = f"{speed:,.0f}/s", f"tcpreplay {peer:,.0f}/s"
    table.add_row("asap", *told, f"{speed / peer:.2f}", f"at least {LIMIT}")
    told = f"{exchange * 1e6:.0f} us", f"ping {trip * 1e6:.0f} us"
    table.add_row("lockstep", *told, f"{exchange / trip:.2f}", f"at most {LOCKSTEP}")
    Console().print(table)
    ratios = {"asap": speed / peer, "lockstep": exchange / trip}
    print(json.dumps({"packets": speed, "tcpreplay": peer, **ratios}))


if __name__ == "__main__":
    main()
