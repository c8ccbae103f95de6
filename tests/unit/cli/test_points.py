"""Which packets of one file are of which point: by name, by index, by number."""

from __future__ import annotations

import json
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING, Any

import pytest
from tests import files
from tests.traffic import (
    C1,
    HOST,
    HOST01,
    INSIDE,
    OUTSIDE,
    TICK_NS,
    Packet,
    two_points,
)
from tests.unit.cli.conftest import GOOD

from pytest_netlab.capture import Capture, Interface, read, write
from pytest_netlab.cli.points import COOKED, Census, rows_of
from pytest_netlab.invocation import current
from pytest_netlab.wire.assigned import SLL2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.unit.cli.conftest import Command

DATA = Path(__file__).parents[2] / "data" / "nat"
ANY = str(DATA / "any-sll2.pcap")
INDICES = {INSIDE: 1007, OUTSIDE: 3}
MANY = 200  # times the six packets: several chunks


def cooked(sightings: Iterable[tuple[str, Packet | bytes]]) -> bytes:
    """Return a pcap of `any` (SLL2), whose packets have the indices of `INDICES`."""
    records = []
    for at, (point, packet) in enumerate(sightings):
        assert isinstance(packet, Packet)
        kind = 0 if packet.direction == 1 else 4
        head = pack(">HHIHBB8x", 0x0800, 0, INDICES[point], 1, kind, 6)
        data = head + packet.datagram
        records.append((TICK_NS * at, data, len(data)))
    return files.pcap(records, magic=files.NS, linktype=SLL2)


