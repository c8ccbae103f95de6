"""`pytest-netlab nat`: what became of each flow, and what is broken."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.traffic import (
    C1,
    C2,
    HOST,
    HOST01,
    IN,
    INSIDE,
    OUTSIDE,
    SYN,
    WEB,
    Packet,
    capture,
    routed,
    two_points,
)
from tests.unit.cli.conftest import GOOD

from pytest_netlab.capture import Capture, open_capture, read, write
from pytest_netlab.flows import ICMP, TCP, UDP, Tuple5
from pytest_netlab.invocation import current

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Command

MANY = 600  # pairs: several chunks
FLOW = {
    "flow": 1,
    "proto": "tcp",
    "kind": "snat",
    "inside": {"src": C1, "sport": 41000, "dst": HOST01, "dport": 80},
    "outside": {"src": HOST, "sport": 41000, "dst": HOST01, "dport": 80},
    "packets": 3,
    "lost": {"original": 0, "reply": 0},
    "ambiguous": 0,
    "renewal": None,
}
NAT_DATA = Path(__file__).parents[2] / "data" / "nat"
VIOLATION = {
    "field": "ttl",
    "want": "63 after 64",
    "got": "62",
    "inside_packet": 3,
    "outside_packet": 3,
}
COMMENT = f"flow 1 snat {C1}:41000 -> {HOST}:41000; ttl: want 63 after 64, got 62"


MEMBERS = "unpaired", "violations", "lost", "not_captured", "not_looked_for"
MORE_MEMBERS = (
    "flows",
    "unpaired_flows",
    "captures",
    "clock",
    "absent",
    "undecoded",
    "hops",
    "decapsulated",
    "tunnels",
)


def table(command: Command, *arguments: str, code: int, given: bytes = b"") -> Any:
    """Return what is printed as JSON."""
    result = command("nat", "--json", *arguments, given=given)

    assert (result.exit_code, result.stderr) == (code, "")
    return json.loads(result.stdout)


def test_json(command: Command) -> None:
    """Flows with both their keys, the unpaired by fate, violations by packet."""
    found = table(command, "in.pcapng", "out.pcapng", code=1)
    (flow,), (alone,) = found["flows"], found["unpaired_flows"]

    assert {*found} == {*MEMBERS, *MORE_MEMBERS}
    assert FLOW.items() <= flow.items()
    assert found["unpaired"] == {"dropped": 1}
    assert (alone["flow"], alone["proto"], alone["fate"]) == (2, "udp", "dropped")
    assert alone["inside"] == {"src": C2, "sport": 5000, "dst": HOST01, "dport": 53}
    assert found["violations"] == [VIOLATION]


def test_nothing_broken(command: Command) -> None:
    """Exit code 0 if nothing is broken and nothing was lost."""
    found = table(command, "good.pcapng", code=0)

    assert FLOW.items() <= found["flows"][0].items()
    assert not any(found[member] for member in MEMBERS)


def test_icmp_has_an_id(command: Command) -> None:
    """An echo has an id in place of the ports."""
    echo = Packet(key=Tuple5(ICMP, C1, 7, HOST01, 7), direction=IN)
    sent = routed(echo, Tuple5(ICMP, HOST, 8, HOST01, 8))
    write("ping.pcapng", two_points([(INSIDE, echo), (OUTSIDE, sent)]))

    (flow,) = table(command, "ping.pcapng", code=0)["flows"]

    assert flow["inside"] == {"src": C1, "dst": HOST01, "id": 7}
    assert flow["outside"] == {"src": HOST, "dst": HOST01, "id": 8}


def test_other_protocols_have_addresses_only(command: Command) -> None:
    """A protocol without a name here goes by its number."""
    gre = Packet(key=Tuple5(47, C1, 0, HOST01, 0), body=b"gre", ip_id=4, direction=IN)
    sent = routed(gre, Tuple5(47, HOST, 0, HOST01, 0))
    write("gre.pcapng", two_points([(INSIDE, gre), (OUTSIDE, sent)]))

    (flow,) = table(command, "gre.pcapng", code=0)["flows"]

    assert (flow["proto"], flow["inside"]) == ("47", {"src": C1, "dst": HOST01})


@pytest.mark.parametrize("side", [0, 1])
def test_standard_input(command: Command, side: int) -> None:
    """Either side may come from a pipe."""
    files = ["in.pcapng", "out.pcapng"]
    given = (command.folder / files[side]).read_bytes()
    files[side] = "-"

    assert table(command, *files, code=1, given=given)["violations"] == [VIOLATION]


def test_both_points_in_one(command: Command, whole: bytes) -> None:
    """One capture with both points will do; packets are numbered as in the file."""
    found = table(command, "-", code=1, given=whole)

    assert FLOW.items() <= found["flows"][0].items()
    numbered = {**VIOLATION, "inside_packet": 5, "outside_packet": 6}
    assert found["violations"] == [numbered]


def test_violations_far_into_a_capture(command: Command) -> None:
    """Packets are numbered as in the file, over all its chunks."""
    asked = Tuple5(ICMP, C1, 7, HOST01, 7)
    seen: list[tuple[str, Packet]] = []
    for ident in range(1, MANY + 1):
        echo = Packet(key=asked, seq=ident, ip_id=ident, direction=IN)
        sent = routed(echo, asked._replace(src=HOST))
        if ident == MANY:
            sent = replace(sent, ttl=9)
        seen += [(INSIDE, echo), (OUTSIDE, sent)]
    write("long.pcapng", two_points(seen))
    with open_capture("long.pcapng") as chunks:
        assert sum(1 for _ in chunks) > 1

    (violation,) = table(command, "long.pcapng", code=1)["violations"]

    assert violation["inside_packet"] == 2 * MANY - 1
    assert violation["outside_packet"] == 2 * MANY


def test_points_are_named(command: Command) -> None:
    """Interfaces of any name are told apart by options."""
    write("named.pcapng", two_points(_renamed(), points=("br-lan", "eth0")))

    options = "--inside", "br-lan", "--outside", "eth0"

    (flow,) = table(command, "named.pcapng", *options, code=0)["flows"]
    assert FLOW.items() <= flow.items()
    assert command.refused("nat", "named.pcapng") == (
        "named.pcapng: no interface 'docker0' and no 'uplink'; there is br-lan "
        f"(3 packets), eth0 (3 packets): `{current().netlab} nat named.pcapng "
        "--inside br-lan --outside eth0`, or the other way round"
    )


def _renamed() -> list[tuple[str, Packet | bytes]]:
    names = {INSIDE: "br-lan", OUTSIDE: "eth0"}
    return [(names[point], packet) for point, packet in GOOD]


def test_one_of_several_interfaces(command: Command) -> None:
    """With two captures, of each the interface asked for counts, never a mixture."""
    points = "--inside", INSIDE, "--outside", OUTSIDE

    found = table(command, "good.pcapng", "good.pcapng", *points, code=0)

    assert FLOW.items() <= found["flows"][0].items()
    assert command.refused("nat", "good.pcapng", "out.pcapng") == (
        "good.pcapng: it has several interfaces: docker0 (3 packets), uplink "
        "(3 packets); name one with --inside NAME"
    )


def test_csv(command: Command) -> None:
    """A line a flow, and empty cells for what it does not have."""
    result = command("nat", "--csv", "in.pcapng", "out.pcapng")
    snat, dropped = csv.DictReader(result.stdout.splitlines())

    assert (snat["flow"], snat["kind"], snat["packets"]) == ("1", "snat", "3")
    assert (snat["inside_src"], snat["outside_sport"], snat["inside_id"]) == (
        C1,
        "41000",
        "",
    )
    assert (dropped["fate"], dropped["inside_dport"], dropped["outside_src"]) == (
        "dropped",
        "53",
        "",
    )
    assert result.exit_code == 1


def test_table(command: Command) -> None:
    """Flows, unpaired flows, violations; no line is cut where no terminal is."""
    lines = command("nat", "in.pcapng", "out.pcapng").stdout.splitlines()

    cells = [line.split() for line in lines if line]
    assert cells[1][:11] == [
        *("1", "tcp", "snat", f"{C1}:41000", "->", f"{HOST01}:80"),
        *(f"{HOST}:41000", "->", f"{HOST01}:80", "3", "0"),
    ]
    assert any(
        line[:-1] == f"2 udp dropped inside {C2}:5000 -> {HOST01}:53".split()
        for line in cells
    )
    assert ["ttl", "packet", "3", "packet", "3", "63", "after", "64", "62"] in cells
    assert lines[-1].startswith("1 flow, 1 unpaired (1 dropped), ")
    assert lines[-1].endswith(", 1 violation")


@pytest.mark.parametrize(
    "files",
    [("cut.pcapng",), ("in.pcapng", "cut.pcapng"), ("cut.pcapng", "out.pcapng")],
)
def test_damage(command: Command, cut: int, files: tuple[str, ...]) -> None:
    """No verdict on half a capture: exit code 2, and nothing on stdout."""
    refused = command.refused("nat", "--json", *files)
    assert refused == (
        f"cut.pcapng: the file ends inside a block (at byte {cut}); "
        f"`{current().netlab} show cut.pcapng` prints the packets before it"
    )
    assert not command("nat", "--json", *files).stdout


def test_nothing_is_not_fine(command: Command) -> None:
    """Captures that saw nothing are no proof that nothing is broken."""
    write("empty.pcapng", capture([]))

    assert command.refused("nat", "empty.pcapng", "empty.pcapng") == (
        "no conversation in either capture: there is nothing to learn"
    )


def test_strangers_are_suspected(command: Command) -> None:
    """Two captures that share no packet may not belong together."""
    other = Packet(key=Tuple5(ICMP, HOST01, 3, HOST, 3), direction=IN)
    write("other.pcapng", capture([other]))
    result = command("nat", "in.pcapng", "other.pcapng")

    assert result.exit_code == 1  # or every packet was lost
    assert "no packet was seen on both sides" in result.stderr


def test_standard_input_twice(command: Command) -> None:
    """One pipe cannot be two captures."""
    result = command("nat", "-", "-")

    assert result.exit_code == 2
    assert "standard input can be one capture only" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "points"),
    [
        (("in.pcapng", "out.pcapng"), ["inside tap", "outside tap"]),
        (("bad.pcapng",), [INSIDE, OUTSIDE]),
    ],
)
def test_write_diff(
    command: Command, arguments: tuple[str, ...], points: list[str]
) -> None:
    """The packets of violations and unpaired flows, each with its reason."""
    result = command("nat", *arguments, "--write-diff", "why.pcapng")
    why = read("why.pcapng")

    assert result.exit_code == 1
    assert [(packet.interface, packet.comment) for packet in why] == [
        (points[0], COMMENT),
        (points[1], COMMENT),
        (points[0], f"flow 2 dropped {C2}:5000 -> {HOST01}:53"),
    ]
    assert [known.name for known in why.interfaces] == points
    assert why.names == read(arguments[0]).names


def test_wireshark_shows_the_comments(command: Command) -> None:
    """What is written opens in Wireshark, comments included."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    command("nat", "bad.pcapng", "--write-diff", "why.pcapng")
    argv = [tshark, "-r", "why.pcapng", "-T", "fields", "-e", "frame.comment"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[:2] == [COMMENT, COMMENT]


def test_nothing_to_write(command: Command) -> None:
    """A diff of nothing is a capture without packets, of both sides."""
    command("nat", "good.pcapng", "--write-diff", "why.pcapng")
    why = read("why.pcapng")

    assert len(why) == 0
    assert [known.name for known in why.interfaces] == [INSIDE, OUTSIDE]


def test_input_is_never_overwritten(command: Command, whole: bytes) -> None:
    """--write-diff onto a capture that is read would destroy it."""
    result = command("nat", "bad.pcapng", "--write-diff", "./bad.pcapng")

    assert result.exit_code == 2
    assert "needs a file of its own" in result.stderr
    assert (command.folder / "bad.pcapng").read_bytes() == whole


def test_help_teaches(command: Command) -> None:
    """--help has a line to copy."""
    assert "\n  pytest-netlab nat " in command("nat", "--help").stdout


def command_of(text: str) -> str:
    """Return the command that a message tells to type, without its program."""
    return text.split("`")[1].removeprefix(f"{current().netlab} ")


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (("there.pcapng", "here.pcapng"), "nat here.pcapng there.pcapng"),
        (
            ("good.pcapng", "--inside", OUTSIDE, "--outside", INSIDE),
            f"nat good.pcapng --inside {INSIDE} --outside {OUTSIDE}",
        ),
        (
            ("good.pcapng", "here.pcapng", "--inside", OUTSIDE),
            f"nat here.pcapng good.pcapng --outside {OUTSIDE}",
        ),
    ],
)
def test_sides_the_wrong_way_round(
    command: Command, arguments: tuple[str, ...], right: str
) -> None:
    """Nobody reads a verdict on exchanged sides: the right command is shown instead."""
    for name, point in (("here", INSIDE), ("there", OUTSIDE)):
        packets = [packet for where, packet in GOOD if where == point]
        write(f"{name}.pcapng", capture(packets))
    said = command.refused("nat", *arguments)

    assert said.startswith("the sides are the wrong way round: ")
    assert command_of(said) == right
    assert command("nat", *right.split()[1:]).exit_code == 0


