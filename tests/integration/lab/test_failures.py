"""What goes wrong at a start is one clear paragraph, and nothing is left of it."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import silent_engine

from pytest_netlab.errors import LabError, LabUnavailableError, Remedy
from pytest_netlab.lab.backends import host, private
from pytest_netlab.lab.engine import client, daemon, host_engine, image
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_netlab.lab.backends.docker_lab import DockerLab


@pytest.fixture
def fake_dockerd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Return a function that puts a shell script before dockerd on PATH."""

    def put(script: str) -> None:
        program = tmp_path / "dockerd"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return put


def test_dockerd_that_dies_is_quoted(fake_dockerd: Callable[[str], None]) -> None:
    """The error has the exit code and the last log lines."""
    fake_dockerd("echo 'failed to start: no such luck' >&2; exit 3")

    with pytest.raises(LabError, match=r"exit code 3 (?s:.*)no such luck"):
        private.start(LabOptions())


@pytest.mark.parametrize("then", ["exec sleep 60", "kill -STOP $$"])
def test_dockerd_that_hangs_is_quoted(
    then: str, fake_dockerd: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that never answers, or is stopped, has a deadline, and so has its end."""
    monkeypatch.setattr(daemon, "START_SECONDS", 3)
    fake_dockerd(f"echo thinking; {then}")

    with pytest.raises(LabError, match=r"not answer within 3 s(?s:.*)thinking"):
        private.start(LabOptions())


def test_dockerd_that_falls_silent_is_told(
    fake_dockerd: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers /version and nothing else ends the start in one sentence."""
    monkeypatch.setattr(client, "SECONDS", 1)
    python = Path(sys.executable).resolve()
    fake_dockerd(f"exec {python} -I {silent_engine.__file__} {daemon.SOCKET}")

    with pytest.raises(
        LabError, match=r"silent for \d+ s while taking the lab's image"
    ):
        private.start(LabOptions())


def test_host_engine_that_falls_silent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does one that is not the lab's; nothing was made yet."""
    connect = host_engine.connect

    def briefly() -> Any:
        engine = connect()
        engine.api.timeout = 0.5
        return engine

    monkeypatch.setattr(host_engine, "connect", briefly)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")

    with (
        silent_engine.SilentEngine(tmp_path / "docker.sock"),
        pytest.raises(LabError, match=r"silent for \d+ s while asking for its bridge"),
    ):
        host.start(LabOptions())


def test_dockerd_that_rejects_a_key_is_quoted() -> None:
    """A key of daemon.json that this engine does not know is in the error."""
    with pytest.raises(LabError, match="no-such-key"):
        private.start(LabOptions(daemon={"no-such-key": 1}))


def test_missing_programs_are_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is told as packages to install."""
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(LabUnavailableError, match=r"install.* docker\.io "):
        private.start(LabOptions())


def test_only_root_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root the reason says so."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert "root" in str(private.unavailable(LabOptions()))
    assert "root" in str(host.unavailable(LabOptions()))


def test_image_that_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that no engine of this machine has is an error with the next step."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(LabError, match=r"no image 'nosuch'.*Next: `docker pull"):
        private.start(LabOptions(image="nosuch"))


def test_image_file_that_is_none(tmp_path: Path) -> None:
    """A file that is no archive is an error that names it."""
    file = tmp_path / "image.tar"
    file.write_bytes(b"no tar" * 200)

    with pytest.raises(LabError, match=r"image\.tar is no image"):
        private.start(LabOptions(image=str(file)))


def test_image_by_file(lab: DockerLab, tmp_path: Path) -> None:
    """An image that `docker save` wrote serves a lab that never saw its name."""
    file = tmp_path / "image.tar"
    saved = lab.nodes["c1"].container.image
    file.write_bytes(b"".join(saved.save(named=True)))

    with closing(private.start(LabOptions(image=str(file)))) as other:
        assert other.nodes["web"].container.image.tags == saved.tags


def test_rootfs_by_file(lab: DockerLab, tmp_path: Path) -> None:
    """So does an archive of a root file system, such as `docker export` writes."""
    file = tmp_path / "root.tar"
    file.write_bytes(b"".join(lab.nodes["c2"].container.export()))

    with closing(private.start(LabOptions(image=str(file)))) as other:
        page = other.nodes["host01"].run("curl", "-sf", "http://172.16.211.128:81/")
        assert "Directory listing" in page.stdout


def test_image_without_web_server(tmp_path: Path) -> None:
    """An image that cannot serve says what it must hold."""
    whole = io.BytesIO(image.root_archive())
    file = tmp_path / "poor.tar"
    with tarfile.open(fileobj=whole) as source, tarfile.open(file, "w") as target:
        for item in source:
            if not item.name.startswith("srv"):
                target.addfile(item, source.extractfile(item) if item.isreg() else None)

    with pytest.raises(
        LabError, match=r"(nothing listens|ended at once)(?s:.*)needs sh"
    ):
        private.start(LabOptions(image=str(file)))


def test_host_without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host backend says where it looked and what to do."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    with pytest.raises(LabUnavailableError, match=r"/nowhere/docker\.sock") as caught:
        host.start(LabOptions())
    assert caught.value.remedy is Remedy.OWN_ENGINE


def test_host_with_an_engine_elsewhere(
    lab: DockerLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine whose docker0 is in another namespace is refused."""
    socket = f"{lab.nodes['host'].namespaces.root}{daemon.SOCKET}"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")

    with pytest.raises(LabUnavailableError, match="not in this network namespace"):
        host.start(LabOptions())


def test_image_from_the_machines_engine(
    lab: DockerLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private engine takes an image by name from the engine at DOCKER_HOST."""
    socket = f"{lab.nodes['host'].namespaces.root}{daemon.SOCKET}"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    (name,) = lab.nodes["c1"].container.image.tags

    with closing(private.start(LabOptions(image=name))) as other:
        assert [name] == other.nodes["c3"].container.image.tags
