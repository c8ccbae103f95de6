"""Words for values: protocols, ends of a flow, ranges of numbers, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_netlab.flows import ICMP, ICMP6, PROTOCOL_NAMES, WITH_PORTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_netlab.flows import Tuple5
    from pytest_netlab.nat.translations import Delay, Flow

US, MS, S = 1000, 1000**2, 1000**3  # in ns
_MOST_RANGES = 12  # that one cell of a table has
_DIGITS = 3


def protocol(number: int) -> str:
    """Return a protocol's name, or its number if it is not in `PROTOCOL_NAMES`."""
    return PROTOCOL_NAMES.get(number, str(number))


def name(key: Tuple5 | None) -> str:
    """Return the name of a flow's protocol."""
    return protocol(key.proto if key else 0)


def is_paired(flow: Flow) -> bool:
    """Return whether both sides saw a flow."""
    return flow.inside is not None and flow.outside is not None


def crossed(flow: Flow) -> int:
    """Return how many of a flow's packets were seen on both sides."""
    return flow.packets or len(flow.pairs)


def ends(key: Tuple5 | None) -> str:
    """Return a flow's source and destination."""
    if key is None:
        return ""
    if key.proto in WITH_PORTS:
        return f"{end(key.src, key.sport)} -> {end(key.dst, key.dport)}"
    ident = f" id {key.sport}" if key.proto in (ICMP, ICMP6) else ""
    return f"{key.src} -> {key.dst}{ident}"


def end(address: str, port: int) -> str:
    """Return address and port as text."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def direction(*, reply: bool) -> str:
    """Return the direction of packets, in conntrack's words."""
    return "reply" if reply else "original"


def count(number: int, thing: str) -> str:
    """Return a number of things, such as `1 packet` and `1,448 packets`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending numbers as first and last of each run."""
    if not numbers:
        return []
    every = np.asarray(numbers)
    breaks = np.flatnonzero(np.diff(every) != 1)
    firsts = every[np.concatenate(([0], breaks + 1))].tolist()
    lasts = every[np.concatenate((breaks, [len(every) - 1]))].tolist()
    return list(zip(firsts, lasts, strict=True))


def packets(numbers: Sequence[int]) -> str:
    """Return numbers of packets as ranges: `4, 7-9`; of very many, how many more."""
    runs = ranges(numbers)
    texts = [_run(first, last) for first, last in runs[:_MOST_RANGES]]
    more = sum(last - first + 1 for first, last in runs[_MOST_RANGES:])
    return ", ".join([*texts, *([f"and {more:,} more"] if more else [])])


def octets(pieces: Sequence[tuple[int, int]]) -> str:
    """Return ranges of octets, each with its length: `2897-4344 (1,448)`."""
    texts = [
        f"{_run(first, last)} ({last - first + 1:,})"
        for first, last in pieces[:_MOST_RANGES]
    ]
    more = len(pieces) - _MOST_RANGES
    return ", ".join([*texts, *([f"and {more:,} more ranges"] if more > 0 else [])])


def moment(ns: int) -> str:
    """Return a time (ns since 1970) to the microsecond, in UTC."""
    text = str(np.datetime_as_string(np.datetime64(ns, "ns"), unit="us"))
    return text.replace("T", " ")


def period(first: int, last: int) -> str:
    """Return two times in UTC; the date is given once if it is the same."""
    begin, close = moment(first), moment(last)
    day = len("2023-11-14 ")
    until = close[day:] if begin[:day] == close[:day] else close
    return f"{begin} to {until} UTC"


def duration(ns: int) -> str:
    """Return a duration in the unit that suits it, with three digits or so."""
    return _in_unit(ns, _unit(ns))


def delay(known: Delay) -> str:
    """Return minimum, median and maximum, with one unit if it suits all three."""
    units = {_unit(ns) for ns in known if ns} or {1}
    if len(units) > 1:
        return " / ".join(map(duration, known))
    (unit,) = units
    return f"{'/'.join(_digits(ns, unit) for ns in known)} {_UNITS[unit]}"


def seconds(ns: int) -> str:
    """Return how long something was idle, in seconds: whole ones from 10 on."""
    return f"{ns / S:,.0f} s" if abs(ns) >= 10 * S else f"{ns / S:.3g} s"


_UNITS = {1: "ns", US: "us", MS: "ms", S: "s"}


def _unit(ns: int) -> int:
    return max(unit for unit in _UNITS if unit <= max(abs(ns), 1))


def _in_unit(ns: int, unit: int) -> str:
    return f"{_digits(ns, unit)} {_UNITS[unit]}"


def _digits(ns: int, unit: int) -> str:
    """Return a number with three digits: 1.23, 12.3, 123."""
    whole = len(str(abs(ns) // unit))
    places = 0 if unit == 1 or not ns else max(0, _DIGITS - whole)
    return f"{ns / unit:,.{places}f}"


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