def test_exchanged_names_of_points(command: Command) -> None:
    """The names that are meant unless others are given are spelt out."""
    both = {INSIDE: OUTSIDE, OUTSIDE: INSIDE}
    write("odd.pcapng", two_points([(both[point], packet) for point, packet in GOOD]))
    said = command.refused("nat", "odd.pcapng")

    right = f"nat odd.pcapng --inside {OUTSIDE} --outside {INSIDE}"
    assert command_of(said) == right
    assert command("nat", *right.split()[1:]).exit_code == 0


def test_a_published_port_from_the_wrong_side(command: Command) -> None:
    """Destinations alone prove nothing: a warning, and a verdict."""
    asked = Packet(key=Tuple5(TCP, HOST01, 4000, HOST, 81), flags=SYN, direction=IN)
    sent = routed(asked, Tuple5(TCP, HOST01, 4000, WEB, 80))
    write("there.pcapng", capture([asked]))
    write("here.pcapng", capture([sent]))
    result = command("nat", "there.pcapng", "here.pcapng")
    fine = command("nat", "here.pcapng", "there.pcapng")

    assert (result.exit_code, fine.exit_code, fine.stderr) == (0, 0, "")
    assert " ".join(result.stderr.split()).startswith(
        "Warning: only destinations were rewritten, of flows from INSIDE: if these are "
        "published ports, the sides are the wrong way round: "
    )
    assert command_of(result.stderr) == "nat here.pcapng there.pcapng"


