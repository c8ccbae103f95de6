"""Fuzz `nat` and `diff` with pairs: `python tests/fuzz/fuzz_pairs.py -runs=99`.

Takes -runs=N, -max_total_time=SECONDS and -seed=N; a case is made from its number, so
that `-seed=N -runs=1` is case N once more. What is promised of every pair: no
exception, chunks teach what the whole captures do, and nothing differs from itself.
The last line is a digest of all that was found: another core's is the same. With the
core of build_sanitized.sh AddressSanitizer watches the hot loops.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_netlab.capture import Capture
    from pytest_netlab.nat import Translations

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "PYTEST_NETLAB_FUZZ_PRELOAD"
_INSIDE = "PYTEST_NETLAB_FUZZ_INSIDE"
_OPTION = re.compile(r"-(runs|max_total_time|seed)=(\d+)")
# Chunks keep one hash of what these are, and call it by the last name.
_OPTIONS = ("ip_options", "flow_label", "tcp_options", "options")
_ENOUGH = 5  # findings: the next ones are likely the same


def case(number: int) -> str:
    """Check one pair; return what was found, in words."""
    from tests.fuzz import pairs  # noqa: PLC0415 - the child's, which chooses the core

    random = Random(number)  # noqa: S311 - a case is made from its number
    seed = random.choice(pairs.seeds())
    one, other = pairs.changed(seed, random), pairs.changed(seed, random)
    other = other if random.random() < 1 / 4 else seed
    return f"{_learned(one, random)}\n{_compared(other, one)}"


def _learned(capture: Capture, random: Random) -> str:
    """Learn from both points, whole and in chunks; write whatever `nat` writes."""
    from tests.traffic import INSIDE, OUTSIDE  # noqa: PLC0415

    from pytest_netlab.cli.output import rendered  # noqa: PLC0415
    from pytest_netlab.nat import learn, read_schedule  # noqa: PLC0415
    from pytest_netlab.report import annotate, translations  # noqa: PLC0415

    ends = capture.at(INSIDE), capture.at(OUTSIDE)
    if random.random() < 1 / 8:
        ends = ends[1], ends[0]
    found = learn(*ends)
    size, read_schedule._STEP = (
        random.choice((1, 3, 16, 64)),
        random.choice((5, 20, 1 << 16)),
    )
    streamed = learn(*(_chunks(end, size) for end in ends))
    assert _told(found) == _told(streamed), "chunks teach something else"
    len(annotate.of_translations(*ends, found))
    written = [*translations.to_json(found), translations.to_csv(found)]
    rendered(translations.to_table(found))
    return "".join(written)


def _compared(want: Capture, got: Capture) -> str:
    """Compare two captures, and each with itself; write whatever `diff` writes."""
    from pytest_netlab.diff import compare  # noqa: PLC0415
    from pytest_netlab.report import annotate, differences  # noqa: PLC0415
    from pytest_netlab.trace import canonicalize  # noqa: PLC0415

    names = {**got.names, **want.names}
    traces = [canonicalize(one, names=names) for one in (want, got)]
    for trace in traces:
        assert compare(trace, trace, None) == [], "a trace differs from itself"
    found = compare(traces[0], traces[1], None)
    len(annotate.of_differences(got, traces[1], found, ("docker0", "uplink")))
    text = [*differences.to_json(found), *differences.to_text(found)]
    return "".join([*text, traces[1].text("case"), differences.to_csv(found)])


def _chunks(whole: Capture, size: int) -> Iterator[Capture]:
    for first in range(0, len(whole), size):
        yield whole.select(range(first, min(first + size, len(whole))))


def _told(found: Translations) -> tuple[list[Any], list[Any]]:
    """Return what chunks tell as well: no rows, no options of what is but alike."""
    flows = [
        flow._replace(pairs=(), inside_rows=(), outside_rows=()) for flow in found.flows
    ]
    bad = [one for one in found.violations if one.field not in _OPTIONS]
    return sorted(flows, key=str), sorted(bad, key=str)


def fuzz(options: dict[str, int]) -> int:
    """Check case after case in this process; return how many were not as promised."""
    digest, findings, done = hashlib.sha256(), 0, 0
    end = monotonic() + options["max_total_time"] if options["max_total_time"] else None
    number = options["seed"]
    while done < options["runs"] if options["runs"] else True:
        if findings >= _ENOUGH or (end is not None and monotonic() > end):
            break
        sys.stdout.write(f"case {number}\r")  # the last one, if the process dies of it
        sys.stdout.flush()
        try:
            digest.update(case(number).encode(errors="replace"))
        except Exception:  # noqa: BLE001 - each is a finding
            findings += 1
            sys.stdout.write(f"case {number} failed:\n{traceback.format_exc()}\n")
        number, done = number + 1, done + 1
    sys.stdout.write(f"fuzz: {done} pairs, {findings} findings\n{digest.hexdigest()}\n")
    return 1 if findings else 0


def main(argv: list[str]) -> int:
    """Fuzz in a process of its own, which a sanitizer may end."""
    env = {**os.environ, _INSIDE: "1"}
    if library := env.get(LIBRARY):
        env["LD_PRELOAD"] = library
    return subprocess.run(
        [sys.executable, __file__, *argv], env=env, check=False
    ).returncode


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if os.environ.get(_INSIDE):
        known = [_OPTION.fullmatch(argument) for argument in sys.argv[1:]]
        named = {found[1]: int(found[2]) for found in known if found}
        sys.exit(fuzz({"runs": 0, "max_total_time": 0, "seed": 1, **named}))
    sys.exit(main(sys.argv[1:]))
