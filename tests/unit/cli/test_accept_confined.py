"""A proposal becomes its scenario's golden, or is refused and nothing is touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.unit.store.test_files import ABOUT, ping

from pytest_netlab.cli import main
from pytest_netlab.errors import GoldenError
from pytest_netlab.store import PendingStore, Proposal, Store
from pytest_netlab.trace import canonicalize

if TYPE_CHECKING:
    from click.testing import Result

NAME = "ping-beyond"
GOLDEN = Path("golden", NAME)
PENDING = Path("netlab-artifacts/pending", NAME)
TO_GOLDEN = "../../../golden"


def netlab(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, arguments)


def record(root: str, scenario: str = NAME) -> None:
    """Record a golden."""
    Store(Path(root)).save(scenario, ping(), ABOUT)


def propose(
    scenario: str = NAME, name: str = NAME, golden: Path = GOLDEN, ttl: int = 60
) -> None:
    """Propose another in its place."""
    proposal = Proposal(
        scenario=scenario, golden=golden, about=ABOUT, test="t", differs="leaked"
    )
    PendingStore.beside(Path("netlab-artifacts")).write(name, ping(ttl=ttl), proposal)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a golden and a proposal; victims are around and in it."""
    monkeypatch.delenv("CI", raising=False)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    (project / "pytest.ini").write_text("[pytest]\n")
    for root in ("golden", "golden-old", "../golden", "../victim"):
        record(root)
    record("golden", "other")
    Path("golden/notes").mkdir()
    Path("golden/notes/thesis.txt").write_text("years")
    Path(GOLDEN, "_notes").mkdir()
    Path(GOLDEN, "_notes", "thesis.txt").write_text("years")
    Path("golden/link").symlink_to(tmp_path / "victim")
    Path("../victim.txt").write_text("mine")
    propose()
    return project


def everything(folder: Path) -> dict[str, tuple[int, object]]:
    """Return inode and content, or target, of all that is there."""
    found: dict[str, tuple[int, object]] = {}
    for path in sorted(folder.rglob("*")):
        held: object = None
        if path.is_symlink():
            held = path.readlink()
        elif path.is_file():
            held = path.read_bytes()
        found[str(path)] = path.lstat().st_ino, held
    return found


def refused(project: Path, *words: str) -> str:
    """Demand that accepting says why not, with exit code 2, and touches nothing."""
    before = everything(project.parent)
    for command in (["accept", NAME], ["accept", "--all"], ["review", "--accept-all"]):
        result = netlab(*command)

        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output
        for word in words:
            assert word in result.output
        assert everything(project.parent) == before
    listed = netlab("pending")
    assert (listed.exit_code, everything(project.parent)) == (0, before)
    return listed.output


def mark(value: str) -> None:
    """Let the proposal be for something else; `value` is TOML's text."""
    path = PENDING / "pending.toml"
    lines = path.read_text().splitlines()
    lines = [f"golden = {value}" if "golden =" in one else one for one in lines]
    path.write_text("\n".join(lines))


TARGETS = [
    "../../../../victim.txt",
    "../../../../victim",
    f"../../../../victim/{NAME}",
    f"../../../../golden/{NAME}",
    f"../../../golden-old/{NAME}",
    f"{TO_GOLDEN}/../golden-old/{NAME}",
    f"{TO_GOLDEN}/../../victim/{NAME}",
    TO_GOLDEN,
    f"{TO_GOLDEN}/other",
    f"{TO_GOLDEN}/notes",
    f"{TO_GOLDEN}/link",
    f"{TO_GOLDEN}/link/{NAME}",
    f"{TO_GOLDEN}/new",
    f"{TO_GOLDEN}/{NAME}x",
    f"{TO_GOLDEN}/{NAME}/_notes",
    f"{TO_GOLDEN}/{NAME}/golden.toml",
    f"{TO_GOLDEN}/{NAME}/.git",
    f"{TO_GOLDEN}/{NAME}/_hidden",
    f"{TO_GOLDEN}/{NAME}/a b",
    f"{TO_GOLDEN}/{NAME}/v1/v2",
    f"{TO_GOLDEN}/{NAME}\\n",
    f"{TO_GOLDEN}/{NAME.upper()}",
    "",
    ".",
    "..",
    "../../..",
    "/",
    "/etc/passwd",
    "~/golden",
    f"golden/{NAME}",
    f"{TO_GOLDEN}/{NAME}/\\u0000",
    "../" * 2000 + "x",
    "x" * 5000,
    "\\u001b[2J",
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda text: text[:40])
def test_target(project: Path, target: str) -> None:
    """A proposal for anything but its scenario's golden is refused, and stays."""
    mark(f'"{target}"')

    listed = refused(project, "Error: ")

    assert f"{NAME}  damaged" in listed
    assert netlab("reject", NAME).exit_code == 0
    assert not PENDING.exists()