@pytest.mark.parametrize(
    ("demanded", "code", "usual"),
    [((), 0, 5), (("--hops", "5"), 0, 5), (("--hops", "1"), 1, 1)],
)
def test_hops(
    command: Command, demanded: tuple[str, ...], code: int, usual: int
) -> None:
    """The usual step of the ttl is said once; one that is demanded is not learned."""
    ends = [str(NAT_DATA / f"five-hops.{side}.pcap") for side in ("in", "out")]
    found = table(command, *ends, *demanded, code=code)
    text = command("nat", *ends, *demanded).stdout

    assert found["hops"] == {"usual": usual, "learned": not demanded}
    assert len(found["violations"]) == (12 if code else 0)
    assert text.count("5 between the points") == (not demanded)


@pytest.mark.parametrize(
    ("options", "code"), [((), 0), (("--idle", "61"), 1), (("--idle", "60"), 0)]
)
def test_idle(command: Command, options: tuple[str, ...], code: int) -> None:
    """A mapping that was idle for less than asked may not be replaced."""
    key = Tuple5(UDP, C1, 5000, HOST01, 53)
    before = Packet(key=key, data=b"one", ip_id=1, direction=IN)
    after = replace(before, data=b"two", ip_id=2)
    ports = [key._replace(src=HOST, sport=port) for port in (5000, 6000)]
    sides = zip(
        ("here.pcapng", "there.pcapng"),
        ([before, after], [routed(before, ports[0]), routed(after, ports[1])]),
        strict=True,
    )
    for name, packets in sides:
        frames = [
            frame._replace(ts=10**18 + number * 60 * 10**9)
            for number, frame in enumerate(capture(packets).frames())
        ]
        write(name, Capture.from_frames(frames, capture(packets).interfaces))

    result = command("nat", "here.pcapng", "there.pcapng", *options)

    assert result.exit_code == code
    assert ("rebound after 60 s idle" in result.stdout) is (code == 0)


@pytest.mark.parametrize("idle", ["-1", "2000000000", "soon"])
def test_idle_is_a_time(command: Command, idle: str) -> None:
    """What is no time is refused."""
    result = command("nat", "in.pcapng", "out.pcapng", "--idle", idle)

    assert result.exit_code == 2
