"""What does the set-up forget? `make netlab` on a machine with nothing installed.

The machine is a minimal root of this machine's own Debian or Ubuntu release, from the
mirror its apt uses, with its pip, proxy and certificate settings and nothing more.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from platform import freedesktop_os_release

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CHECKOUT = Path("/srv/a fresh clone")  # quoting is part of what is tested
LIMIT = 15 * 60  # seconds for one command; building and copying come on top

CARRIED_VARIABLES = re.compile(
    r"CI|PIP_.*|.*_PROXY|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE",
    re.IGNORECASE,
)
CARRIED_APT_SETTINGS = re.compile(
    r"Acquire::(https?|proxy|check|retries)", re.IGNORECASE
)
PIP_FILES = (
    "/etc/pip.conf",
    "/etc/xdg/pip/pip.conf",
    "~/.pip/pip.conf",
    "~/.config/pip/pip.conf",
)
LOCAL_PATH = re.compile(r"(?<![\w.])/[^\s'\",;:]+")
OUTCOME = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b")

# Process 1 of a pid namespace: when it goes, the kernel ends all it started, daemons
# too, and the mount namespace takes the mounts along. runc pivots out of its root,
# which a chroot cannot offer, hence the bind mount and pivot_root. /sys comes with
# the cgroup mounts below it. The old root ends up on top of the new one, and detached.
ENTER = """
root=$1; shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mount --bind -o ro "$1" "$root$1"; shift; done; shift
cd "$root"
pivot_root . .
umount -l .
cd "$1"; shift
"$@" || exit $?
"""

pytestmark = [
    pytest.mark.skipif(
        not (os.environ.get("CI") or os.environ.get("NETLAB_FRESH")),
        reason="takes minutes and installs a whole machine: run `make fresh`",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="building a machine takes root"),
    pytest.mark.skipif(
        shutil.which("apt-get") is None, reason="no apt here: nothing to build it from"
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshMachine:
    """A root on disk, entered anew for every command."""

    root: Path
    shared: tuple[Path, ...]
    environment: dict[str, str]

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout, in namespaces that end with it."""
        return subprocess.run(
            (
                # Should pytest die, so does unshare, and by --kill-child the rest.
                *("setpriv", "--pdeathsig", "KILL"),
                *("unshare", "--mount", "--propagation", "private"),
                *("--pid", "--fork", "--kill-child"),
                *("sh", "-euc", ENTER, "enter", str(self.root)),
                *map(str, self.shared),
                *("--", str(CHECKOUT), "timeout", "--signal=KILL", str(LIMIT)),
                # What Debian's su leaves of root's PATH.
                *("env", "PATH=/usr/local/bin:/usr/bin:/bin", *argv),
            ),
            env=self.environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT + 60,
        )


