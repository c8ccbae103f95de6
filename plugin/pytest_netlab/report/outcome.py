"""What a scenario's test came to: its verdict, or the error that prevented one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_netlab.errors import CommandError, NetlabError
from pytest_netlab.report import bundle
from pytest_netlab.report.text import render
from pytest_netlab.runner import ScenarioFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.runner import Netlab, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What to report of one test.

    `text` replaces what pytest would show, "" for nothing of ours to say; `error` tells
    a broken lab or capture from a wire that differs; `unexplained` that the test failed
    by an assertion of its own, which the text does not repeat.
    """

    text: str = ""
    error: bool = False
    unexplained: bool = False
    properties: list[tuple[str, object]] = field(default_factory=list)


def of(
    error: BaseException | None, netlab: Netlab | None, *, node: str, keep: Path | None
) -> Outcome | None:
    """Return what to report; None where this plugin has nothing to say.

    Args:
        error: what the test raised, if anything.
        netlab: its fixture, None when there was no lab.
        node: the test's node id, for the next step.
        keep: folder for evidence, None to keep none.

    """
    verdict = _verdict(error, netlab)
    ours = isinstance(error, NetlabError)
    if verdict is None and not ours and (error is None or netlab is None):
        return None
    where, trouble = _keep(netlab, verdict, keep)
    broken = ours and verdict is None
    text = ""
    if verdict is not None and verdict.outcome == "fail":
        text = render(verdict, where, node)
    elif broken:
        text = f"{error}\nevidence   {where}" if where is not None else f"{error}"
    is_error = broken and not isinstance(error, CommandError)
    name = verdict.outcome if verdict else "error" if is_error else "fail"
    return Outcome(
        text=f"{text}\n{trouble}" if text and trouble else text,
        error=is_error,
        unexplained=error is not None
        and not broken
        and not isinstance(error, ScenarioFailedError),
        properties=_properties(name, netlab, where),
    )


def _verdict(error: BaseException | None, netlab: Netlab | None) -> Verdict | None:
    """Return the verdict; judge now what the test failed before it was judged."""
    if isinstance(error, ScenarioFailedError):
        return error.verdict
    if netlab is None:
        return None
    if error is not None and netlab.unjudged is not None:
        try:
            verdict = netlab.judge(netlab.unjudged)
        except Exception:  # noqa: BLE001 - the test's own error is the one to show
            return None
        return verdict if verdict.outcome == "fail" else None
    return netlab.verdict if error is None else None


def _keep(
    netlab: Netlab | None, verdict: Verdict | None, keep: Path | None
) -> tuple[Path | None, str]:
    """Write the evidence; return its folder, and why there is none if it failed."""
    if netlab is None or keep is None:
        return None, ""
    trace = netlab.trace
    try:
        where = bundle.write(
            keep / netlab.scenario.label,
            capture=trace.capture if trace is not None else None,
            verdict=verdict,
            state=netlab.state(),
        )
    except (OSError, NetlabError) as failed:  # a full disk must not hide the verdict
        return None, f"no evidence was kept: {failed}"
    return where, ""


def _properties(
    outcome: str, netlab: Netlab | None, where: Path | None
) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("netlab_outcome", outcome)]
    if where is not None:
        found.append(("netlab_evidence", str(where)))
    if netlab is not None and netlab.recorded is not None:
        found.append(("netlab_recorded", str(netlab.recorded)))
    return found
