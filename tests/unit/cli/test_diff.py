"""`pytest-netlab diff`: two captures, by what they tell."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import (
    BRIDGE,
    C1,
    HOST01,
    IN,
    INSIDE,
    OUTSIDE,
    Packet,
    capture,
    routed,
    two_points,
)
from tests.unit.cli.conftest import ASKED, BAD, GET, GOOD

from pytest_netlab.capture import Capture, read, write
from pytest_netlab.flows import UDP, Tuple5
from pytest_netlab.invocation import current
from pytest_netlab.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Command

ARGUMENTS = "diff", "good.pcapng", "bad.pcapng"


@pytest.fixture
def golden(command: Command) -> Path:
    """Return the folder of a golden that says `GOOD`."""
    about = {"description": "", "provenance": {}}
    folder, _ = Store(command.folder).save("it", two_points(GOOD), about)
    return folder


def test_same(command: Command) -> None:
    """Exit code 0, and how much was compared."""
    result = command("diff", "good.pcapng", "good.pcapng")

    assert (result.exit_code, result.stdout) == (0, "same: 1 flow\n")


def test_same_in_symbols(command: Command) -> None:
    """Another host's addresses, another run's ports: the same story."""
    names = {f"10.9.9.{n}": name for n, name in enumerate(("c1", "host", "host01"))}
    addresses = {C1: "10.9.9.0", "172.16.211.128": "10.9.9.1", HOST01: "10.9.9.2"}
    elsewhere = [(point, _moved(packet, addresses)) for point, packet in GOOD]
    write("elsewhere.pcapng", two_points(elsewhere, names))

    assert command("diff", "good.pcapng", "elsewhere.pcapng").exit_code == 0


def _moved(packet: Packet, addresses: dict[str, str]) -> Packet:
    src, dst = addresses[packet.key.src], addresses[packet.key.dst]
    return replace(packet, key=packet.key._replace(src=src, dst=dst))


def test_text(command: Command) -> None:
    """Flow, direction and cause lead; then expected and actual of each field."""
    result = command(*ARGUMENTS)

    assert result.exit_code == 1
    assert result.stdout == (
        """\
flow       tcp c1 -> host01:80, original direction
cause      header changed: ttl 62 instead of 63 after 64 at docker0; ttl 62 instead of \
63 at uplink; look at the mangle table, and at nft rules that `set` a field
  ttl (original, packet 5 at docker0)
    expected  63 after 64
    actual    62
  ttl (original, packet 6 at uplink)
    expected  63
    actual    62

flow       udp c2 -> host01:53, original direction
cause      unexpected flow: nothing like it is expected: c2 -> host01:53 (none, \
dropped, unanswered)
  conversation (original, packet 7 at docker0)
    expected  nothing
    actual    a conversation

