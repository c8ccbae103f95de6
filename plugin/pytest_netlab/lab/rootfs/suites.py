"""Engine roots of Debian suites: built once by mmdebstrap, kept in a cache.

The mirror is the one that the machine's own apt uses. A root appears in the cache by
one rename, so a root there is complete, whatever interrupts a build.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_netlab.errors import LabError, LabUnavailableError, Remedy
from pytest_netlab.lab.lifetime.log import TAIL_LINES
from pytest_netlab.lab.rootfs.roots import userland

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Say = Callable[[str], None]

SUITES = ("bookworm", "trixie", "forky")
PACKAGES = ("docker.io", "containerd", "runc", "iptables", "nftables", "mount")
NEEDED_BYTES = 700 * 2**20
# mmdebstrap and all it starts end with this process: setpriv lets the kernel kill
# unshare, that kills process 1 of the pid namespace, and with it go the rest and the
# mounts.
DIES_WITH_US = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private"),
    *("--pid", "--fork", "--kill-child", "--mount-proc"),
)
TOOLS = {"mmdebstrap": "mmdebstrap", "setpriv": "util-linux", "apt-get": "apt"}
# Folders of /usr/share that no program needs to run: half of a root's files.
UNREAD = ("doc", "info", "locale", "man")


def cache() -> Path:
    """Return the folder of built roots."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home, "pytest-netlab", "roots")


def provide(suite: str, say: Say) -> Path:
    """Return the root of a suite, built now if it is not in the cache.

    Raises:
        LabUnavailableError: this machine cannot build one; the text says why.
        LabError: the build failed; nothing of it is in the cache.

    """
    ready = cache() / suite
    if ready.is_dir():
        return ready
    _demand_tools()
    mirror = _mirror()
    try:
        with _for_root_alone(), _locked(suite, say):
            if not ready.is_dir():  # or another run has built it meanwhile
                _build(suite, mirror, ready, say)
    except OSError as error:
        text = f"cannot keep an engine root in {ready.parent}: {error}; {_ELSEWHERE}"
        raise LabError(text) from error
    return ready


def clean() -> list[str]:
    """Remove every root and the remains of killed builds; return their paths."""
    removed = []
    for lock in sorted(cache().glob("*.lock")):
        with _locked(lock.stem, lambda _: None):
            for path in (cache() / lock.stem, *_unfinished(lock.stem)):
                if path.exists():
                    shutil.rmtree(path)
                    removed.append(str(path))
    return removed


def _build(suite: str, mirror: str, ready: Path, say: Say) -> None:
    for stale in _unfinished(suite):  # the lock is ours, so its builder is dead
        shutil.rmtree(stale)
    _demand_space(ready.parent)
    say(f"building an engine root of Debian {suite}, once, in {ready} ...")
    prefix = f".{suite}-"
    with tempfile.TemporaryDirectory(dir=ready.parent, prefix=prefix) as folder:
        fresh = Path(folder, suite)
        _run(suite, [*DIES_WITH_US, *_mmdebstrap(suite, mirror, fresh)], say)
        userland(fresh)
        fresh.rename(ready)


def _mmdebstrap(suite: str, mirror: str, target: Path) -> list[str]:
    """Return the command; it accepts the expired Release file of a frozen mirror."""
    settings = ['Acquire::Check-Valid-Until "false";', *_connection()]
    return [
        *("mmdebstrap", "--mode=root", "--format=directory", "--variant=essential"),
        *("--components=main", f"--include={','.join(PACKAGES)}"),
        *(f"--aptopt={setting}" for setting in settings),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNREAD),
        *(suite, str(target), mirror),
    ]


