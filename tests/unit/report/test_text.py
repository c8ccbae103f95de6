"""The failure text: flow, direction and cause lead; then fields, host, evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.hosts import changed

from pytest_netlab.causes import Cause
from pytest_netlab.diff import Difference
from pytest_netlab.judge import Verdict
from pytest_netlab.layout import folded
from pytest_netlab.report import render
from pytest_netlab.report.next_steps import Commands, NextSteps
from pytest_netlab.report.text import SHOWN
from pytest_netlab.trace import CanonicalTrace

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.host import HostChange

FLOW = "icmp echo c1 -> host01"
CAUSE = Cause("leaked", FLOW, "c1 left on the uplink with its own address")
SOURCE = Difference(
    flow=FLOW,
    direction="original",
    point="uplink",
    packet=2,
    field="source",
    want="host",
    got="c1",
    cause=CAUSE,
)
MISSING = replace(
    SOURCE,
    direction="reply",
    packet=None,
    field="packet",
    want="a reply",
    got="nothing",
)
STEPS = NextSteps(commands=Commands(again="pytest it", update="pytest --update it"))
NEXT = """\
next step  if the lab's host is wrong, mend what set it up (the test, conftest.py, or \
options of the engine), and run again:
             pytest it
           if it is right as it is, record it, and review its story.txt:
             pytest --update it"""


def verdict(*differences: Difference, host: HostChange | None = None) -> Verdict:
    """Return a failure with these differences."""
    return Verdict(
        scenario="ping-beyond",
        outcome="fail",
        observed=CanonicalTrace((), ()),
        differences=differences,
        host=host or changed(),
    )


def test_whole() -> None:
    """Without evidence the text is cause, flow, fields and what to do next."""
    assert render(verdict(SOURCE, MISSING), steps=STEPS) == (
        f"""\
ping-beyond FAILED: leaked

flow       icmp echo c1 -> host01, original and reply direction
cause      leaked: c1 left on the uplink with its own address
  source (original, packet 2 at uplink)
    expected  host
    actual    c1
  packet (reply, at uplink)
    expected  a reply
    actual    nothing

{NEXT}"""
    )


def test_without_a_cause() -> None:
    """Where no rule knows the cause the first field stands for it."""
    text = render(verdict(replace(SOURCE, cause=None)))

    assert text.startswith("ping-beyond FAILED: source differs\n")
    assert "\ncause " not in text


def test_flows_apart() -> None:
    """Each flow has its own paragraph, whatever the order of differences."""
    other = replace(SOURCE, flow="tcp host01 -> host:81", cause=None)
    text = render(verdict(SOURCE, other, MISSING))

    assert text.count("\nflow ") == 2
    assert text.index("a reply") < text.index("tcp host01")


def test_long_cause() -> None:
    """A cause is one line, which a terminal folds under its label."""
    long = replace(CAUSE, text="this rule is gone: " + "-A POSTROUTING --long " * 9)
    text = render(verdict(replace(SOURCE, cause=long)))

    (line,) = [line for line in text.splitlines() if line.startswith("cause")]
    first, *others = folded(line, 60)
    assert first.startswith("cause      ")
    assert {other[:11] for other in others} == {" " * 11}
    assert " ".join((first, *map(str.strip, others))) == line.rstrip()


@pytest.mark.parametrize("extra", [0, 1, 5])
def test_many_differences(extra: int) -> None:
    """Of many differences the first are shown, the rest counted."""
    text = render(verdict(*[SOURCE] * (SHOWN + extra)))

    assert text.count("expected ") == SHOWN
    assert (f"... and {extra} more" in text) is bool(extra)


def test_host() -> None:
    """What differs of the host follows: settings, then rules as a diff."""
    host = changed(
        missing=("nat -A a",),
        extra=("nat -A b",),
        settings={"engine": ("27", "28"), "backend": ("legacy", "nf_tables")},
    )
    was = {"engine": "27", "kernel": "6.18", "backend": "legacy"}

    found = replace(verdict(SOURCE, host=host), recorded_on=was)

    assert render(found, steps=STEPS).endswith(
        f"""\
this host differs from the one the golden was recorded on
  recorded on engine 27, kernel 6.18; here engine 28
  backend: legacy then, nf_tables here
  - nat -A a
  + nat -A b

{NEXT}"""
    )


def test_evidence(tmp_path: Path) -> None:
    """The evidence is named with its files, in order."""
    for name in ("story.txt", "capture.pcapng"):
        (tmp_path / name).touch()

    assert render(verdict(SOURCE), tmp_path).endswith(
        f"evidence   {tmp_path}\n           capture.pcapng, story.txt"
    )