3 differences in 2 flows
"""
    )


def test_json(command: Command) -> None:
    """A list of typed differences."""
    result = command(*ARGUMENTS, "--json")
    found = json.loads(result.stdout)

    assert result.exit_code == 1
    assert found[1].pop("cause")["name"] == "header changed"
    assert found[1] == {
        "flow": "tcp c1 -> host01:80",
        "direction": "original",
        "point": "uplink",
        "packet": 6,
        "field": "ttl",
        "want": "63",
        "got": "62",
    }
    assert found[2]["cause"]["name"] == "unexpected flow"


def test_json_of_the_same(command: Command) -> None:
    """No difference is an empty list."""
    result = command("diff", "--json", "good.pcapng", "good.pcapng")

    assert json.loads(result.stdout) == []


def test_csv(command: Command) -> None:
    """The same values under a header line; a cause is its name and text."""
    rows = list(csv.DictReader(command(*ARGUMENTS, "--csv").stdout.splitlines()))

    assert [row["field"] for row in rows] == ["ttl", "ttl", "conversation"]
    assert (rows[1]["want"], rows[1]["got"]) == ("63", "62")
    assert rows[1]["cause"].startswith("header changed: ttl 62")
    assert rows[2]["cause"].startswith("unexpected flow: nothing like it")


STRANGERS = "10.0.0.5", "10.0.0.6"


def _between(src: str, dst: str, ttl: int = 64) -> list[tuple[str, Packet]]:
    """Return a query of one address and how the host sends it on, with some ttl."""
    key = Tuple5(UDP, src, 4000, dst, 53)
    ask = Packet(key=key, data=b"ask", ip_id=1, direction=IN)
    return [(INSIDE, ask), (OUTSIDE, replace(routed(ask, key), ttl=ttl - 1))]


@pytest.mark.parametrize(
    "named",
    [
        (),
        [*GOOD],  # what has names is the same
        _between(STRANGERS[1], "192.0.2.1"),  # one end of many
    ],
)
def test_addresses_without_names(
    command: Command, named: list[tuple[str, Packet]]
) -> None:
    """What nobody named is not compared: it is not called the same, but listed."""
    for name, ttl in (("a", 64), ("b", 60)):
        write(f"{name}.pcapng", two_points([*named, *_between(*STRANGERS, ttl)]))

    for pair in (("a", "b"), ("a", "a")):
        result = command("diff", *(f"{name}.pcapng" for name in pair))
        assert (result.exit_code, result.stdout) == (2, "")
        assert "nothing differs in what was compared, but " in result.stderr
        assert "udp 10.0.0.5.4000 > 10.0.0.6.53" in result.stderr
        assert all(f"--name {one}=NAME" in result.stderr for one in STRANGERS)


def test_addresses_named_by_option(command: Command) -> None:
    """A name for one end is enough; the other end stays an address."""
    for name, ttl in (("a", 64), ("b", 60)):
        write(f"{name}.pcapng", two_points(_between(*STRANGERS, ttl)))
    option = ("--name", "10.0.0.5=db")

    assert command("diff", "a.pcapng", "a.pcapng", *option).stdout == "same: 1 flow\n"
    result = command("diff", "a.pcapng", "b.pcapng", *option)
    assert result.exit_code == 1
    assert "flow       udp db -> addr#1:53, original direction" in result.stdout


def test_unnamed_beside_differences(command: Command) -> None:
    """Where something differs, what was left out is listed all the same."""
    write("b.pcapng", two_points([*BAD, *_between(*STRANGERS)]))

    result = command("diff", "good.pcapng", "b.pcapng")

    assert result.exit_code == 1
    assert "0 conversations of the golden and 1 of the observed" in result.stderr


def test_unnamed_beside_a_golden(command: Command, golden: Path) -> None:
    """A golden says what matters: traffic of strangers is listed, and no difference."""
    write("noisy.pcapng", two_points([*GOOD, *_between(*STRANGERS)]))
    write("noise.pcapng", two_points(_between("10.0.0.5", "224.0.0.251")))

    result = command("diff", str(golden), "noisy.pcapng")

    assert (result.exit_code, result.stdout) == (0, "same: 1 flow\n")
    assert "udp 10.0.0.5.4000 > 10.0.0.6.53" in result.stderr
    assert "left out" not in command("diff", "noise.pcapng", "noise.pcapng").stderr


def test_unnamed_golden(command: Command) -> None:
    """A golden of nothing but strangers compares nothing."""
    about = {"description": "", "provenance": {}}
    folder, _ = Store(command.folder).save(
        "strangers", two_points(_between(*STRANGERS)), about
    )
    write("b.pcapng", two_points(_between(*STRANGERS, 60)))

    assert command("diff", str(folder), "b.pcapng").exit_code == 2


@pytest.mark.parametrize("text", ["10.0.0.5", "10.0.0.5=", "db=10.0.0.5", "=", ""])
def test_bad_name(command: Command, text: str) -> None:
    """A name without an address, or an address without one, is refused."""
    result = command("diff", "good.pcapng", "good.pcapng", "--name", text)

    assert result.exit_code == 2
    assert f"--name {text}: it is ADDRESS=NAME" in result.stderr


def test_standard_input(command: Command, whole: bytes) -> None:
    """Either may come from a pipe."""
    got = command("diff", "good.pcapng", "-", given=whole)
    want = command("diff", "-", "good.pcapng", given=whole)

    assert got.stdout == command(*ARGUMENTS).stdout
    assert want.exit_code == 1


def test_golden_folder(command: Command, golden: Path) -> None:
    """A golden is a folder."""
    result = command("diff", str(golden), "bad.pcapng")

    assert result.stdout == command(*ARGUMENTS).stdout
    assert command("diff", str(golden), str(golden)).exit_code == 0


def test_golden_from_within(
    command: Command, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A golden's name is its folder's, however the folder is written."""
    monkeypatch.chdir(golden)

    assert command("diff", ".", "../good.pcapng").exit_code == 0


