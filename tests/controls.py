"""Text that a terminal would obey, in every place that carries text; a terminal.

Knows characters and files that hold them; judges nothing but what was printed.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
from typing import TYPE_CHECKING
from unicodedata import category

from tests.traffic import NAMES, two_points
from tests.unit.cli.conftest import BAD, GOOD

from pytest_netlab.capture import Capture, Interface, write
from pytest_netlab.evidence import Record, Stored, bundle
from pytest_netlab.evidence.record import dumps
from pytest_netlab.judge import ScenarioFailedError
from pytest_netlab.lab.backends.stored import StoredLab
from pytest_netlab.run import ScenarioRun
from pytest_netlab.spec import Scenario
from pytest_netlab.store import PendingStore, Proposal, Store, files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLOUR = "38;5;207"  # nobody's but the attacker's
# A title, a colour by ESC and by the C1 control that means the same, a reversed text,
# an isolate, a zero-width space, a backspace, DEL, a return to the line's begin.
LINE = (
    f"\x1b]0;PWNED\x07\x1b[{COLOUR}mPWNED\x9b31mPWNED\u202eDENWP\u2066\u200b\x08\x7f\r["
    "red]PWNED"
)
TEXT = f"{LINE}\nFORGED line\u2028FORGED"
PATH = f"{TEXT}\udcff".replace("/", "")  # and a byte that is no text
FACTS = {"kernel": "1", "engine": TEXT, "docker_proxy": TEXT}
RULES = f"nat :{LINE} ACCEPT\nnat -A POSTROUTING -s {LINE} -j MASQUERADE"


def obeyed(printed: str) -> list[str]:
    """Return what a terminal would obey of a text, without a program's own colours."""
    text = re.sub(rf"\x1b\[(?!{COLOUR})[0-9;]*m", "", printed.replace("\r\n", "\n"))
    forged = [line for line in text.splitlines() if line.startswith("FORGED")]
    return forged + [
        char
        for char in text
        if not (char.isprintable() or char in "\n\t" or category(char) == "Zs")
    ]


def on_a_terminal(argv: Sequence[str], folder: Path, keys: bytes = b"") -> str:
    """Run a program with a terminal for input and output; return what it printed."""
    ours, theirs = pty.openpty()
    os.write(ours, keys)
    process = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, close_fds=True
    )
    os.close(theirs)
    printed = b""
    try:
        while piece := os.read(ours, 1 << 16):
            printed += piece
    except OSError:  # the last program has closed the other end
        pass
    os.close(ours)
    process.wait()
    return printed.decode("utf-8", "surrogateescape")


def captured(sightings: Sequence[tuple[str, object]], *points: str) -> Capture:
    """Return a capture whose names, interfaces and comments are hostile."""
    plain = two_points(sightings)  # type: ignore[arg-type]
    names = points or [one.name for one in plain.interfaces]
    interfaces = [Interface(name=n, comment=TEXT, received=0, dropped=0) for n in names]
    called = {address: f"{name}{LINE}" for address, name in NAMES.items()}
    frames = [frame._replace(comment=TEXT) for frame in plain.frames()]
    return Capture.from_frames(frames, interfaces, called, TEXT)


def prepare(root: Path) -> None:
    """Fill a folder with captures, goldens, evidence and proposals, all hostile."""
    good, bad = captured(GOOD), captured(BAD)
    write(root / "good.pcapng", good)
    write(root / "bad.pcapng", bad)
    write(root / "named.pcapng", captured(GOOD, f"0{TEXT}", f"1{TEXT}"))
    (root / PATH).write_bytes(b"no capture")
    for name in (PATH, TEXT):
        (root / f"folder{name}").mkdir()
    (root / "policy.toml").write_text(f"{_quoted(TEXT)} = 'any'\n")
    _goldens(root / "golden", good, bad)
    _evidence(root, bad)
    _proposals(root, bad)


def _quoted(text: str) -> str:
    """Return a text as TOML has it."""
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


def _goldens(folder: Path, good: Capture, bad: Capture) -> None:
    """Write two variants, and a golden whose file has an unknown key."""
    for name, kernel, seen in (("one", "1", good), ("two", "2", bad)):
        about = {
            "scenario": "ping",
            "description": TEXT,
            "reference": TEXT,
            "requires": f"kernel == {kernel}",
            "provenance": {"kernel": kernel, "engine": f"was{TEXT}", "ruleset": RULES},
        }
        files.write(folder / "ping" / name, seen, about)
    files.write(folder / TEXT, captured(GOOD[:1]), {"scenario": TEXT})
    damaged = folder.with_name("damaged")
    files.write(damaged, good, {"scenario": "damaged"})
    toml = damaged / "golden.toml"
    toml.write_text(f"{_quoted(TEXT)} = 1\n{toml.read_text()}")


def _evidence(root: Path, seen: Capture) -> None:
    """Write what a run leaves that differs; once more, broken in several ways."""
    scenario, store = Scenario(id="ping"), Store(root / "golden")
    stored = Stored(capture=seen, facts=FACTS, state={"nat.txt": RULES})
    lab = StoredLab(seen.names, FACTS, stored.state)
    try:
        ScenarioRun(lab, scenario, store).judge_stored(stored)
    except ScenarioFailedError as error:
        verdict = error.verdict
    record = Record(
        scenario="ping",
        test=TEXT,
        outcome="fail",
        error=LINE,
        facts=FACTS,
        verdict=verdict,
    )
    host: Mapping[str, str] = {"nat.txt": RULES}
    bundle.write(root / "evidence" / "ping", capture=seen, record=record, state=host)
    told = (root / "evidence" / "ping" / "verdict.json").read_text()
    plain, _ = dumps(Record(scenario="ping", test=TEXT, outcome=TEXT, error=LINE))
    changed = {
        "broken": plain,
        "foreign": told.replace('"format": 1', f'"format": {json.dumps(TEXT)}'),
        "raw": told.replace('"test": "', '"test": "\x7f\x9b31m\u202e'),
    }
    for name, text in changed.items():
        shutil.copytree(root / "evidence", root / name)
        (root / name / "ping" / "verdict.json").write_text(text)
    (root / "broken" / "ping" / "capture.pcapng").unlink()


def _proposals(root: Path, seen: Capture) -> None:
    """Write proposals as a run would, one with a hostile name, one damaged."""
    store = PendingStore(root / "netlab-artifacts" / "pending")
    proposal = Proposal(
        scenario="ping",
        golden=root / "golden" / "ping" / "one",
        about={"description": TEXT, "provenance": {**FACTS, "ruleset": RULES}},
        test=TEXT,
        differs=TEXT,
    )
    for name in ("ping", PATH, "damaged"):
        store.write(name, seen, proposal)
    mark = store.root / "damaged" / "pending.toml"
    mark.write_text(f"{_quoted(TEXT)} = 1\n")
