"""The evidence of a run: every file there is, and none of an older run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.hosts import changed, lines

from pytest_netlab import capture as captures
from pytest_netlab.errors import LabError
from pytest_netlab.evidence import MARK, Record, bundle, dissect, read
from pytest_netlab.judge import MatchingVariant, Verdict
from pytest_netlab.lab.backends.fake import FakeLab
from pytest_netlab.masking import Mask
from pytest_netlab.report import render
from pytest_netlab.run import ScenarioRun
from pytest_netlab.session import Netlab
from pytest_netlab.spec import LabOptions, Scenario
from pytest_netlab.store import Store
from pytest_netlab.trace import CanonicalTrace

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_netlab.capture import Capture
    from pytest_netlab.recorder import Update

STATE = {"iptables.txt": "*nat\n", "routes.txt": "default\n"}


@pytest.fixture
def seen(tmp_path: Path) -> tuple[Capture, Verdict]:
    """Return a capture that differs from its golden, and the verdict."""
    store = Store(tmp_path / "golden")
    lab = FakeLab(LabOptions())
    for update in (True, False):
        lab.wire.nat.masquerade = update
        mode: Update = "all" if update else "none"
        run = ScenarioRun(lab, Scenario(id="ping"), store, update=mode)
        netlab = Netlab(run)
        with netlab.capture() as trace:
            netlab.c1.run("ping", netlab.host01.address)
        if update:
            netlab.check(trace)
    return trace.capture, run.judge(trace)


def recorded(verdict: Verdict | None) -> Record:
    """Return how a run with this verdict ended."""
    outcome, error = (verdict.outcome, "") if verdict else ("error", "no canary")
    facts = {"engine": "fake"}
    return Record(
        scenario="ping",
        test="test_ping.py::test_ping",
        outcome=outcome,
        error=error,
        facts=facts,
        verdict=verdict,
    )


def shown(folder: Path) -> list[str]:
    """Return what a folder holds, in order, without what is hidden."""
    return sorted(path.name for path in folder.glob("[!.]*"))


def test_no_text_has_a_secret(tmp_path: Path, seen: tuple[Capture, Verdict]) -> None:
    """A value that a container has is in no text; the record can be read as ever."""
    capture, verdict = seen
    mask = Mask({})
    mask.learn("DB_PASSWORD", 'wh"at ever')
    inspect = json.dumps([{"Config": {"Env": ['DB_PASSWORD=wh"at ever', "A=b"]}}])
    state = {"dockerd.log": 'got "wh\\"at ever"\n', "docker-inspect.json": inspect}
    told = replace(recorded(verdict), error='no wh"at ever')
    folder = tmp_path / "ping"

    bundle.write(folder, capture=capture, record=told, state=state, mask=mask)

    held = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(b"at ever" in octets for octets in held)
    assert (folder / "host" / "dockerd.log").read_text() == 'got "***"\n'
    assert json.loads((folder / "host" / "docker-inspect.json").read_text()) == [
        {"Config": {"Env": ["DB_PASSWORD=***", "A=***"]}}
    ]
    again = read(folder)
    assert again.error == "no ***"
    assert again.verdict is not None
    assert again.verdict.differences == verdict.differences


def test_everything(tmp_path: Path, seen: tuple[Capture, Verdict]) -> None:
    """A failed run leaves its packets, both stories, their difference and the host."""
    capture, verdict = seen
    folder = tmp_path / "artifacts" / "ping"

    assert (
        bundle.write(folder, capture=capture, record=recorded(verdict), state=STATE)
        == folder
    )
    assert shown(folder) == [
        "capture.pcapng",
        "difference.txt",
        *["dissection.txt"] * dissect.available(),
        "expected.txt",
        "host",
        "story.txt",
        "verdict.json",
    ]
    assert {p.name: p.read_text() for p in (folder / "host").iterdir()} == STATE
    written = captures.read(folder / "capture.pcapng")
    plain = [frame._replace(comment="") for frame in written.frames()]
    assert plain == list(capture.frames())
    assert (folder / "story.txt").read_text() == verdict.observed.text("ping")


def test_difference(tmp_path: Path, seen: tuple[Capture, Verdict]) -> None:
    """The difference is a whole unified diff of the stories."""
    folder = bundle.write(
        tmp_path / "x", capture=None, record=recorded(seen[1]), state={}
    )
    lines = (folder / "difference.txt").read_text().splitlines()

    assert lines[:2] == ["--- expected", "+++ observed"]
    assert any(line.startswith("-  uplink   host ") for line in lines)
    assert any(line.startswith("+  uplink   c1 ") for line in lines)


def test_json(tmp_path: Path, seen: tuple[Capture, Verdict]) -> None:
    """The verdict is there for machines, with cause and every difference."""
    folder = bundle.write(
        tmp_path / "x", capture=None, record=recorded(seen[1]), state={}
    )
    table = json.loads((folder / "verdict.json").read_text())

    assert (table["scenario"], table["outcome"], table["cause"]) == (
        "ping",
        "fail",
        "leaked",
    )
    assert len(table["differences"]) == len(seen[1].differences)
    assert table["differences"][0]["cause"]["name"] == "leaked"
    assert table["flows"][0]["kind"] == "none"
    assert table["format"] == 1
    assert not any(table["verdict"]["host"].values())


def test_recorded(tmp_path: Path, seen: tuple[Capture, Verdict]) -> None:
    """Where nothing was expected there is nothing to compare with."""
    verdict = Verdict(scenario="ping", outcome="recorded", observed=seen[1].observed)
    folder = bundle.write(
        tmp_path / "x", capture=seen[0], record=recorded(verdict), state={}
    )

    assert shown(folder) == [
        "capture.pcapng",
        "host",
        "story.txt",
        "verdict.json",
    ]


def test_nothing_seen(tmp_path: Path) -> None:
    """A run without capture and verdict leaves the state of its host."""
    folder = bundle.write(
        tmp_path / "x", capture=None, record=recorded(None), state=STATE
    )

    assert shown(folder) == ["host", "verdict.json"]


def test_older_evidence_goes(tmp_path: Path, seen: tuple[Capture, Verdict]) -> None:
    """What an older run left in the folder is not mistaken for this one's."""
    folder = tmp_path / "x"
    bundle.write(folder, capture=seen[0], record=recorded(seen[1]), state=STATE)
    bundle.write(folder, capture=None, record=recorded(None), state={})

    assert shown(folder) == ["host", "verdict.json"]
    assert list((folder / "host").iterdir()) == []


