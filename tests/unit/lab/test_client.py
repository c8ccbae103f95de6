"""An engine that is silent is an error in one sentence, whatever it was asked."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.silent_engine import SilentEngine

from pytest_netlab.errors import LabError
from pytest_netlab.lab import client as limited
from pytest_netlab.lab import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENT = 60.0
CALLS: dict[str, Callable[[Any], object]] = {
    "ask": lambda engine: engine.networks.get("bridge"),
    "create": lambda engine: engine.containers.create("image"),
    "import": lambda engine: engine.api.import_image_from_data(b"tar"),
    "load": lambda engine: engine.images.load(b"tar"),
    "save": lambda engine: next(engine.api.get_image("c1")),
    "wait": lambda engine: engine.api.wait("c1"),
    "remove": lambda engine: engine.api.remove_container("c1"),
    "events": lambda engine: next(engine.events()),
    "logs": lambda engine: next(engine.api.logs("c1", stream=True)),
    "attach": lambda engine: engine.api.attach("c1", logs=True),
    "exec": lambda engine: engine.containers.get("c1").exec_run("true"),
    "exec-stream": lambda engine: next(
        engine.containers.get("c1").exec_run("true", stream=True).output
    ),
}


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """Return the address of an engine that answers /version, and then is silent."""
    with SilentEngine(tmp_path / "docker.sock"):
        yield f"unix://{tmp_path}/docker.sock"


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_silence_is_told(call: Callable[[Any], object], silent: str) -> None:
    """It says what was asked, how long was waited, and what to do."""
    with (
        closing(limited.Client(base_url=silent, timeout=PATIENT, limit=0.3)) as engine,
        pytest.raises(LabError, match=r"silent for \d+ s while doing this\. Next: "),
        running.refusals("doing this"),
    ):
        call(engine)


def test_what_takes_its_time_is_no_silence(tmp_path: Path) -> None:
    """An engine that is slow within the limit is waited for."""
    with SilentEngine(tmp_path / "docker.sock", patience=0.5):
        address = f"unix://{tmp_path}/docker.sock"
        with closing(limited.Client(base_url=address, timeout=PATIENT)) as engine:
            assert engine.networks.get("bridge").attrs == {}


def test_a_silent_engine_is_asked_briefly(
    silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What undoes a lab does not wait the whole time again, unless it answers."""
    monkeypatch.setattr(limited, "AGAIN_SECONDS", 0.1)
    with closing(limited.Client(base_url=silent, timeout=PATIENT, limit=0.3)) as engine:
        with pytest.raises(LabError, match="silent"), running.refusals("asking"):
            engine.networks.list()
        after = engine.api.timeout
        engine.api.timeout = PATIENT  # a machine under load may take its time
        engine.ping()

        assert (after, engine.api.timeout) == (0.1, 0.3)


def test_time_that_a_caller_gives_is_his(silent: str) -> None:
    """A limit that a scenario names is kept."""
    from requests.exceptions import ReadTimeout  # noqa: PLC0415 - comes with docker

    with (
        closing(limited.Client(base_url=silent, timeout=PATIENT)) as engine,
        pytest.raises(ReadTimeout),
    ):
        engine.api.wait("c1", timeout=0.3)


def test_full_queue_is_no_engine(tmp_path: Path) -> None:
    """One whose queue is full is not waited for, however long it accepts nobody."""
    import socket  # noqa: PLC0415 - only here

    path = str(tmp_path / "docker.sock")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as one:
        server.bind(path)
        server.listen(0)
        one.connect(path)

        assert not running.listens(path)


def test_listener_is_known(tmp_path: Path) -> None:
    """Who listens at a socket is told by its pid; at a missing one, nobody."""
    import os  # noqa: PLC0415 - only here

    with SilentEngine(tmp_path / "docker.sock"):
        assert running.pid_of(f"unix://{tmp_path}/docker.sock") == os.getpid()
    assert running.pid_of(f"unix://{tmp_path}/nobody.sock") is None
