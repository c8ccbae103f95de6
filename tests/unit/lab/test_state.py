"""What is read of a host where it does not answer."""

from __future__ import annotations

from typing import Any, cast

from pytest_netlab.errors import CommandError
from pytest_netlab.lab import state


class Silent:
    """A host whose commands do not end."""

    def run(self, *argv: str, **_: object) -> None:
        """Fail, as a command does that takes too long."""
        raise CommandError(f"host: `{argv[0]}`: took longer than 5 s")


def test_counters_of_a_silent_host() -> None:
    """Rules that cannot be read before a capture end no scenario: they are unknown."""
    assert state.counters(cast("Any", Silent())) == {}