def test_goldens_policy_applies(command: Command, golden: Path) -> None:
    """What a golden leaves open is not compared, unless --policy says otherwise."""
    toml = golden / "golden.toml"
    toml.write_text(toml.read_text().replace("\n[policy]", '\n[policy]\nttl = "any"'))
    (command.folder / "strict.toml").write_text("")
    write("low.pcapng", two_points([(p, replace(k, ttl=k.ttl - 9)) for p, k in GOOD]))
    arguments = "diff", str(golden), "low.pcapng"

    assert command(*arguments).exit_code == 0
    assert command(*arguments, "--policy", "strict.toml").exit_code == 1


@pytest.mark.parametrize(
    "text",
    ['ttl = "any"', '[policy]\nttl = "any"', 'format = 1\n[policy]\nttl = "any"'],
)
def test_policy(command: Command, text: str) -> None:
    """A policy file holds the table, names it, or is a golden.toml."""
    (command.folder / "p.toml").write_text(text)
    write("low.pcapng", two_points([(p, replace(k, ttl=k.ttl - 9)) for p, k in GOOD]))

    assert command("diff", "good.pcapng", "low.pcapng").exit_code == 1
    assert (
        command("diff", "good.pcapng", "low.pcapng", "--policy", "p.toml").exit_code
        == 0
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('tll = "any"', "p.toml: unknown field 'tll' in [policy]; known are: check"),
        ('ttl = "some"', "p.toml: unknown rule for ttl 'some' in [policy]; known are"),
        ("ttl =", "p.toml: cannot read it: "),
        ('extra = 1\n[policy]\nttl = "any"', "p.toml: unknown field 'extra' in [pol"),
    ],
)
def test_bad_policy(command: Command, text: str, message: str) -> None:
    """A policy that would not do what it seems to is refused."""
    (command.folder / "p.toml").write_text(text)

    assert command.refused(*ARGUMENTS, "--policy", "p.toml").startswith(message)


def test_damaged_golden(command: Command, golden: Path) -> None:
    """A golden that contradicts itself is no measure: exit code 2."""
    (golden / "story.txt").write_text("edited")

    assert "is generated, never edited" in " ".join(
        command.refused("diff", str(golden), "good.pcapng").split()
    )


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("side", [1, 2])
def test_damage(command: Command, side: int) -> None:
    """No verdict on half a capture."""
    arguments = list(ARGUMENTS)
    arguments[side] = "cut.pcapng"

    text = command.refused(*arguments)

    assert text.startswith("cut.pcapng: the file ends inside a block (at byte ")
    assert text.endswith(
        f"; `{current().netlab} show cut.pcapng` prints the packets before it"
    )


def test_without_names(command: Command) -> None:
    """A capture without names takes the other's; two of them go by their addresses."""
    write("dropped.pcapng", two_points(BAD, names={}))
    shared = command("diff", "good.pcapng", "plain.pcapng")
    literal = command("diff", "plain.pcapng", "dropped.pcapng")

    assert shared.stdout == "same: 1 flow\n"
    assert literal.exit_code == 1
    assert f"tcp {C1} -> {HOST01}:80, original direction" in literal.stdout


def test_nobody_the_golden_knows(command: Command) -> None:
    """A capture of another host without names cannot be held against a golden."""
    addresses = {C1: "10.9.9.0", "172.16.211.128": "10.9.9.1", HOST01: "10.9.9.2"}
    elsewhere = [(point, _moved(packet, addresses)) for point, packet in GOOD]
    write("elsewhere.pcapng", two_points(elsewhere, {}))

    assert "names no address" in command.refused(
        "diff", "good.pcapng", "elsewhere.pcapng"
    )