@pytest.mark.parametrize("value", ["3", "[]", "true", "{a = 1}", '["golden"]'])
def test_target_that_is_no_text(project: Path, value: str) -> None:
    """A target that is no text is refused."""
    mark(value)

    refused(project, "$.golden: expected str, got")


def test_refusal_says_what_to_do(project: Path) -> None:
    """It names what the proposal is for, what it may be for, and both ways on."""
    mark('"../../../../victim.txt"')

    refused(
        project,
        f"{NAME}: it is for {project.parent / 'victim.txt'}",
        f"the golden of {NAME} is {project / GOLDEN}",
        "--golden, or reject it",
    )


@pytest.mark.parametrize(
    "scenario",
    [
        "../victim",
        "other/../../victim",
        "",
        ".",
        "..",
        "PING",
        "ping_beyond",
        "-ping",
        "ping\\n",
        "ping beyond",
        "/etc",
        "\\u0430",
        "x/" * 5000,
    ],
    ids=lambda text: text[:20],
)
def test_scenario(project: Path, scenario: str) -> None:
    """A scenario that is no id names no folder, even if the target agrees with it."""
    toml = PENDING / "golden.toml"
    toml.write_text(toml.read_text().replace(f'"{NAME}"', f'"{scenario}"', 1))
    story = PENDING / "story.txt"
    named = scenario.encode().decode("unicode_escape")
    story.write_text(canonicalize(ping(ttl=60)).text(named))
    mark(f'"{TO_GOLDEN}/{scenario}"')

    refused(project, "is no id: lower case, digits and -")


def test_other_scenario(project: Path) -> None:
    """A proposal is for the golden of the scenario it is of, not of its name."""
    mark(f'"{TO_GOLDEN}/other"')

    refused(project, f"the golden of {NAME} is")


@pytest.mark.parametrize("name", ["golden.toml", "capture.pcapng", "story.txt"])
def test_file_that_is_a_link(project: Path, name: str) -> None:
    """A proposal's files are its own: a link in it is refused, wherever it leads."""
    shutil.move(PENDING / name, "elsewhere")
    (PENDING / name).symlink_to(project / "elsewhere")

    refused(project, "Error: ")


def test_mark_that_is_a_link(project: Path) -> None:
    """A folder whose pending.toml is a link is no proposal."""
    shutil.move(PENDING / "pending.toml", "elsewhere")
    (PENDING / "pending.toml").symlink_to(project / "elsewhere")
    before = everything(project.parent)

    assert netlab("accept", NAME).exit_code == 2
    assert netlab("reject", NAME).exit_code == 2
    assert everything(project.parent) == before


@pytest.mark.parametrize("name", ["golden.toml", "capture.pcapng", "story.txt"])
def test_file_that_is_a_pipe(project: Path, name: str) -> None:
    """Nobody waits for a pipe, and nobody reads one."""
    (PENDING / name).unlink()
    os.mkfifo(PENDING / name)

    refused(project, "Error: ")


def test_proposal_that_is_a_link(project: Path) -> None:
    """A link to a proposal is none: what it leads to is neither read nor removed."""
    PENDING.rename("elsewhere")
    PENDING.symlink_to(project / "elsewhere")
    before = everything(project.parent)

    for words in (["accept", NAME], ["reject", NAME]):
        result = netlab(*words)
        assert result.exit_code == 2
        assert "nothing is pending" in result.output
    assert everything(project.parent) == before


def test_proposals_that_are_a_link(project: Path) -> None:
    """The folder of proposals is no link either."""
    PENDING.parent.rename("elsewhere")
    PENDING.parent.symlink_to(project / "elsewhere")
    before = everything(project.parent)

    for words in (["pending"], ["accept", NAME], ["reject", "--all"], ["review"]):
        result = netlab(*words)
        assert result.exit_code == 2
        assert "is a link, and none is followed: move it away" in result.output
    assert everything(project.parent) == before


def test_golden_that_is_a_link(project: Path) -> None:
    """A link among the goldens is not followed, and not replaced."""
    GOLDEN.rename("moved")
    GOLDEN.symlink_to(project / "moved")

    refused(project, "Error: ")


def test_root_that_is_a_link() -> None:
    """The folder of goldens itself may be a link within the project."""
    Path("golden").rename("moved")
    Path("golden").symlink_to("moved")

    assert netlab("accept", NAME).exit_code == 0
    assert Path("golden").is_symlink()
    assert Store(Path("moved")).load(NAME).canonical == canonicalize(ping(ttl=60))


@pytest.mark.parametrize("kind", ["file", "folder", "foreign", "empty"])
def test_place_that_is_taken(project: Path, kind: str) -> None:
    """What is there is that golden or nothing: anything else stays."""
    shutil.rmtree(GOLDEN)
    if kind == "file":
        GOLDEN.write_text("mine")
    elif kind == "foreign":
        shutil.copytree("golden/other", GOLDEN)
    else:
        GOLDEN.mkdir()
        if kind == "folder":
            (GOLDEN / "thesis.txt").write_text("years")

    refused(project, "Error: ")