def translations(command: Command, *arguments: str) -> list[tuple[object, ...]]:
    """Return kind, source ports and number of packets of each flow."""
    result = command("nat", "--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert not found["unpaired_flows"]
    return [
        (one["kind"], one["inside"]["sport"], one["outside"]["sport"], one["packets"])
        for one in found["flows"]
    ]


def test_indices_of_any(command: Command) -> None:
    """A capture of `any` has a point for each index of an interface."""
    right = [("snat", 40000, 50001, 12)]

    assert translations(command, ANY, "--inside", "5", "--outside", "2") == right
    pairs = command("nat", ANY, "--inside", "5", "--outside", "2", "--pairs", "--csv")
    first = pairs.stdout.splitlines()[1]
    assert first.startswith("1,original,1,2,")


def test_indices_in_many_chunks(command: Command) -> None:
    """Each chunk is taken apart by the index, and rows stay those of the file."""
    (command.folder / "any.pcap").write_bytes(cooked(GOOD * MANY))
    options = "--inside", str(INDICES[INSIDE]), "--outside", str(INDICES[OUTSIDE])

    result = command("nat", "--json", "any.pcap", *options)
    (flow,) = json.loads(result.stdout)["flows"]
    assert flow["packets"] == 3 * MANY
    shown = command("show", "--json", "--point", "3", "any.pcap").stdout.splitlines()
    wanted = [at for at, (point, _) in enumerate(GOOD * MANY, 1) if point == OUTSIDE]
    assert [json.loads(line)["packet"] for line in shown] == wanted


def test_an_index_that_is_not_there(command: Command) -> None:
    """All indices are listed with their packets, and the command is said."""
    (command.folder / "any.pcap").write_bytes(cooked(GOOD))
    there = "there is 1007 (3 packets), 3 (3 packets)"
    typed = f"`{current().netlab} nat any.pcap --inside 1007 --outside 3`"

    assert command.refused("nat", "any.pcap") == (
        f"any.pcap: no interface 'docker0' and no 'uplink'; {there}: {typed}, or the "
        "other way round"
    )
    # Interface 0 of the file is `any` itself: its packets say where they are from.
    assert command.refused("nat", "any.pcap", "--inside", "0", "--outside", "3") == (
        f"any.pcap: no interface '0'; {there}: {typed}"
    )
    assert command.refused("show", "any.pcap", "--point", "4") == (
        f"no interface '4'; {there}"
    )


def test_any_as_one_of_two_files(command: Command) -> None:
    """A capture of `any` is no side of its own: packets may be in it twice."""
    (command.folder / "any.pcap").write_bytes(cooked(GOOD))
    write("far.pcapng", two_points(GOOD).at(OUTSIDE))

    assert command.refused("nat", "any.pcap", "far.pcapng") == (
        "any.pcap: it has several interfaces: 1007 (3 packets), 3 (3 packets); name "
        "one with --inside NAME"
    )
    options = "--inside", "1007", "--outside", "uplink"
    assert translations(command, "any.pcap", "far.pcapng", *options) == [
        ("snat", 41000, 41000, 3)
    ]


@pytest.mark.parametrize("options", [(), ("--inside", "5", "--outside", "2")])
def test_any_without_indices(command: Command, options: tuple[str, ...]) -> None:
    """The first version of cooked captures does not say the interface."""
    path = str(DATA / "any-sll.pcap")

    assert command.refused("nat", path, *options) == f"{path}: {COOKED}"
    assert command.refused("show", path, "--point", "5") == COOKED


@pytest.mark.parametrize("name", ["merged.pcap", "merged.pcapng"])
def test_merged_into_one_interface(command: Command, name: str) -> None:
    """What merging made one cannot be told apart by a name or number."""
    text = command.refused("nat", str(DATA / name), "--inside", "5", "--outside", "2")

    assert "it has one interface, without a name" in text
    assert "mergecap -I none" in text


def test_numbers_of_interfaces(command: Command) -> None:
    """Interfaces without names have Wireshark's numbers, from 0."""
    write("numbered.pcapng", unnamed(two_points(GOOD)))

    right = [("snat", 41000, 41000, 3)]
    options = "--inside", "0", "--outside", "1"
    assert translations(command, "numbered.pcapng", *options) == right
    typed = f"`{current().netlab} nat numbered.pcapng --inside 0 --outside 1`"
    assert command.refused("nat", "numbered.pcapng", "--outside", "7") == (
        "numbered.pcapng: no interface 'docker0' and no '7'; there is 0 (3 packets), "
        f"1 (3 packets): {typed}, or the other way round"
    )


def unnamed(capture: Capture) -> Capture:
    """Return a capture whose interfaces have no names."""
    nameless = [Interface(name="") for _ in capture.interfaces]
    return Capture.from_frames(capture.frames(), nameless)


def test_a_name_that_is_a_number() -> None:
    """A name goes before a number; without such a name a number counts."""
    named = two_points(GOOD, points=(INSIDE, OUTSIDE))
    digits = [Interface(name="1"), Interface(name="lan")]
    odd = Capture.from_frames(named.frames(), digits)

    assert rows_of(odd, "1").tolist() == [0, 3, 4]
    assert rows_of(named, "1").tolist() == [1, 2, 5]
    assert rows_of(odd, "0").tolist() == [0, 3, 4]
    assert rows_of(odd, "dmz").tolist() == []
    assert rows_of(odd, str(10**30)).tolist() == []


def test_census() -> None:
    """Points are listed with all their packets, also those that have none."""
    capture = two_points(GOOD[:1])
    census = Census()
    for _ in range(2):
        census.add(capture)

    about = capture.about
    assert census.listed(about) == "docker0 (2 packets), uplink (no packet)"
    assert census.has("uplink", about)
    assert census.has("1", about)
    assert not census.has("2", about)
    assert Census().listed(Capture.from_frames([], []).about) == "none at all"


def test_one_free_name(command: Command) -> None:
    """Where one name is right, the command has the other that is there."""
    write("named.pcapng", renamed("docker0", "eth0"))
    typed = f"`{current().netlab} nat named.pcapng --inside docker0 --outside eth0`"

    assert command.refused("nat", "named.pcapng") == (
        "named.pcapng: no interface 'uplink'; there is docker0 (3 packets), eth0 "
        f"(3 packets): {typed}"
    )


def renamed(*names: str) -> Capture:
    """Return the good capture with other names of interfaces."""
    capture = two_points(GOOD)
    return Capture.from_frames(
        capture.frames(), [Interface(name=name) for name in names]
    )


def test_standard_input(command: Command) -> None:
    """Piped captures are refused in the same words."""
    given = (DATA / "any-sll.pcap").read_bytes()

    assert command.refused("nat", "-", given=given) == f"standard input: {COOKED}"
    assert len(read(ANY)) == 24


def test_names_of_addresses(command: Command) -> None:
    """A name block may say which address is where: at one index only."""
    names = {C1: "docker0", HOST: "uplink", HOST01: "server"}
    (command.folder / "any.pcap").write_bytes(cooked(GOOD * MANY))
    seen = read("any.pcap")
    interfaces = seen.interfaces
    write("any.pcapng", Capture.from_frames(seen.frames(), interfaces, names))

    (flow,) = json.loads(command("nat", "--json", "any.pcapng").stdout)["flows"]
    assert (flow["kind"], flow["packets"]) == ("snat", 3 * MANY)
    shown = command("show", "--json", "-n", "2", "--point", "uplink", "any.pcapng")
    assert [json.loads(line)["packet"] for line in shown.stdout.splitlines()] == [2, 3]
    # The server is seen at both.
    options = "--inside", "server", "--outside", "3"
    assert "no interface 'server'" in command.refused("nat", "any.pcapng", *options)
    write("far.pcapng", two_points(GOOD * MANY).at(OUTSIDE))
    options = "--inside", "docker0", "--outside", "uplink"
    right = [("snat", 41000, 41000, 3 * MANY)]
    assert translations(command, "any.pcapng", "far.pcapng", *options) == right
