"""How pytest was started: its script, its arguments, and which of them say what it is.

Those are repeated in the command lines that a run prints; what selects tests is not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_netlab.plugin import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

STARTED = "netlab_started"  # in a worker's input: how its controller was started
SHORT = ("-o", "-p")
FILES = (  # which files pytest reads; `pytest-netlab run` decides that itself
    "-c",
    "--config-file",
    "--confcutdir",
    "--import-mode",
    "--override-ini",
    "--rootdir",
)
OF_ONE_RUN = (  # what the next run decides for itself
    "--netlab-keep",
    "--netlab-offline",
    "--netlab-stimulus",
    "--netlab-unreferenced",
    "--netlab-update",
    "--netlab-update-new-only",
)


def started(config: pytest.Config) -> list[str]:
    """Return the script that was started, and its arguments.

    For a worker of xdist, those of its controller.
    """
    found: Any = getattr(config, "workerinput", {}).get(STARTED)
    return found or [sys.argv[0], *map(str, config.invocation_params.args)]


def kept(arguments: Iterable[str], *, files: bool = True) -> Iterator[str]:
    """Yield the options that decide what a run is; values stay with their options.

    Args:
        arguments: all that pytest was given.
        files: also those that decide which files pytest reads.

    """
    names = (*SHORT, *FILES) if files else SHORT
    rest = iter(arguments)
    for argument in rest:
        name, equals, _ = argument.partition("=")
        ours = name.startswith("--netlab-")
        takes_value = options.value_option(name) == name if ours else name in names
        value = next(rest, "") if takes_value and not equals else ""
        joined = argument[:2] in names  # -pNAME
        if ours and name not in OF_ONE_RUN:
            yield f"{argument}={value}" if value else argument
        elif name in names or joined:
            yield from filter(None, (argument, value))
