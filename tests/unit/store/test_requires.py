"""`requires` says for which hosts a golden is."""

from __future__ import annotations

import pytest

from pytest_netlab.errors import GoldenError
from pytest_netlab.store.requires import Requires

HOST = {
    "engine": "20.10.24+dfsg1",
    "kernel": "6.18.44-fc-v657",
    "backend": "nf_tables",
    "docker_proxy": "on",
    "bridge_nf": "1",
    "runc": "unknown",
    "many": "9" * 5000,  # Python converts 4300 of them
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("engine < 28", True),
        ("engine >= 28", False),
        ("engine == 20", True),
        ("engine == 20.10", True),
        ("engine == 20.1", False),
        ("engine == 20.10.24.1", False),
        ("engine != 20.10", False),
        ("engine > 20", False),
        ("engine > 20.9", True),
        ("engine <= 20.10", True),
        ("engine < 20.10.24", False),
        ("engine >= v20", True),
        ("kernel >= 6.2", True),
        ("kernel<6.2", False),
        ("bridge_nf == 1", True),
        ("backend == nf_tables", True),
        ("backend != legacy", True),
        ("docker_proxy == off", False),
        ("engine < 28, backend == nf_tables", True),
        ("engine < 28, backend == legacy", False),
        ("runc >= 1", False),
        ("runc < 1", False),
        ("runc == 1", False),
        ("runc != 1", True),
        ("nothing == on", False),
        ("nothing != on", False),
        ("engine >= 020.010", True),
        ("engine == 20.10.024", True),
        pytest.param(f"engine < {'9' * 5000}", True, id="digits"),
        pytest.param(f"engine > 20.{'9' * 5000}", False, id="more digits"),
        pytest.param(f"many >= 1{'0' * 4999}", True, id="digits of a fact"),
        pytest.param(f"many < 1{'0' * 5000}", True, id="digits of both"),
    ],
)
def test_holds(text: str, holds: bool) -> None:  # noqa: FBT001 - a row of a table
    """Versions compare number by number, as far as the requirement goes."""
    assert Requires.parse(text).holds(HOST) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("engine", "cannot read 'engine': write a fact, one of == != "),
        ("engine => 28", "cannot read 'engine => 28'"),
        ("engine >= 28 27", "cannot read"),
        ("engine >= 28,", "cannot read ''"),
        (">= 28", "cannot read"),
        ("engine >= 28 and kernel > 6", "cannot read"),
        pytest.param("x" * 10**5, "cannot read 'xxx.*[.][.][.].*xxx'", id="long"),
        ("backend < nf_tables", "'nf_tables' is no version, so only == and !="),
    ],
)
def test_bad(text: str, words: str) -> None:
    """What cannot be meant is an error that shows how it is written."""
    with pytest.raises(GoldenError, match=words):
        Requires.parse(text)


def test_text() -> None:
    """A requirement reads as it is written, and knows the facts that decide."""
    requires = Requires.parse("engine>=28 , engine < 30,backend == legacy")

    assert str(requires) == "engine >= 28, engine < 30, backend == legacy"
    assert requires.facts == ["engine", "backend"]
