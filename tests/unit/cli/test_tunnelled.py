"""Where a side is a tunnel, the packets in it are compared, and that is said."""

from __future__ import annotations

import json
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING, Any

import pytest
from tests.traffic import C1, HOST, HOST01, IN, MACS, TICK_NS, Packet, routed
from tests.unit.cli.test_undecoded import FAR, NEAR, made, records

from pytest_netlab.capture import read, write
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.wire import ethernet, ipv4, udp
from pytest_netlab.wire.assigned import IPV4

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Command

DATA = Path(__file__).parents[2] / "data" / "nat"
OPENED = {
    "gre-out": ("outside", "GRE"),
    "ipip-out": ("outside", "IP in IP"),
    "vxlan-out": ("outside", "VXLAN"),
    "vxlan-both": ("inside", "VXLAN"),
    "geneve-out": ("outside", "GENEVE"),
}
ENDS = "192.0.2.1", "192.0.2.2"
MANY = 400  # packets: more than one chunk
SENT = [
    Packet(
        key=Tuple5(UDP, C1, 5000 + at % 7, HOST01, 53),
        ip_id=at + 1,
        data=pack(">I", at),
        direction=IN,
    )
    for at in range(MANY)
]


def both(name: str) -> tuple[str, str]:
    """Return the paths of both sides of a stored case."""
    return str(DATA / f"{name}.in.pcap"), str(DATA / f"{name}.out.pcap")


def found(command: Command, *arguments: str, code: int = 0) -> Any:
    """Return what `nat` prints as JSON."""
    result = command("nat", "--json", *arguments)
    assert result.exit_code == code, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", OPENED)
@pytest.mark.parametrize("options", [(), ("--decapsulate",)])
def test_inner_packets_pair(
    command: Command, name: str, options: tuple[str, ...]
) -> None:
    """A tunnel is opened by itself, and when asked: the NAT is what it is."""
    side, kind = OPENED[name]
    said = found(command, *both(name), *options)
    (flow,) = said["flows"]

    assert (flow["kind"], flow["packets"]) == ("snat", 4)
    assert flow["inside"]["src"] == "10.0.0.5"
    assert flow["outside"]["src"] == "203.0.113.1"
    assert (said["unpaired_flows"], said["lost"], said["violations"]) == ([], [], [])
    assert said["decapsulated"] is True
    tunnel = {"side": side, "kind": kind, "packets": 4, "encrypted": False}
    assert said["tunnels"] == [tunnel]
    text = command("nat", *both(name)).stdout
    assert f"{side}: the inner packets of {kind} were compared" in text


def test_pairs_of_inner_packets(command: Command) -> None:
    """Whole captures are opened as well, and packets keep their numbers."""
    lines = command("nat", "--pairs", "--csv", *both("vxlan-out")).stdout.split()

    assert [line.split(",")[2:4] for line in lines[1:]] == [
        [str(number)] * 2 for number in range(1, 5)
    ]


def test_a_tunnel_that_crosses_stays_closed(command: Command) -> None:
    """The outer packets pair: there is no need to look into them."""
    said = found(command, *both("gre-outer-nat"))

    assert [one["kind"] for one in said["flows"]] == ["snat"]
    assert (said["decapsulated"], said["tunnels"]) == (False, [])


def test_a_tunnel_that_has_nothing_to_do_with_it(command: Command) -> None:
    """Where no more packets pair with it opened, a tunnel stays closed."""
    others = [_record(at, ipip(one.datagram)) for at, one in enumerate(SENT[:2])]
    start = records(FAR)[0][0]
    others = [(start + ts, frame, size) for ts, frame, size in others]
    mixed = sorted([*records(FAR), *others], key=lambda one: one[0])
    made("mixed.pcap", mixed)

    said = found(command, NEAR, "mixed.pcap", code=1)
    assert said["decapsulated"] is False
    (alone,) = said["unpaired_flows"]
    assert alone["outside"] == {"src": ENDS[0], "dst": ENDS[1]}


