"""Kill a writer at each of its changes to files, and print what it left as JSON.

A program, since forking is nothing for pytest's process: it may have threads.
`python -m tests.unit.files.dying_writer write|accept|remove exchange|renames FOLDER`
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.unit.store.test_files import ABOUT, contents, ping

from pytest_netlab.files import folders
from pytest_netlab.store import PendingStore, Proposal, Store

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "ping-beyond"
CHANGES = {
    *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink"),
    *("os.chmod", "os.chown", "os.truncate", "shutil.rmtree", "fcntl.flock"),
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
KILLED = -int(signal.SIGKILL)


def main(kind: str, mode: str, folder: str) -> None:
    """Kill at the first change, at the second, and so on, until a writer is done."""
    if mode == "renames":
        folders._exchange = _lacking
    template = Path(folder, "template")
    case = CASES[kind](template)
    shutil.copytree(template, Path(folder, "done"), symlinks=True)
    case.learn(Path(folder, "done"))
    found = {name: Counter[str]() for name in ("died", "swept", "again")}
    rest: list[str] = []
    for nth in count():
        case.here = Path(folder, str(nth))
        shutil.copytree(template, case.here, symlinks=True)
        was_killed = _killed(case.act, nth)
        found["died"][case.state()] += 1
        for root in ("golden", "artifacts"):
            folders.everywhere(case.here / root)
        found["swept"][case.state()] += 1
        rest += [str(path) for path in case.here.rglob(f"{folders.PREFIX}*")]
        if not was_killed:
            break
        case.again()
        found["again"][case.state()] += 1
    sys.stdout.write(json.dumps({"killed": nth, "rest": rest, **found}))


class Written:
    """A golden that is recorded anew, with a variant, a link and notes beside it."""

    def __init__(self, template: Path) -> None:
        """Record it as it is, and as it is to become."""
        self.here = template
        place, _ = self.store.save(NAME, ping(), ABOUT)
        (place / "notes.md").write_text("mine")
        (place / "link").symlink_to("notes.md")
        (place / "_mine").mkdir()
        (place / "_mine" / "inner.txt").write_text("mine")
        self._old, self._new = contents(place), dict[str, bytes]()

    def learn(self, here: Path) -> None:
        """Act on a copy, and remember what it is then."""
        self.here = here
        self.act()
        place = self.store.folder(NAME)
        self._new = contents(place) if place.exists() else {}

    @property
    def store(self) -> Store:
        """Return the folder of goldens."""
        return Store(self.here / "golden")

    def act(self) -> None:
        """Record it anew."""
        self.store.save(NAME, ping(ttl=65), ABOUT)

    def again(self) -> None:
        """Do what the next run does."""
        self.act()

    def state(self) -> str:
        """Return which of both it is, if it is whole."""
        place = self.store.folder(NAME)
        if not place.exists():
            return "gone"
        known = {"old": self._old, "new": self._new}
        held = contents(place)
        return next((name for name, one in known.items() if one == held), "torn")


class Accepted(Written):
    """A golden that becomes another by a proposal."""

    def __init__(self, template: Path) -> None:
        """Propose it."""
        super().__init__(template)
        self._propose()

    @property
    def pending(self) -> PendingStore:
        """Return the folder of proposals."""
        return PendingStore.beside(self.here / "artifacts")

    def _propose(self) -> None:
        proposal = Proposal(
            scenario=NAME,
            golden=self.store.folder(NAME),
            about=ABOUT,
            test="t",
            differs="d",
        )
        self.pending.write(NAME, ping(ttl=65), proposal)

    def act(self) -> None:
        """Accept the proposal."""
        self.pending.accept(self.pending.load(NAME, self.store.root))

    def again(self) -> None:
        """Propose once more, and accept."""
        self._propose()
        self.act()


class Removed(Written):
    """A folder that is removed with all it holds."""

    def act(self) -> None:
        """Remove it."""
        folders.remove(self.store.folder(NAME))

    def again(self) -> None:
        """Remove it, if that is not done."""
        if self.state() != "gone":
            self.act()


CASES: dict[str, type[Written]] = {
    "write": Written,
    "accept": Accepted,
    "remove": Removed,
}


def _killed(act: Callable[[], None], nth: int) -> bool:
    """Let a child act, and kill it as it begins its nth change."""
    child = os.fork()
    if not child:
        _act_until(act, nth)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, KILLED):
        raise AssertionError(f"the writer ended with {code}")
    return code == KILLED


def _act_until(act: Callable[[], None], nth: int) -> None:
    changes = iter(range(nth))

    def die(event: str, arguments: tuple[Any, ...]) -> None:
        opens = event == "open" and arguments[2] & WRITES
        if (opens or event in CHANGES) and next(changes, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(die)
    code = 1
    try:
        act()
        code = 0
    except BaseException:  # noqa: BLE001 - the parent must not go on twice
        traceback.print_exc()
    os._exit(code)


def _lacking(one: Path, other: Path) -> None:  # noqa: ARG001 - as what it stands for
    """Do as a file system without RENAME_EXCHANGE does."""
    raise OSError(errno.EINVAL, "Invalid argument")


if __name__ == "__main__":
    main(*sys.argv[1:])