@pytest.mark.parametrize("names", [("", ""), ("eth0", "eth0"), ("eth0", "")])
def test_one_interface_each(command: Command, names: tuple[str, str]) -> None:
    """A capture of one interface is the inside, whatever that is called."""
    for file, name in zip("ab", names, strict=True):
        _single(f"{file}.pcapng", name, [ASKED, GET])
    _single("c.pcapng", names[1], [ASKED, replace(GET, ttl=9)])
    same = command("diff", "a.pcapng", "b.pcapng")
    other = command("diff", "a.pcapng", "c.pcapng")

    assert (same.exit_code, same.stdout) == (0, "same: 1 flow\n")
    assert other.exit_code == 1
    assert f"ttl (original, packet 2 at {names[0] or 'inside'})" in other.stdout


def _single(file: str, name: str, packets: list[Packet]) -> None:
    seen = capture(packets)
    known = [replace(seen.interfaces[0], name=name)]
    write(file, Capture.from_frames(seen.frames(), known))


def test_points_do_not_match(command: Command) -> None:
    """What one point saw cannot be compared with what two did."""
    _single("one.pcapng", "", [ASKED, GET])

    assert command.refused("diff", "good.pcapng", "one.pcapng") == (
        "capture points do not match: the golden has docker0, uplink, the observed "
        "capture one without a name; name them with --inside, --outside"
    )


def test_points_are_named(command: Command) -> None:
    """Options name the interfaces of whichever capture has them."""
    names = {INSIDE: "br0", OUTSIDE: "ens33"}
    renamed = [(names[point], packet) for point, packet in BAD]
    write("named.pcapng", two_points(renamed, points=("br0", "ens33")))
    options = "--inside", "br0", "--outside", "ens33"

    assert command("diff", "good.pcapng", "named.pcapng", *options).stdout == (
        command(*ARGUMENTS).stdout
    )
    assert command.refused(*ARGUMENTS, "--inside", "br0") == (
        "no interface 'br0' in either capture: --inside is one of docker0, uplink"
    )


def test_one_interface_is_not_two_sides(command: Command) -> None:
    """Both options cannot name the same interface."""
    result = command(*ARGUMENTS, "--inside", "uplink", "--outside", "uplink")

    assert result.exit_code == 2
    assert "are two interfaces" in result.stderr


def test_losses_are_not_the_same(command: Command) -> None:
    """A capture that lost packets cannot show that nothing differs."""
    seen = two_points(GOOD)
    lossy = [replace(known, dropped=3) for known in seen.interfaces]
    write("lossy.pcapng", Capture.from_frames(seen.frames(), lossy, seen.names))

    assert command.refused("diff", "good.pcapng", "lossy.pcapng") == (
        "nothing differs, but the observed capture lost 6 packets: capture again, with "
        "a larger buffer"
    )
    assert command("diff", "bad.pcapng", "lossy.pcapng").exit_code == 1


def test_nothing_is_not_the_same(command: Command) -> None:
    """Two captures without a conversation prove nothing, unless a golden says so."""
    quiet = two_points([(INSIDE, replace(GET, key=GET.key._replace(src=BRIDGE)))])
    write("empty.pcapng", two_points([]))
    write("quiet.pcapng", two_points([(INSIDE, b"frame"), (OUTSIDE, b"frame")]))
    about = {"description": "", "provenance": {}}
    Store(command.folder).save("silence", read("quiet.pcapng"), about)
    text = "nothing was compared in either capture; "

    assert quiet.names
    assert command.refused("diff", "empty.pcapng", "empty.pcapng") == (
        f"{text}there is no packet"
    )
    for pair in (("quiet.pcapng", "quiet.pcapng"), ("silence", "empty.pcapng")):
        said = command.refused("diff", *pair)
        assert said.startswith(f"{text}not compared: packets of the golden: 2 not IP")
    assert command("diff", "silence", "quiet.pcapng").exit_code == 0


def test_input_is_never_overwritten(command: Command, golden: Path) -> None:
    """--write-diff onto a capture that is read would destroy it."""
    target = str(golden / "capture.pcapng")
    result = command("diff", str(golden), "bad.pcapng", "--write-diff", target)

    assert result.exit_code == 2
    assert "needs a file of its own" in result.stderr


def test_help_teaches(command: Command) -> None:
    """--help has a line to copy."""
    assert "\n  pytest-netlab diff " in command("diff", "--help").stdout
