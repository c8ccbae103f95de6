"""Goldens on disk: three files that agree, or an error that says how to go on."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.traffic import C1, HOST, HOST01, IN, INSIDE, OUTSIDE, Packet, routed
from tests.traffic import two_points as seen

from pytest_netlab import capture as captures
from pytest_netlab.diff import Policy
from pytest_netlab.errors import GoldenError, PolicyError
from pytest_netlab.files import folders
from pytest_netlab.flows import ICMP, Tuple5
from pytest_netlab.store import CAPTURE, STORY, TOML, Golden, Store, files
from pytest_netlab.trace import canonicalize

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_netlab.capture import Capture

NAME = "ping-beyond"
ABOUT = {
    "description": "A ping — with a dash.",
    "provenance": {"engine": "28.5.2", "ruleset": 'nat -A "x" \\\nfilter -P ACCEPT'},
}
FILES = [CAPTURE, STORY, TOML]


def ping(ttl: int = 64, id_: int = 7, addr: str = C1) -> Capture:
    """Return both points' capture of an echo request."""
    key = Tuple5(ICMP, addr, id_, HOST01, id_)
    packet = Packet(key=key, data=bytes(56), ip_id=1, ttl=ttl, direction=IN)
    sent = routed(packet, key._replace(src=HOST))
    names = {addr: "c1", HOST: "host", HOST01: "host01"}
    return seen([(INSIDE, packet), (OUTSIDE, sent)], names)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a folder without goldens, which is not there yet."""
    return Store(tmp_path / "golden")


@pytest.fixture
def golden(store: Store) -> Path:
    """Return the folder of a golden that was recorded."""
    folder, changed = store.save(NAME, ping(), ABOUT)
    assert changed
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file's name and bytes."""
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_round_trip(store: Store, golden: Path) -> None:
    """What was recorded is what is loaded."""
    assert golden == store.folder(NAME)
    assert sorted(contents(golden)) == sorted(FILES)
    assert store.load(NAME) == Golden(
        scenario=NAME,
        canonical=canonicalize(ping()),
        policy=Policy(),
        provenance=ABOUT["provenance"],  # type: ignore[arg-type]
        about={"description": ABOUT["description"]},  # type: ignore[dict-item]
    )


def test_golden_describes_itself(golden: Path) -> None:
    """The files say what they are, in words for people and symbols with addresses."""
    text = (golden / TOML).read_text(encoding="utf-8")

    assert text.startswith("# Recorded by pytest-netlab. [policy], description,")
    assert 'description = "A ping — with a dash."' in text
    assert f'c1 = "{C1}"' in text
    assert (golden / STORY).read_text() == canonicalize(ping()).text(NAME)
    assert captures.read(golden / CAPTURE).names[C1] == "c1"


def test_missing(store: Store) -> None:
    """A golden that is not there is an error that says how to record it."""
    words = "no golden for scenario 'ping-beyond'.*--netlab-update"
    with pytest.raises(GoldenError, match=words):
        store.load(NAME)


@pytest.mark.parametrize("name", FILES)
def test_missing_file(store: Store, golden: Path, name: str) -> None:
    """Each of the three files must be there; the error names the one that is not."""
    (golden / name).unlink()

    with pytest.raises(GoldenError, match=name):
        store.load(NAME)


def test_truncated_capture(store: Store, golden: Path) -> None:
    """A capture cut at any byte is an error, unless only the counters are gone."""
    path = golden / CAPTURE
    whole = path.read_bytes()
    story = store.load(NAME).canonical
    survived = []
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        try:
            assert store.load(NAME).canonical == story
            survived.append(size)
        except GoldenError as error:
            assert "version control" in str(error)  # noqa: PT017 - one of two is right

    assert len(survived) == 2  # one counter is gone, or both


def test_changed_capture(store: Store, golden: Path) -> None:
    """A capture that was replaced does not go with its story."""
    captures.write(golden / CAPTURE, ping(ttl=65))

    with pytest.raises(GoldenError, match=r"story\.txt is not what capture"):
        store.load(NAME)


