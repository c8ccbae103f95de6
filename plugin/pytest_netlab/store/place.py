"""Check where a proposed golden may be recorded: in its scenario's folder only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_netlab.errors import GoldenError
from pytest_netlab.spec import ID
from pytest_netlab.store import files

if TYPE_CHECKING:
    from pathlib import Path

_VARIANT = re.compile(r"[^\W_][\w.=-]*")


def place(root: Path, target: Path, scenario: str) -> Path:
    """Return the folder that a proposal names, if it may be recorded there.

    Args:
        root: the folder of goldens.
        target: the folder of the golden, as the proposal names it.
        scenario: the scenario, as the proposal names it.

    Raises:
        GoldenError: with links resolved, it is neither <root>/<scenario> nor a variant
            in it, or what is there is no golden of the scenario.

    """
    if not ID.fullmatch(scenario):
        text = f"its scenario {scenario[:80]!r} is no id: lower case, digits and -"
        raise GoldenError(text)
    try:
        found, home = target.resolve(), root.resolve() / scenario
        is_there = found.exists()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a zero byte
        raise GoldenError(f"it is for no folder there can be: {error}") from error
    variant = found.parent == home and _VARIANT.fullmatch(found.name)
    if found != home and not variant:
        raise GoldenError(
            f"it is for {found}, and the golden of {scenario} is {home}: name the "
            "folder of your goldens with --golden, or reject it"
        )
    if is_there:
        files.read_toml(found / files.TOML, scenario)
    return found
