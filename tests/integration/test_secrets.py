"""What a real engine knows of secrets: none is in the evidence or in the output."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.lab.engine.image import root_archive

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "tok/9f8e7d+6c5b4a"  # noqa: S105 - of the image, in every container of the lab
PASSWORD = 'pa"ss w0rd'  # noqa: S105 - of the container that the scenario makes
SCENARIO = """
import pytest

@pytest.mark.netlab("box")
def test_box(netlab):
    said = ["sh", "-c", "echo box has $DB_PASSWORD; exec sleep 600"]
    box = netlab.docker.containers.run(
        "netlab-test:secret", said, entrypoint=[], network_mode="none", detach=True,
        environment={"DB_PASSWORD": @PASSWORD@, "MOOD": "sunny-and-7-warm"},
    )
    attrs = netlab.docker.api.inspect_container(box.id)
    print(attrs["Config"]["Env"], netlab.web.container.attrs["Config"]["Env"])
    with netlab.capture():
        script = "echo $1; echo $1 | base64; exit 3"
        netlab.host.run("sh", "-c", script, "-", @PASSWORD@)
"""


def saved_image(path: Path, *env: str) -> None:
    """Write what `docker save` would of an image with these variables."""
    layer = root_archive()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": list(env)},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"],
        },
    }
    manifest = {
        "Config": "config.json",
        "RepoTags": ["netlab-test:secret"],
        "Layers": ["layer.tar"],
    }
    parts = {
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
        "manifest.json": json.dumps([manifest]).encode(),
    }
    with tarfile.open(path, "w") as archive:
        for name, content in parts.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))


@pytest.fixture
def project(engine: None, pytester: pytest.Pytester) -> pytest.Pytester:  # noqa: ARG001 - skips
    """Return a project whose image and scenario have secrets; the scenario fails."""
    saved_image(
        pytester.path / "image.tar", "PATH=/bin:/usr/local/bin", f"API_TOKEN={TOKEN}"
    )
    pytester.makepyfile(test_box=SCENARIO.replace("@PASSWORD@", repr(PASSWORD)))
    return pytester


def judged(project: pytest.Pytester, *options: str) -> tuple[str, dict[str, str]]:
    """Return what a run prints, and the texts of the evidence and of JUnit's report."""
    fixed = ("-m", "netlab", "--netlab-strict", "--netlab-image=image.tar", "-rA")
    result = project.runpytest_subprocess(*fixed, "--junitxml=junit.xml", *options)
    result.assert_outcomes(failed=1)
    files = [project.path / "junit.xml"]
    files += (project.path / "netlab-artifacts").rglob("*")
    read = {path.name: path.read_bytes() for path in files if path.is_file()}
    wanted = {"verdict.json", "docker-inspect.json", "web.log", "dockerd.log"}
    assert wanted <= set(read)
    texts = {name: held.decode(errors="replace") for name, held in read.items()}
    return f"{result.outlines}{result.errlines}", texts


def test_no_secret_leaves(project: pytest.Pytester) -> None:
    """Neither files nor output hold a value, nor its base64; the names are there."""
    printed, files = judged(project)

    encoded = base64.b64encode(f"{PASSWORD}\n".encode()).decode()
    inner = json.dumps(PASSWORD)[1:-1]
    forms = (TOKEN, PASSWORD, inner, encoded[:8], "sunny-and-7-warm")
    everywhere = {"output": printed, **files}
    assert [
        (where, form)
        for where, text in everywhere.items()
        for form in forms
        if form in text
    ] == []
    boxes = json.loads(files["docker-inspect.json"])
    env = [item for box in boxes for item in box["Config"]["Env"]]
    assert len(boxes) == 5
    assert set(env) >= {"API_TOKEN=***", "DB_PASSWORD=***", "MOOD=***", "PATH=***"}
    assert "exit code 3" in printed
    assert "--netlab-keep-env" in files["masked.txt"]


def test_kept_where_asked(project: pytest.Pytester) -> None:
    """--netlab-keep-env leaves everything as it is."""
    printed, files = judged(project, "--netlab-keep-env")

    boxes = json.loads(files["docker-inspect.json"])
    env = [item for box in boxes for item in box["Config"]["Env"]]
    assert {f"API_TOKEN={TOKEN}", f"DB_PASSWORD={PASSWORD}"} <= set(env)
    assert "masked.txt" not in files
    assert TOKEN in printed