@pytest.fixture(scope="module")
def machine() -> Iterator[FreshMachine]:
    """A machine that holds git, make, CA certificates and a checkout."""
    with tempfile.TemporaryDirectory(prefix="netlab-fresh-") as directory:
        root = Path(directory, "root")
        sources = apt_sources()
        build(root, sources)
        environment = {
            name: value
            for name, value in os.environ.items()
            if CARRIED_VARIABLES.fullmatch(name)
        }
        settings = [*sources, *environment.values(), *carry_pip_files(root)]
        shared = tuple(carry_paths(root, settings))
        check_out(root / CHECKOUT.relative_to("/"))
        environment |= {"HOME": "/root", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        yield FreshMachine(root=root, shared=shared, environment=environment)


@pytest.fixture(scope="module")
def netlab_run(machine: FreshMachine) -> subprocess.CompletedProcess[str]:
    """What `make netlab` said there, the first command ever run on it."""
    return machine.run("make", "netlab")


def test_every_scenario_passes(netlab_run: subprocess.CompletedProcess[str]) -> None:
    """Nothing but `make netlab` is needed for every scenario to run and pass."""
    summary = netlab_run.stdout.rstrip().rpartition("\n")[2]
    outcomes = {word: int(number) for number, word in OUTCOME.findall(summary)}

    assert netlab_run.returncode == 0, netlab_run.stdout[-8000:]
    assert outcomes.pop("passed", 0) > 0, summary
    assert outcomes.keys() <= {"xfailed"}, summary


@pytest.mark.usefixtures("netlab_run")
def test_second_set_up_only_looks(machine: FreshMachine) -> None:
    """Set-up that has nothing to do says so within five seconds."""
    start = time.monotonic()
    run = machine.run("make", "setup")

    assert (run.returncode, run.stdout) == (0, "setup: nothing to do\n")
    assert time.monotonic() - start < 5


@pytest.mark.usefixtures("netlab_run")
def test_service_policy_is_taken_back(machine: FreshMachine) -> None:
    """The policy that kept Docker's service stopped does not outlive the set-up."""
    assert not (machine.root / "usr/sbin/policy-rc.d").exists()


def apt_sources() -> list[str]:
    """Name the distribution's own archives, as this machine's apt reaches them."""
    codename = freedesktop_os_release()["VERSION_CODENAME"]
    releases = {codename, f"{codename}-updates", f"{codename}-security"}
    listed = must_run(
        "apt-get",
        "indextargets",
        "--format=$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)",
        "Created-By: Packages",
    )
    found = [line.split(" ", 3) for line in listed.splitlines()]
    return list(
        dict.fromkeys(
            f"deb {site} {release} {component}"
            for site, release, component, origin in found
            if release in releases
            # Another vendor's archive may well be called bookworm main. An origin
            # stays unexpanded where apt has fetched no list yet.
            and (origin in {"Debian", "Ubuntu"} or origin.startswith("$"))
            and component in {"main", "universe"}
        )
    )


def build(root: Path, sources: list[str]) -> None:
    """Unpack a minimal root there and give it this machine's network identity."""
    settings = [
        line
        for line in must_run("apt-config", "dump", "--no-empty").splitlines()
        if CARRIED_APT_SETTINGS.match(line)
    ]
    must_run(
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--include=git,make,ca-certificates",
        *(f"--aptopt={line}" for line in settings),
        freedesktop_os_release()["VERSION_CODENAME"],
        str(root),
        *sources,
    )
    for name in ("etc/resolv.conf", "etc/hosts"):
        (root / name).unlink(missing_ok=True)
        shutil.copy(f"/{name}", root / name)
    own_certificates = Path("/usr/local/share/ca-certificates")
    if own_certificates.is_dir():
        inside = root / own_certificates.relative_to("/")
        shutil.copytree(own_certificates, inside, dirs_exist_ok=True)
    must_run("chroot", str(root), "update-ca-certificates")


def carry_pip_files(root: Path) -> Iterator[str]:
    """Copy pip's configuration files, and yield what they say."""
    for name in PIP_FILES:
        found = Path(name).expanduser()
        target = root / name.replace("~", "root").lstrip("/")
        if found.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, target)
            yield found.read_text(encoding="utf-8")


def carry_paths(root: Path, settings: Iterable[str]) -> Iterator[Path]:
    """Copy the files that settings name; yield the directories, to be mounted."""
    named = {Path(path) for text in settings for path in LOCAL_PATH.findall(text)}
    for path in sorted(named):
        inside = root / path.relative_to(path.anchor)
        if inside.exists():
            continue
        if path.is_file():
            inside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, inside)
        elif path.is_dir():
            # The pages of a package index link to files beside it.
            shared = path.parent if path.name == "simple" else path
            (root / shared.relative_to("/")).mkdir(parents=True, exist_ok=True)
            yield shared


def check_out(target: Path) -> None:
    """Clone the repository, then lay the working tree over it, ignored files apart."""
    must_run(
        *("git", "clone", "--quiet", "--no-hardlinks", "--no-checkout"),
        *(str(REPOSITORY), str(target)),
    )
    names = must_run(
        *("git", "-C", str(REPOSITORY), "ls-files", "-z"),
        *("--cached", "--others", "--exclude-standard"),
    )
    for name in filter(None, names.split("\0")):
        if os.path.lexists(REPOSITORY / name):  # else deleted, and not yet committed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name, follow_symlinks=False)


def must_run(*argv: str) -> str:
    """Run a command and return what it printed; its own words if it fails."""
    run = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert run.returncode == 0, f"{argv[0]}: {run.stderr or run.stdout}"
    return run.stdout