def test_foreign_folder_stays(tmp_path: Path) -> None:
    """A folder that holds anything but evidence is refused, and left as it is."""
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(LabError, match="is no evidence of pytest-netlab and stays"):
        bundle.write(tmp_path, capture=None, record=recorded(None), state={})
    assert shown(tmp_path) == ["thesis.txt"]


@pytest.mark.parametrize("marked", [True, False])
def test_link_is_not_followed(tmp_path: Path, *, marked: bool) -> None:
    """A link where evidence goes leads nowhere: what is behind it stays as it is."""
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "artifacts" / "ping"
    bundle.write(elsewhere, capture=None, record=recorded(None), state=STATE)
    if not marked:
        (elsewhere / MARK).unlink()
    link.parent.mkdir()
    link.symlink_to(elsewhere)
    before = {p: p.read_bytes() for p in elsewhere.rglob("*") if p.is_file()}

    if marked:
        bundle.write(link, capture=None, record=recorded(None), state={})
        assert not link.is_symlink()
        assert list((link / "host").iterdir()) == []
    else:
        with pytest.raises(LabError, match="is no evidence of pytest-netlab"):
            bundle.write(link, capture=None, record=recorded(None), state={})
    assert {p: p.read_bytes() for p in elsewhere.rglob("*") if p.is_file()} == before