def _run(suite: str, argv: list[str], say: Say) -> None:
    """Run the build; report its steps, and its last lines if it fails."""
    last: deque[str] = deque(maxlen=TAIL_LINES)
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        start_new_session=True,  # Ctrl-C reaches us only; we end it
    )
    try:
        for line in process.stderr or ():
            last.append(line.rstrip())
            if line.startswith("I: ") and line.rstrip().endswith("..."):
                say(f"{suite}: {line[3:].rstrip()}")
    finally:
        if sys.exc_info()[0] is not None:
            process.kill()
        code = process.wait()
        if process.stderr:
            process.stderr.close()
    if code:
        said = "\n".join(last)
        raise LabError(
            f"cannot build an engine root of Debian {suite}: mmdebstrap ended with "
            f"exit code {code}. Its last words:\n{said}\n{_ELSEWHERE}"
        )


def _mirror() -> str:
    """Return the Debian mirror of the machine's own apt."""
    found = _indexed() or _named()
    if not found:
        raise LabUnavailableError(
            "no Debian mirror in the configuration of this machine's apt (`apt-get "
            "indextargets`), so no engine root can be built: add one and run `apt-get "
            "update`",
            remedy=Remedy.ENGINE_ROOT,
        )
    return found[0]


def _indexed() -> list[str]:
    """Return the mirrors whose Release file names Debian as origin and label."""
    rows = _index_targets("$(ORIGIN)", "$(LABEL)", "$(COMPONENT)", "$(REPO_URI)")
    return [row[-1] for row in rows if row[:-1] == ["Debian", "Debian", "main"]]


def _named() -> list[str]:
    """Return the mirrors of suites with a Debian name, before any `apt-get update`."""
    fields = ("$(RELEASE)", "$(COMPONENT)", "$(REPO_URI)")
    rows = _index_targets(*fields, option="--no-release-info")
    return [uri for name, part, uri in rows if name in SUITES and part == "main"]


def _index_targets(*fields: str, option: str = "--release-info") -> list[list[str]]:
    asked = [option, "--format", "|".join(fields), "Created-By: Packages"]
    rows = _output(["apt-get", "indextargets", *asked]).splitlines()
    return [row.split("|") for row in rows]


def _connection() -> list[str]:
    """Return what the machine's apt needs to reach its mirror: proxies and the like."""
    lines = _output(["apt-config", "dump"]).splitlines()
    wanted = ("Acquire::http::", "Acquire::https::", "Acquire::Retries")
    return [line for line in lines if line.startswith(wanted)]


def _output(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout


def _demand_tools() -> None:
    if os.geteuid() != 0:
        raise LabUnavailableError("an engine root is built by root: run pytest as root")
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if missing:
        packages = " ".join(sorted({TOOLS[name] for name in missing}))
        raise LabUnavailableError(
            f"an engine root needs {', '.join(missing)}: install the packages "
            f"{packages}",
            remedy=Remedy.ENGINE_ROOT,
        )


def _demand_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise LabError(
            f"an engine root needs {NEEDED_BYTES >> 20} MB in {folder}, and "
            f"{free >> 20} MB are free: {_ELSEWHERE}"
        )


_ELSEWHERE = "make room, name another cache with XDG_CACHE_HOME, or see docs/labs.md"


def _unfinished(suite: str) -> list[Path]:
    return list(cache().glob(f".{suite}-*"))


@contextmanager
def _for_root_alone() -> Iterator[None]:
    """Make files in the block writable by root only, who runs programs of them."""
    before = os.umask(0o022)
    try:
        cache().mkdir(parents=True, exist_ok=True)
        yield
    finally:
        os.umask(before)


@contextmanager
def _locked(suite: str, say: Say) -> Iterator[None]:
    """Hold a suite's lock; the kernel releases it however this process ends."""
    with Path(cache(), f"{suite}.lock").open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is building Debian {suite}: waiting for it ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def chosen(suite: str | None, folder: str | None, say: Say) -> Path | None:
    """Return the root that a user asked for; None for the machine's own engine."""
    if suite:
        return provide(suite, say)
    return Path(folder) if folder else None
