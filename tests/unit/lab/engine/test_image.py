import gzip
import io
import lzma
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from tests.hostile import DEEP, DIGITS

from pytest_netlab.errors import LabError, LabUnavailableError
from pytest_netlab.lab.engine import image


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return what is found as `busybox` on PATH: a static program."""
    path = tmp_path / "busybox"
    path.write_bytes(b"\x7fELF static")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


def test_root_has_shell_server_and_page(program: Path) -> None:
    """The image's root holds busybox, its applets and the page to serve."""
    with tarfile.open(fileobj=io.BytesIO(image.root_archive())) as tar:
        names = tar.getnames()
        page = tar.extractfile("srv/index.html")
        assert page is not None
        assert b"Directory listing for /" in page.read()
        assert tar.getmember("bin/sh").linkname == "busybox"
        assert tar.getmember("bin/busybox").size == program.stat().st_size

    assert {"bin/httpd", "bin/sleep", "tmp"} <= set(names)


def test_root_is_the_same_every_time(program: Path) -> None:
    """Nothing of the clock or the machine's users is in it."""
    first, second = image.root_archive(), image.root_archive()

    assert program.exists()
    assert first == second


def test_dynamic_busybox_does_not_do(program: Path) -> None:
    """A busybox that needs libraries would not start in an empty root."""
    program.write_bytes(b"\x7fELF /lib64/ld-linux-x86-64.so.2")

    with pytest.raises(LabUnavailableError, match="install the package busybox-static"):
        image.root_archive()


def saved(path: Path, manifest: bytes, pack: str = "") -> None:
    """Write an archive with this manifest, and pack it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        item = tarfile.TarInfo("manifest.json")
        item.size = len(manifest)
        tar.addfile(item, io.BytesIO(manifest))
    plain = buffer.getvalue()
    packed = {"": plain, "gz": gzip.compress(plain), "xz": lzma.compress(plain)}
    path.write_bytes(packed[pack])


@pytest.mark.parametrize("tags", [["a:1"], [], None])
def test_saved_image_names_itself(tags: list[str] | None, tmp_path: Path) -> None:
    """An archive of `docker save` gives its names, even when it has none."""
    path = tmp_path / "image.tar"
    text = f'[{{"RepoTags": {tags or "null"}}}]'.replace("'", '"').encode()
    saved(path, text)

    assert image._saved_tags(path) == (tags or [])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"5",
        b"[]",
        b"[5]",
        b"[[]]",
        b"[null]",
        b"[{}]",
        b'[{"RepoTags": 5}]',
        b'[{"RepoTags": "a:1"}]',
        b'[{"RepoTags": [5]}]',
        b'[{"RepoTags": [["a"]]}]',
        b'[{"RepoTags": {"a": 1}}]',
        b'[{"RepoTags": [%s]}]' % DIGITS,
        rb'[{"RepoTags": ["\ud800"]}]',
        b'[{"RepoTags": ["a"], "RepoTags": []}]',
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b"\xff",
    ],
    ids=range(19),
)
@pytest.mark.parametrize("pack", ["", "gz", "xz"])
def test_hostile_manifest(text: bytes, pack: str, tmp_path: Path) -> None:
    """An archive whose manifest means nothing is no image."""
    path = tmp_path / "image.tar"
    saved(path, text, pack)

    with pytest.raises(LabError, match=r"image\.tar is no image: ") as caught:
        image._saved_tags(path)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "kind", [tarfile.LNKTYPE, tarfile.SYMTYPE], ids=["hard", "sym"]
)
@pytest.mark.parametrize("target", ["nowhere", "manifest.json", "other"])
def test_linked_manifest(kind: bytes, target: str, tmp_path: Path) -> None:
    """A manifest that is a link, to nothing, itself or a file, is no image."""
    path = tmp_path / "image.tar"
    with tarfile.open(path, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("other"))
        item = tarfile.TarInfo("manifest.json")
        item.type, item.linkname = kind, target
        tar.addfile(item)

    with pytest.raises(LabError, match=r"image\.tar is no image: .*is a link"):
        image._saved_tags(path)


@pytest.mark.parametrize("pack", ["", "gz", "xz"])
def test_damaged_archive(pack: str, tmp_path: Path) -> None:
    """An archive that is cut or altered is no image, or one of a root file system."""
    path = tmp_path / "image.tar"
    saved(path, b"[" + b" " * 5000 + b'{"RepoTags": ["a:1"]}]', pack)
    whole = path.read_bytes()

    for at in range(0, len(whole), max(len(whole) // 50, 1)):
        for damaged in (whole[:at], whole[:at] + b"\xff" + whole[at + 1 :]):
            path.write_bytes(damaged)
            with suppress(LabError):
                image._saved_tags(path)


def test_root_archive_is_no_saved_image(program: Path, tmp_path: Path) -> None:
    """An archive without a manifest is a root file system."""
    path = tmp_path / "root.tar"
    path.write_bytes(image.root_archive())

    assert program.exists()
    assert image._saved_tags(path) is None


@pytest.mark.parametrize("content", [b"", b"junk" * 300])
def test_other_files_are_named(content: bytes, tmp_path: Path) -> None:
    """A file that is no archive is an error that names it."""
    path = tmp_path / "image.tar"
    path.write_bytes(content)

    with pytest.raises(LabError, match=r"image\.tar is no image"):
        image._saved_tags(path)