def test_packets_that_differ_say_so(
    tmp_path: Path, seen: tuple[Capture, Verdict]
) -> None:
    """Exactly the packets that differ have a comment, with field and cause."""
    capture, verdict = seen
    folder = bundle.write(
        tmp_path / "x", capture=capture, record=recorded(verdict), state={}
    )
    frames = enumerate(captures.read(folder / "capture.pcapng").frames(), 1)

    told = {number: frame.comment for number, frame in frames if frame.comment}
    assert set(told) == {d.packet for d in verdict.differences if d.packet}
    assert any("source: want host, got c1 (leaked" in text for text in told.values())


def test_read_back(tmp_path: Path, seen: tuple[Capture, Verdict]) -> None:
    """A verdict.json gives all that its text is made of; that is not its traces."""
    wanted = recorded(seen[1])
    folder = bundle.write(tmp_path / "x", capture=seen[0], record=wanted, state={})
    got = read(folder)

    bare = CanonicalTrace((), ())
    expected = seen[1].expected and bare
    assert got == replace(
        wanted, verdict=replace(seen[1], observed=bare, expected=expected)
    )
    assert got.verdict is not None
    assert render(got.verdict, folder) == render(seen[1], folder)


def test_interrupted(
    tmp_path: Path, seen: tuple[Capture, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What interrupts the writing leaves the older bundle whole, and nothing else."""
    folder = tmp_path / "x"
    bundle.write(folder, capture=seen[0], record=recorded(seen[1]), state=STATE)
    before = {path: path.read_bytes() for path in folder.glob("*.*")}

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(captures, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bundle.write(folder, capture=seen[0], record=recorded(None), state={})
    assert {path: path.read_bytes() for path in folder.glob("*.*")} == before
    assert [p.name for p in tmp_path.glob(".pytest-netlab-*")] == []


@pytest.mark.parametrize(
    "word", ["fail", "uplink", "error", "original", "leaked", "ping", "differences"]
)
def test_words_of_the_verdict_stay(
    tmp_path: Path, seen: tuple[Capture, Verdict], word: str
) -> None:
    """A secret that is a word of verdict.json too does not break it."""

    class Blunt(Mask):
        def text(self, text: str) -> str:
            return text.replace(word, "***")

    told = replace(recorded(seen[1]), error=f"no {word}")
    folder = tmp_path / "ping"

    bundle.write(folder, capture=None, record=told, state={}, mask=Blunt({}))

    again = read(folder)
    assert (again.scenario, again.outcome) == ("ping", "fail")
    assert again.error == "no ***"
    assert again.verdict is not None
    assert again.verdict.cause == seen[1].cause
    flows = json.loads((folder / "verdict.json").read_text())["flows"]
    assert [one["kind"] for one in flows] == ["none"]


def test_free_texts_of_the_verdict(
    tmp_path: Path, seen: tuple[Capture, Verdict]
) -> None:
    """What others wrote into a verdict is masked wherever it is."""
    value = "hunter2-hunter2"
    mask = Mask({"A_TOKEN": value})
    host = changed(
        missing=(f"-A {value}",), settings={"name": (value, "1")}, full=value
    )
    odd = tuple(replace(one, want=value) for one in seen[1].differences)
    verdict = replace(
        seen[1],
        host=host,
        differences=odd,
        recorded_on={"ruleset": value},
        variant=MatchingVariant(name="other", about={"description": value}),
    )
    folder = tmp_path / "ping"

    bundle.write(folder, capture=None, record=recorded(verdict), state={}, mask=mask)

    assert value not in (folder / "verdict.json").read_text()
    assert (folder / "masked.txt").exists()
    again = read(folder).verdict
    assert again is not None
    assert again.host.missing == lines("-A ***")
    assert again.variant == MatchingVariant(name="other", about={"description": "***"})