def test_capture_that_is_none(store: Store, golden: Path) -> None:
    """A file that is no capture is damage, told with its name."""
    (golden / CAPTURE).write_bytes(b"PNG")

    with pytest.raises(GoldenError, match=r"damaged: .*capture\.pcapng.*not a pcap"):
        store.load(NAME)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace(b"ttl 64", b"ttl 63"),
        lambda text: text + b"\n",
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text + b"\xff",
        lambda _: b"",
    ],
    ids=["value", "end", "line ends", "no UTF-8", "empty"],
)
def test_edited_story(
    store: Store, golden: Path, edit: Callable[[bytes], bytes]
) -> None:
    """A story that was edited by hand is refused."""
    path = golden / STORY
    path.write_bytes(edit(path.read_bytes()))

    with pytest.raises(GoldenError, match="generated, never edited"):
        store.load(NAME)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("format = 1", "format = 2", "of format 2, and this version reads format 1"),
        ("format = 1", "", "this is no golden of pytest-netlab"),
        (f'scenario = "{NAME}"', 'scenario = "x"', f"'x', and not of '{NAME}'"),
        (f'scenario = "{NAME}"', "", "it lacks scenario"),
        ("format = 1", "format = 1\ncolour = 3", "unknown key 'colour'; known keys "),
        ("format = 1", "format = = 1", "cannot read it: .*restore it from version"),
        ("\n[policy]", "\n[policy]\nttl = 3", r"golden\.toml: unknown rule for ttl 3"),
        ("\n[policy]", "\n[policy]\nx = 'any'", r"golden\.toml: unknown field 'x' in"),
        ("\n[policy]", "\n[policies]", "unknown key 'policies'"),
    ],
)
def test_bad_toml(store: Store, golden: Path, old: str, new: str, words: str) -> None:
    """What golden.toml cannot mean is named, with the file."""
    path = golden / TOML
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(GoldenError, match=words):
        store.load(NAME)


@pytest.mark.parametrize("key", ["policy", "symbols", "provenance"])
def test_table_that_is_none(store: Store, golden: Path, key: str) -> None:
    """A table that was turned into something else is refused."""
    (golden / TOML).write_text(f'format = 1\nscenario = "{NAME}"\n{key} = 3\n')

    with pytest.raises(GoldenError, match=rf"\$\.{key}: expected object, got int"):
        store.load(NAME)


def test_toml_that_is_not_text(store: Store, golden: Path) -> None:
    """A golden.toml that is not UTF-8 cannot be read."""
    (golden / TOML).write_bytes(b"\xff")

    with pytest.raises(GoldenError, match="cannot read it"):
        store.load(NAME)


def test_policy(store: Store, golden: Path) -> None:
    """The policy is what was edited into golden.toml."""
    set_policy(golden, 'ttl = "any"')

    assert store.load(NAME).policy == Policy({"ttl": "any"})


def set_policy(golden: Path, line: str) -> None:
    """Edit the policy, as its user may."""
    path = golden / TOML
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("\n[policy]\n", f"\n[policy]\n{line}\n"), encoding="utf-8"
    )


def test_unchanged_story(store: Store, golden: Path) -> None:
    """A golden that tells the same story is left as it is, to the byte."""
    before = contents(golden)

    folder, changed = store.save(
        NAME, ping(id_=9, addr="10.0.0.9"), {"description": "x"}
    )

    assert (folder, changed) == (golden, False)
    assert contents(golden) == before


def test_update_keeps_policy(store: Store, golden: Path) -> None:
    """A golden that is recorded anew has a new story and the policy it had."""
    set_policy(golden, 'ttl = "any"')

    assert store.save(NAME, ping(ttl=65), ABOUT) == (golden, True)
    assert store.load(NAME).canonical == canonicalize(ping(ttl=65))
    assert store.load(NAME).policy == Policy({"ttl": "any"})
    assert sorted(contents(golden)) == sorted(FILES)


def test_update_keeps_what_is_its_users(store: Store, golden: Path) -> None:
    """Notes, links and variants beside a golden's files are there after an update."""
    (golden / "notes.md").write_text("why it is so")
    (golden / "see").symlink_to("nowhere")
    (golden / "old").mkdir(mode=0o700)
    for name in FILES:
        shutil.copy(golden / name, golden / "old" / name)
    toml = golden / "old" / TOML
    toml.write_text('requires = "engine < 28"\n' + toml.read_text())
    main = golden / TOML
    main.write_text('requires = "engine >= 28"\n' + main.read_text())
    variant = contents(golden / "old")
    about = {"provenance": {"engine": "29"}}

    assert store.save(NAME, ping(ttl=65), about) == (golden, True)

    assert (golden / "notes.md").read_text() == "why it is so"
    assert (golden / "see").readlink().name == "nowhere"
    assert contents(golden / "old") == variant
    assert (golden / "old").stat().st_mode & 0o777 == 0o700
    assert store.load(NAME, {"engine": "29"}).canonical == canonicalize(ping(ttl=65))


