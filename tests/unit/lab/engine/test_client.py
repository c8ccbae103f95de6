"""An engine that is silent is an error in one sentence, whatever it was asked."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from docker import auth
from tests.silent_engine import SilentEngine

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab.engine import client as limited
from pytest_netlab.lab.engine import host_engine

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
        host_engine.refusals("doing this"),
    ):
        call(engine)


def test_words_of_an_engine_are_no_silence() -> None:
    """An engine that answers that something else timed out has answered."""
    from docker.errors import APIError, DockerException  # noqa: PLC0415 - 0.4 s

    said = "500 Server Error: dial tcp 192.0.2.1:443: connection timed out"
    for error in (APIError(said), DockerException(said), OSError(said)):
        with (
            pytest.raises(LabError, match="engine failed while doing this: 500"),
            host_engine.refusals("doing this"),
        ):
            raise error


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:-1",
        "http://[::1",
        "tcp://[::1",
        "tcp://127.0.0.1:x",
    ],
)
def test_no_address_is_no_engine(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DOCKER_HOST that is no address is told, with what is wrong with it."""
    monkeypatch.setenv("DOCKER_HOST", address)

    with pytest.raises(LabUnavailableError, match="no Docker engine answers at "):
        host_engine.connect(PATIENT)


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
        with pytest.raises(LabError, match="silent"), host_engine.refusals("asking"):
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


GARBAGE: dict[str, object] = {
    "no table": [1],
    "HttpHeaders must be a table": {"HttpHeaders": 5},
    "HttpHeaders.X-A must be a text": {"HttpHeaders": {"X-A": 5}},
    "proxies must be a table": {"proxies": "none"},
    "proxies.default must be a table": {"proxies": {"default": 5}},
    "auths.r must be a table": {"auths": {"r": 5}},
    "its auths cannot be read": {"auths": {"r": {"auth": "bm8gY29sb24="}}},
    "credsStore must be a text": {"credsStore": {}},
}


@pytest.fixture
def configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[object], Path]:
    """Return a function that writes the user's config.json."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    path = tmp_path / "config.json"

    def write(table: object) -> Path:
        path.write_text(json.dumps(table))
        return path

    return write


def sent_for_a_container(tmp_path: Path, *, private: bool) -> tuple[Any, Any]:
    """Return what an engine is sent for a container with a variable: headers, JSON."""
    sent: list[Any] = []
    where = f"unix://{tmp_path}/docker.sock"
    with (
        SilentEngine(tmp_path / "docker.sock", patience=0.0),
        closing(
            limited.Client(base_url=where, timeout=PATIENT, private=private)
        ) as engine,
    ):
        engine.api.hooks["response"].append(lambda got, **_: sent.append(got.request))
        engine.api.create_container("image", environment={"A": "b"})
    return sent[0].headers, json.loads(sent[0].body)


def test_a_private_engine_hears_nothing_of_the_user(
    tmp_path: Path, configured: Callable[[object], Path]
) -> None:
    """Proxies and headers of config.json reach the user's engine, no private one."""
    proxies = {"default": {"httpProxy": "http://u:pw@10.9.9.9:3128"}}
    configured({"proxies": proxies, "HttpHeaders": {"X-Who": "me"}})

    headers, body = sent_for_a_container(tmp_path, private=True)
    (tmp_path / "docker.sock").unlink()
    users_headers, users_body = sent_for_a_container(tmp_path, private=False)

    assert body["Env"] == ["A=b"]
    assert "X-Who" not in headers
    assert users_headers["X-Who"] == "me"
    assert any("10.9.9.9" in one for one in users_body["Env"])


def test_a_private_engine_gets_no_credentials(
    silent: str, configured: Callable[[object], Path]
) -> None:
    """No registry's password of the user is known to its client, now or later."""
    configured({"auths": {"reg": {"auth": b64encode(b"me:hunter2").decode()}}})
    with closing(
        limited.Client(base_url=silent, timeout=PATIENT, private=True)
    ) as engine:
        assert auth.get_config_header(engine.api, "reg") is None
        headers: dict[str, bytes] = {}
        engine.api._set_auth_headers(headers)

    assert b"hunter2" not in b64decode(headers.get("X-Registry-Config", b""))


@pytest.mark.parametrize("wrong", GARBAGE)
def test_garbage_in_the_configuration(
    silent: str, configured: Callable[[object], Path], wrong: str
) -> None:
    """It is told in a sentence for the user's engine; a private one has none of it."""
    path = configured(GARBAGE[wrong])
    told = "it must be a table" if wrong == "no table" else wrong

    with closing(
        limited.Client(base_url=silent, timeout=PATIENT, private=True)
    ) as engine:
        assert engine.version()["ApiVersion"] == "1.41"
    with pytest.raises(LabError) as raised:
        limited.Client(base_url=silent, timeout=PATIENT)

    assert str(raised.value).startswith(f"{path} is no configuration of Docker: {told}")
    assert "Next: " in str(raised.value)


@pytest.mark.parametrize("private", [True, False])
def test_a_configuration_without_a_bottom(
    silent: str, configured: Callable[[object], Path], *, private: bool
) -> None:
    """What the SDK cannot even read is told in a sentence for either engine."""
    path = configured(0)
    path.write_text("[" * 100_000)

    with pytest.raises(LabError, match=r"config\.json is no .* too deeply\. Next: "):
        limited.Client(base_url=silent, timeout=PATIENT, private=private)


@pytest.mark.parametrize("private", [True, False])
def test_a_configuration_that_nobody_writes(
    silent: str, configured: Callable[[object], Path], *, private: bool
) -> None:
    """A FIFO is not waited for."""
    path = configured(0)
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(LabError, match=r"config\.json is no .* a FIFO\. Next: "):
        limited.Client(base_url=silent, timeout=PATIENT, private=private)


def test_what_is_null_in_the_configuration(
    silent: str, configured: Callable[[object], Path]
) -> None:
    """No credentials are none."""
    configured({"auths": None, "credsStore": None})

    with closing(limited.Client(base_url=silent, timeout=PATIENT)) as engine:
        assert engine.version()["ApiVersion"] == "1.41"