@pytest.mark.parametrize(
    "name",
    [
        f"../pending/{NAME}",
        f"./{NAME}",
        f"{NAME}/",
        f"{NAME}/.",
        "..",
        ".",
        "",
        "../../../stray",
        ".hidden",
        "-",
        "*",
        f"{NAME}\n",
        f"{NAME}\x00",
    ],
)
@pytest.mark.parametrize(
    "command",
    [["accept"], ["reject"], ["review", "--accept-all"], ["review", "--reject-all"]],
    ids=" ".join,
)
def test_name(project: Path, command: list[str], name: str) -> None:
    """A name is one of those that are listed, not a path to what looks like one."""
    for place in ("stray", "netlab-artifacts/pending/.hidden"):
        shutil.copytree(PENDING, place)
    before = everything(project.parent)

    result = netlab(*command, "--", name)

    assert result.exit_code == 2
    assert f"{NAME} is pending" in result.output
    assert everything(project.parent) == before


def test_target_is_shown(project: Path) -> None:
    """What is pending says where it would be recorded."""
    propose(scenario="new", name="new", golden=Path("golden/new"))

    listed = netlab("pending").output

    assert f"  for {project / GOLDEN}\n" in listed
    assert f"  for {project / 'golden' / 'new'} (new)\n" in listed


def test_where_the_goldens_are(project: Path) -> None:
    """--golden names the folder; without it, it is the one that pytest would use."""
    Path("expected").mkdir()
    shutil.copytree("golden", "expected/golden", symlinks=True)
    propose(golden=Path("expected/golden", NAME))
    refused(project, "--golden, or reject it")

    Path("pytest.ini").write_text("[pytest]\nnetlab_golden = expected/golden\n")
    assert f"for {project}/expected/golden" in netlab("pending").output
    Path("pytest.ini").write_text("[pytest]\n")

    assert netlab("accept", NAME, "--golden", "expected/golden").exit_code == 0
    root = Store(Path("expected/golden"))
    assert root.load(NAME).canonical == canonicalize(ping(ttl=60))


def test_from_a_folder_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project is looked for upward, as pytest does."""
    below = project / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    result = netlab("accept", NAME, "--artifacts", "../../netlab-artifacts")

    assert result.output == f"accepted {NAME}: {project / GOLDEN}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("netlab_golden = ..", "which is outside of it"),
        ("netlab_golden = /", "which is outside of it"),
        ("netlab_golden = golden/link", "which is outside of it"),
        ("no line of an ini file", "pytest.ini"),
    ],
)
def test_configuration_that_leads_elsewhere(
    project: Path, text: str, words: str
) -> None:
    """A pytest.ini names goldens of its own project only; --golden names any."""
    Path("pytest.ini").write_text(f"[pytest]\n{text}\n")
    before = everything(project.parent)

    result = netlab("accept", NAME)

    assert result.exit_code == 2
    assert words in result.output.replace("\n", " ")
    assert "--golden" in result.output
    assert everything(project.parent) == before
    assert netlab("accept", NAME, "--golden", "golden").exit_code == 0


def test_nothing_of_the_project_runs(project: Path) -> None:
    """To find the goldens, neither a plugin nor a conftest.py is loaded."""
    Path("pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = -p owned\n")
    for name in ("owned.py", "conftest.py"):
        Path(name).write_text("raise SystemExit('owned')")

    assert netlab("accept", NAME).output == f"accepted {NAME}: {project / GOLDEN}\n"


def test_what_is_shown_is_recorded(project: Path) -> None:
    """A proposal that changes after it was read is recorded as it was read."""
    store = PendingStore.beside(Path("netlab-artifacts"))
    shown = store.load(NAME, Path("golden"))
    for path in PENDING.iterdir():
        path.write_bytes(b"something else")
    mark(f'"{TO_GOLDEN}/other"')

    assert store.accept(shown)
    assert Store(project / "golden").load(NAME).canonical == canonicalize(ping(ttl=60))
    assert Store(project / "golden").load("other").canonical == canonicalize(ping())


def test_newer_proposal_stays() -> None:
    """What a run has proposed since the reviewer looked is not removed unseen."""
    store = PendingStore.beside(Path("netlab-artifacts"))
    shown = store.load(NAME, Path("golden"))
    propose(ttl=50)

    store.drop(shown)
    assert store.names() == [NAME]

    store.accept(shown)
    with pytest.raises(GoldenError, match="has changed since"):
        store.accept(store.load(NAME, Path("golden")))


def test_variant(project: Path) -> None:
    """A variant of the scenario's golden is its own too."""
    variant = GOLDEN / "engine-28.1"
    variant.mkdir()
    (variant / "golden.toml").write_text(
        f'format = 1\nscenario = "{NAME}"\nrequires = "engine < 28"\n'
    )
    propose(golden=variant)

    result = netlab("accept", NAME)

    assert result.output == f"accepted {NAME}: {project / variant}\n"
    assert Path(GOLDEN, "_notes", "thesis.txt").read_text() == "years"
