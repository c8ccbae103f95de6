"""Roots of Debian suites are built by the real mmdebstrap, or the text says why not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab.backends import private
from pytest_netlab.lab.rootfs import suites
from pytest_netlab.lab.rootfs.roots import userland
from pytest_netlab.spec import LabOptions

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.engine_suites
SUITE = "trixie"
SECONDS = 180
BUILD = f"""
from functools import partial
from pytest_netlab.lab.rootfs import suites
print(suites.provide({SUITE!r}, partial(print, flush=True)))
"""
# A file system with 150 MB left; it goes with the mount namespace.
FULL = """
mount -t tmpfs -o size=150m netlab "$XDG_CACHE_HOME"
exec "$@"
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "pytest-netlab" / "roots"


@pytest.fixture
def mirror() -> None:
    """Skip where nothing can be built; in CI that is a failure."""
    try:
        suites._demand_tools()
        suites._mirror()
    except LabUnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def _quiet(_: str) -> None:
    pass


@pytest.mark.usefixtures("mirror")
def test_killed_build_leaves_the_next_ones_a_whole_cache(
    cache: Path,
    python: Callable[[str], subprocess.Popen[str]],
    until: Callable[[Callable[[], bool], float], bool],
) -> None:
    """SIGKILL half-way ends mmdebstrap too; of two runs after it one builds."""
    killed = python(BUILD)
    assert killed.stdout is not None
    assert any("extracting" in line for line in killed.stdout)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (cache / SUITE).exists()
    assert list(cache.glob(f".{SUITE}-*"))
    assert until(lambda: not _working_in(cache), 10)

    told = [
        one.communicate(timeout=SECONDS)[0] for one in [python(BUILD), python(BUILD)]
    ]

    assert [text.splitlines()[-1] for text in told] == [str(cache / SUITE)] * 2
    assert sum("building an engine root" in text for text in told) == 1
    assert sum("another run is building" in text for text in told) == 1
    assert not list(cache.glob(f".{SUITE}-*"))
    assert "26." in userland(cache / SUITE).first_line("dockerd")
    assert suites.clean() == [str(cache / SUITE)]


def _working_in(folder: Path) -> list[str]:
    """Return the command lines of processes that name a folder."""
    wanted, found = str(folder).encode(), []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if wanted in text:
            found.append(text.decode(errors="replace"))
    return found


def test_no_mirror(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An apt that knows no Debian mirror is named, with what to do."""
    config = tmp_path / "apt.conf"
    empty = (f'Dir::Etc::{name} "/nowhere";' for name in ("sourcelist", "sourceparts"))
    config.write_text("\n".join(empty))
    monkeypatch.setenv("APT_CONFIG", str(config))

    with pytest.raises(LabUnavailableError, match=r"no Debian mirror.*apt-get update"):
        suites.provide(SUITE, _quiet)

    assert not cache.exists()


@pytest.mark.usefixtures("mirror")
def test_mirror_before_any_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before `apt-get update` the mirror is known by the suite's name."""
    known = suites._mirror()
    config = tmp_path / "apt.conf"
    config.write_text(f'Dir::State::lists "{tmp_path}";')
    monkeypatch.setenv("APT_CONFIG", str(config))

    assert suites._mirror().rstrip("/") == known.rstrip("/")


def test_tools_missing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be run is told as packages to install."""
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(LabUnavailableError, match=r"install the packages .*mmdebstrap"):
        suites.provide(SUITE, _quiet)

    assert not cache.exists()


@pytest.mark.usefixtures("cache")
def test_cache_that_is_a_file(tmp_path: Path) -> None:
    """A cache that cannot be written is an error that names it."""
    (tmp_path / "pytest-netlab").write_text("")

    with pytest.raises(LabError, match=r"cannot keep an engine root in .*XDG_CACHE"):
        suites.provide(SUITE, _quiet)


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize(
    ("needed", "words"),
    [("suites.NEEDED_BYTES", "150 MB are free"), ("0", "No space left|enough.*space")],
)
def test_disk_full(cache: Path, needed: str, words: str) -> None:
    """A disk that is too small is told before, or in mmdebstrap's words; all goes."""
    look = f"""
import re
from pathlib import Path
from pytest_netlab.errors import LabError
from pytest_netlab.lab.rootfs import suites
suites.NEEDED_BYTES = {needed}
try:
    suites.provide({SUITE!r}, print)
except LabError as error:
    assert re.search({words!r}, str(error)), error
    left = [path.name for path in Path({str(cache)!r}).iterdir()]
    assert left == [{SUITE + ".lock"!r}], left
    print("told")
"""
    cache.parent.parent.mkdir(exist_ok=True)
    command = [
        "unshare",
        "--mount",
        "sh",
        "-ec",
        FULL,
        "sh",
        sys.executable,
        "-c",
        look,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False
    )

    assert done.stdout.endswith("told\n"), done.stderr + done.stdout


def link(path: Path) -> str:
    """Return where a link of /proc leads; nothing if its process has ended."""
    with suppress(OSError):
        return str(path.readlink())
    return ""


def test_release_comes_first(tmp_path: Path) -> None:
    """A static release's dockerd runs, with the machine's iptables."""
    release = tmp_path / "docker"
    release.mkdir()
    for name in ("dockerd", "containerd", "containerd-shim-runc-v2", "runc"):
        shutil.copy(str(shutil.which(name)), release)

    with closing(private.start(LabOptions(root=tmp_path))) as lab:
        proc = Path(f"{lab.nodes['c1'].namespaces.root}/proc")
        running = {target for path in proc.glob("[0-9]*/exe") if (target := link(path))}

    assert {str(release / name) for name in ("dockerd", "containerd")} <= running


def test_engine_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    """The last log lines of a root's engine are in the error."""
    for name in ("dockerd", "containerd", "runc"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho 'this kernel is too old' >&2; exit 1\n")
        program.chmod(0o755)

    with pytest.raises(LabError, match=r"exit code 1 (?s:.*)this kernel is too old"):
        private.start(LabOptions(root=tmp_path))
