"""Of pytest's arguments those that decide what a run is are given to the next one."""

from __future__ import annotations

import pytest

from pytest_netlab.plugin.arguments import kept


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("-m netlab -k ping -x --lf -n2 tests/test_x.py::test", ""),
        ("--netlab-engine=host", "--netlab-engine=host"),
        ("--netlab-engine host -v", "--netlab-engine=host"),
        ("--netlab-strict --netlab-keep-env", "--netlab-strict --netlab-keep-env"),
        ("--netlab-keep never", ""),
        ("--netlab-update --netlab-update-new-only --netlab-offline=x", ""),
        ("--netlab-stimulus replay tests", ""),
        ("-p fault -pother", "-p fault -pother"),
        ("-o netlab_golden=x -c /dev/null", "-o netlab_golden=x -c /dev/null"),
        ("--rootdir . --rootdir=x", "--rootdir . --rootdir=x"),
        ("--netlab-artifacts=a --co", "--netlab-artifacts=a"),
        ("--netlab-engine", "--netlab-engine"),
    ],
)
def test_kept(given: str, wanted: str) -> None:
    """Options stay with their values; tests, and what selects them, do not."""
    assert " ".join(kept(given.split())) == wanted


def test_files_of_the_command() -> None:
    """What `pytest-netlab run` gives pytest itself is not repeated."""
    given = "-c /dev/null --rootdir=x --confcutdir=y -p fault --netlab-image=z"

    found = " ".join(kept(given.split(), files=False))

    assert found == "-p fault --netlab-image=z"