def test_folders_are_read_again_as_well(command: Command) -> None:
    """A folder with a capture is as good as a file."""
    near, far = both("vxlan-out")
    Path("folder").mkdir()
    write("folder/capture.pcapng", read(far))

    assert found(command, near, "folder")["decapsulated"] is True


def test_standard_input_is_read_once(command: Command) -> None:
    """The option is advised, and does it."""
    near, far = both("vxlan-out")
    given = Path(near).read_bytes()

    result = command("nat", "-", far, given=given)
    assert "VXLAN were not compared: add --decapsulate" in result.stderr
    result = command("nat", "--json", "--decapsulate", "-", far, given=given)
    assert [one["packets"] for one in json.loads(result.stdout)["flows"]] == [4]


def vxlan(inner: bytes) -> bytes:
    """Return a frame of Linux's old VXLAN port around a datagram."""
    frame = ethernet.build(*MACS, inner, ethertype=IPV4)
    body = udp.build(*ENDS, 44444, 8472, pack(">II", 8 << 24, 77 << 8) + frame)
    return ipv4.build(*ENDS, UDP, body, ttl=60)


def ipip(inner: bytes) -> bytes:
    """Return a datagram directly in another."""
    return ipv4.build(*ENDS, 4, inner, ttl=60)


def translated(one: Packet) -> Packet:
    """Return a packet behind the NAT."""
    return routed(one, one.key._replace(src=HOST))


@pytest.mark.parametrize("wrap", [vxlan, ipip])
def test_many_packets_in_chunks(
    command: Command, wrap: Callable[[bytes], bytes]
) -> None:
    """Seven flows through one tunnel, of which one packet is lost."""
    lost = 100
    inside = [_record(at, one.datagram) for at, one in enumerate(SENT)]
    outside = [
        _record(at, wrap(translated(one).datagram))
        for at, one in enumerate(SENT)
        if at != lost
    ]
    made("near.pcap", inside)
    made("far.pcap", outside)

    said = found(command, "near.pcap", "far.pcap", code=1)
    assert sum(one["packets"] for one in said["flows"]) == MANY - 1
    assert len(said["flows"]) == 7
    assert [one["packets"] for one in said["lost"]] == [[lost + 1]]
    assert command("nat", "near.pcap", "far.pcap", "--pairs").stdout.count("\n") == MANY


def _record(at: int, datagram: bytes) -> tuple[int, bytes, int]:
    frame = ethernet.build(*MACS, datagram, ethertype=IPV4)
    return TICK_NS * at, frame, len(frame)


def test_encrypted(command: Command) -> None:
    """Nobody can look into WireGuard: that is no loss, and no verdict."""
    near, far = both("wireguard-out")

    assert command.refused("nat", near, far) == (
        f"{far}: 4 of 4 packets are inside a WireGuard tunnel: encrypted, nothing to "
        "compare; capture in front of it"
    )


@pytest.mark.parametrize("proto", ["WireGuard", "ESP"])
def test_encrypted_beside_others(command: Command, proto: str) -> None:
    """What the host encrypted is told beside flows that pair, and is not lost."""
    sealed = records(both("wireguard-out")[1])
    if proto == "ESP":
        body = pack(">II", 7, 1) + bytes(40)
        frame = ethernet.build(*MACS, ipv4.build(*ENDS, 50, body), ethertype=IPV4)
        sealed = [(ts, frame, len(frame)) for ts, _, _ in sealed]
    mixed = sorted([*records(FAR), *sealed], key=lambda one: one[0])
    made("mixed.pcap", mixed)

    said = found(command, NEAR, "mixed.pcap")
    assert said["lost"] == []
    tunnel = {"side": "outside", "kind": proto, "packets": 4, "encrypted": True}
    assert said["tunnels"] == [tunnel]
    text = command("nat", NEAR, "mixed.pcap").stdout
    assert f"4 packets inside a {proto} tunnel: encrypted, nothing to compare" in text
