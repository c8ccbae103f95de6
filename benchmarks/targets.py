"""What pytest-netlab promises of its speed, as ratios to peers of the same round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from timing import Sample

    Round = Mapping[str, Sample]
    Measure = Callable[[Round], float]

# What decodes into Python: the fastest of them is the one to beat.
INTO_PYTHON = ("struct", "dpkt", "scapy", "pypacker", "fpcap + struct")
INTO_PYTHON += ("cypcap + struct", "py-pcapplusplus")
EXPONENT, PEAK, FLAT = 1.10, 400.0, 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A limit for what is measured in each round; the median counts."""

    name: str
    limit: float
    measure: Measure
    at_most: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a target; `got` is None where a peer is missing."""

    name: str
    limit: float
    at_most: bool
    got: float | None

    @property
    def met(self) -> bool | None:
        """Tell whether the limit was kept; None where nothing was measured."""
        if self.got is None:
            return None
        return self.got <= self.limit if self.at_most else self.got >= self.limit


def faster(ours: str, *peers: str) -> Measure:
    """Measure how many times the packets a second of the fastest of these peers."""

    def measure(one: Round) -> float:
        rates = [one[peer].rate for peer in peers if peer in one]
        if not rates:
            raise KeyError(peers)
        return one[ours].rate / max(rates)

    return measure


def slower(ours: str, peer: str) -> Measure:
    """Measure how many times the time of this peer for the same packets."""
    return lambda one: one[ours].seconds / one[peer].seconds


def rate(ours: str) -> Measure:
    """Measure millions of packets a second."""
    return lambda one: one[ours].rate / 1e6


def fact(ours: str, name: str) -> Measure:
    """Take what the task itself said."""
    return lambda one: (one[ours].facts or {})[name]


def _least(name: str, limit: float, measure: Measure) -> Target:
    return Target(name=name, limit=limit, measure=measure)


TARGETS = (
    _least("decode pcap: x dpkt", 250, faster("decode", "dpkt")),
    _least("decode pcap: x fastest into Python", 30, faster("decode", *INTO_PYTHON)),
    _least(
        "decode pcap: x tcpdump -r F -w /dev/null",
        2.5,
        faster("decode", "tcpdump -r F -w /dev/null"),
    ),
    Target(
        name="decode pcap: time, x cat F",
        limit=1.6,
        measure=slower("decode", "cat F"),
        at_most=True,
    ),
    _least("decode pcapng: x dpkt", 150, faster("decode pcapng", "dpkt pcapng")),
    _least("decode all: x dpkt", 100, faster("decode all", "dpkt")),
    _least("nat --json: x dpkt dict diff", 100, faster("nat --json", "dpkt dict diff")),
    _least("nat --json: x tcpdump -nr F", 10, faster("nat --json", "tcpdump -nr F")),
    _least("learn: million pairs a second", 2.5, rate("learn")),
    _least("learn: x masked-bytes diff", 40, faster("learn", "masked-bytes diff")),
    _least("interpreted decode: x dpkt", 1, faster("decode interpreted", "dpkt")),
    _least("pairing: precision", 0.99999, fact("quality", "precision")),
    _least("pairing: recall", 0.99999, fact("quality", "recall")),
    _least("headers: precision", 0.9997, fact("quality of headers", "precision")),
    _least("headers: recall", 0.9997, fact("quality of headers", "recall")),
)


def judge(rounds: Sequence[Round]) -> list[Outcome]:
    """Return what came of each target."""
    return [
        Outcome(
            name=one.name,
            limit=one.limit,
            at_most=one.at_most,
            got=_median(one.measure, rounds),
        )
        for one in TARGETS
    ]


def _median(measure: Measure, rounds: Sequence[Round]) -> float | None:
    got = []
    for one in rounds:
        try:
            got.append(measure(one))
        except KeyError:  # a peer is not installed, or this is not in every round
            continue
    return statistics.median(got) if got else None
