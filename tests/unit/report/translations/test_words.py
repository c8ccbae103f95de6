"""Words for values."""

from __future__ import annotations

import pytest
from tests.traffic import C1, HOST01
from tests.unit.report.translations.handmade import KEY, flow

from pytest_netlab.flows import ICMP, Tuple5
from pytest_netlab.nat.translations import Delay
from pytest_netlab.report.translations import words


def test_packets() -> None:
    """How many crossed is counted, or the number of pairs."""
    assert words.crossed(flow()) == 2
    assert words.crossed(flow()._replace(packets=7)) == 7


def test_ends() -> None:
    """Ports where there are some, an id for an echo."""
    assert words.ends(KEY) == f"{C1}:4000 -> {HOST01}:80"
    assert words.ends(Tuple5(ICMP, C1, 7, HOST01, 7)) == f"{C1} -> {HOST01} id 7"
    assert words.ends(Tuple5(47, C1, 0, HOST01, 0)) == f"{C1} -> {HOST01}"
    assert words.ends(None) == ""


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([4], "4"),
        ([4, 5], "4-5"),
        ([4, 7, 8, 9, 11], "4, 7-9, 11"),
        (
            list(range(1, 31, 2)),
            "1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, and 3 more",
        ),
    ],
)
def test_numbers_of_packets(numbers: list[int], text: str) -> None:
    """Packets in a row are one range; of very many ranges the rest is counted."""
    assert words.packets(numbers) == text


def test_octets() -> None:
    """A range has its length beside it; of very many ranges the rest is counted."""
    many = [(10 * at, 10 * at) for at in range(14)]

    assert words.octets([(2897, 4344), (9, 9)]) == "2897-4344 (1,448), 9 (1)"
    assert words.octets(many).endswith("110 (1), and 2 more ranges")


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (850, "850 ns"),
        (-1_500, "-1.50 us"),
        (62_130, "62.1 us"),
        (999_999, "1,000 us"),
        (1_200_000, "1.20 ms"),
        (61_000_000_000, "61.0 s"),
        (18_000_000_000_000, "18,000 s"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    """A duration has three digits, in the unit that suits it."""
    assert words.duration(ns) == text


@pytest.mark.parametrize(
    ("delay", "text"),
    [
        (Delay(62_100, 70_000, 900_000), "62.1/70.0/900 us"),
        (Delay(0, 0, 600_000), "0/0/600 us"),
        (Delay(0, 0, 0), "0/0/0 ns"),
        (Delay(-5, 70_000, 3_000_000), "-5 ns / 70.0 us / 3.00 ms"),
    ],
)
def test_delays(delay: Delay, text: str) -> None:
    """One unit where it suits all three."""
    assert words.delay(delay) == text


@pytest.mark.parametrize(
    ("ns", "text"), [(61_400_000_000, "61 s"), (520_000_000, "0.52 s")]
)
def test_idle_times(ns: int, text: str) -> None:
    """Idle times are compared with timeouts, which are seconds."""
    assert words.seconds(ns) == text


def test_moments() -> None:
    """A time can be compared with what tcpdump -tttt prints under TZ=UTC."""
    assert words.moment(1_700_000_000_123_456_789) == "2023-11-14 22:13:20.123456"


def test_periods() -> None:
    """A capture over midnight has both dates."""
    first, second = 1_700_000_000_000_000_000, 10**9

    assert words.period(first, first + second) == (
        "2023-11-14 22:13:20.000000 to 22:13:21.000000 UTC"
    )
    assert words.period(first, first + 7200 * second) == (
        "2023-11-14 22:13:20.000000 to 2023-11-15 00:13:20.000000 UTC"
    )