@pytest.mark.parametrize("kind", ["file", "link"])
def test_place_that_is_taken(store: Store, golden: Path, kind: str) -> None:
    """A file or a link where a golden should be is refused, and stays."""
    taken = store.folder("other")
    if kind == "file":
        taken.write_text("mine")
    else:
        taken.symlink_to(golden)
    before = contents(store.root)

    with pytest.raises(GoldenError, match="stays as it is"):
        files.write(taken, ping(ttl=65), {"scenario": "other"})
    assert contents(store.root) == before


def test_other_goldens_are_left_alone(store: Store, golden: Path) -> None:
    """Recording one golden touches no other, and leaves nothing beside them."""
    store.save("other", ping(), ABOUT)
    store.save("other", ping(ttl=65), ABOUT)

    assert sorted(p.name for p in golden.parent.iterdir()) == ["other", NAME]
    assert store.load(NAME).canonical == canonicalize(ping())


@pytest.mark.parametrize("name", FILES)
def test_damaged_is_not_overwritten(store: Store, golden: Path, name: str) -> None:
    """An update refuses a damaged golden and leaves it to be looked at."""
    (golden / name).write_bytes(b"damage")
    before = contents(golden)

    with pytest.raises(GoldenError):
        store.save(NAME, ping(ttl=65), ABOUT)
    assert contents(golden) == before


def test_bad_policy_is_not_overwritten(store: Store, golden: Path) -> None:
    """A policy that cannot be meant stops an update too."""
    set_policy(golden, 'colour = "any"')
    before = contents(golden)

    with pytest.raises(PolicyError):
        store.save(NAME, ping(ttl=65), ABOUT)
    assert contents(golden) == before


def lacking(*_: object) -> None:
    """Do as a file system without RENAME_EXCHANGE does."""
    raise OSError(errno.EINVAL, "Invalid argument")


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_interrupted(
    store: Store,
    golden: Path,
    monkeypatch: pytest.MonkeyPatch,
    nth: int,
    error: type[BaseException],
) -> None:
    """An update that is interrupted at either rename leaves the old golden.

    There are two of them where a file system cannot exchange folders.
    """
    before = contents(golden)
    monkeypatch.setattr(folders, "_exchange", lacking)
    calls: list[int] = []
    rename = type(golden).rename

    def fails_once(self: Path, target: Path) -> Path:
        calls.append(1)
        if len(calls) == nth:
            raise error
        return rename(self, target)

    monkeypatch.setattr(type(golden), "rename", fails_once)

    with pytest.raises(GoldenError if error is OSError else error):
        store.save(NAME, ping(ttl=65), ABOUT)
    assert contents(golden) == before
    assert [path.name for path in golden.parent.iterdir()] == [NAME]


def test_interrupted_while_writing(
    store: Store, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update that fails while it writes leaves the old golden and nothing else."""
    before = contents(golden)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(captures, "write", full)

    with pytest.raises(GoldenError, match=r"No space.*make that folder"):
        store.save(NAME, ping(ttl=65), ABOUT)
    assert contents(golden) == before
    assert [path.name for path in golden.parent.iterdir()] == [NAME]


def test_interrupted_first_record(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first record that fails leaves no golden."""

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(captures, "write", fails)

    with pytest.raises(KeyboardInterrupt):
        store.save(NAME, ping(), ABOUT)
    assert list(store.root.iterdir()) == []


def test_missing_golden_is_recorded(store: Store, golden: Path) -> None:
    """A golden whose folder was removed is recorded as if it were new."""
    shutil.rmtree(golden)

    assert store.save(NAME, ping(ttl=65), ABOUT) == (golden, True)


def test_golden_is_a_value(store: Store, golden: Path) -> None:
    """Two loads of one golden are equal."""
    assert golden.is_dir()
    assert store.load(NAME) == replace(store.load(NAME))
