"""The image that containers of a lab run: built on the spot, or the user's own.

A user's image must have `sh` and `sleep`; for the web server also `python3`, or
busybox's `httpd` and a folder /srv.
"""

from __future__ import annotations

import io
import lzma
import shutil
import tarfile
import zlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pytest_netlab.errors import DocumentError, LabError, LabUnavailableError, Remedy
from pytest_netlab.files import documents
from pytest_netlab.lab.engine.host_engine import refusals
from pytest_netlab.lab.lifetime.owner import LABEL

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = "pytest-netlab"
APPLETS = ("sh", "sleep", "httpd", "ls", "cat", "ip", "ping", "wget", "nc")
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst")  # no image is called so
BROKEN = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)  # an archive
FOLDERS = ("bin", "etc", "home", "proc", "srv", "sys", "tmp")

_LISTING = "".join(f'<li><a href="{name}/">{name}/</a></li>\n' for name in FOLDERS)
# A file, not a CGI script: the server sends it with one write for the headers and one
# for the text, so that every run has the same segments.
INDEX = f"""<!DOCTYPE html>
<html><head><title>Directory listing for /</title></head>
<body><h1>Directory listing for /</h1><hr><ul>
{_LISTING}</ul><hr></body></html>
"""


def busybox() -> Path | None:
    """Return the machine's static busybox; None if there is none."""
    for name in ("busybox-static", "busybox"):
        found = shutil.which(name)
        if found and _is_static(Path(found)):
            return Path(found)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """An image in an engine, by name or id; `ours` if the lab has to remove it."""

    name: str
    ours: bool


def supply(
    client: Any, wanted: str | None, owner: str, *, elsewhere: Callable[[], Any] | None
) -> Supply:
    """Return the image to run: the built-in one, or one given by name or by file.

    Args:
        client: the engine that will run it.
        wanted: what the user asked for; None is the built-in image.
        owner: the lab's token.
        elsewhere: connects to the machine's engine, to copy the image; None: no copy.

    Raises:
        LabError: there is no such image; the text says what to do.

    """
    if wanted is None:
        return Supply(name=_import(client, root_archive(), owner), ours=True)
    if Path(wanted).is_file():
        return _from_file(client, Path(wanted), owner)
    if wanted.startswith((".", "/", "~")) or wanted.endswith(ARCHIVES):
        raise LabError(
            f"there is no image archive {wanted!r} here. Next: look at its path, or "
            "write one with `docker save`"
        )
    if _has(client, wanted):
        return Supply(name=wanted, ours=False)
    if elsewhere is None:
        raise LabError(
            f"the engine has no image {wanted!r}. Next: `docker pull {wanted}`",
            remedy=Remedy.IMAGE_FILE,
        )
    _copy(elsewhere, client, wanted)
    return Supply(name=wanted, ours=True)


def _has(client: Any, name: str) -> bool:
    from docker.errors import ImageNotFound  # noqa: PLC0415 - 0.4 s without a lab

    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def _copy(elsewhere: Callable[[], Any], client: Any, name: str) -> None:
    try:
        with closing(elsewhere()) as source, refusals("copying the image"):
            client.images.load(source.images.get(name).save(named=name))
    except LabError as error:
        raise LabError(
            f"no image {name!r} for the private engine: it reaches no registry, so it "
            "takes images from this machine's engine or from a file, and the machine's "
            f"engine does not give it ({error}). Next: `docker pull {name}`",
            remedy=Remedy.IMAGE_FILE,
        ) from error


def _from_file(client: Any, path: Path, owner: str) -> Supply:
    tags = _saved_tags(path)
    if tags is None:
        return Supply(name=_import(client, path, owner), ours=True)
    for tag in tags:
        if _has(client, tag):
            raise LabError(
                f"{path} holds the image {tag!r}, and so does the engine; loading the "
                "file would replace it. Next: give that name to use the engine's own",
                remedy=Remedy.IMAGE_NAME,
            )
    with path.open("rb") as file:
        images = client.images.load(file)
    return Supply(name=tags[0] if tags else images[0].id, ours=True)


def _saved_tags(path: Path) -> list[str] | None:
    """Return the names in a `docker save` archive; None for another archive."""
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name == "manifest.json" and (file := _file(tar, member)):
                    return _tags(file.read(documents.LARGEST), path)
    except (*BROKEN, OSError, DocumentError, ValueError) as error:
        raise LabError(
            f"{path} is no image: it must be made by `docker save`, or be a tar of a "
            f"root file system ({error})"
        ) from error
    return None


def _file(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    """Return a member's content, None for a folder.

    Raises:
        ValueError: it is a link, maybe to nothing or to itself.

    """
    if member.islnk() or member.issym():
        raise ValueError(f"its {member.name} is a link")
    return tar.extractfile(member)


def _tags(manifest: bytes, path: Path) -> list[str]:
    """Return the names of all images of a manifest.

    Raises:
        ValueError: it is no manifest of `docker save`.

    """
    images = documents.json_of(manifest, f"manifest.json of {path}")
    if not isinstance(images, list) or not all(isinstance(i, dict) for i in images):
        raise ValueError("its manifest.json is no list of images")
    found = [tag for each in images for tag in _texts(each.get("RepoTags", 0))]
    if not images:
        raise ValueError("its manifest.json has no image")
    return found


def _texts(tags: object) -> list[str]:
    if tags is None:  # an image without a name
        return []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError("the RepoTags in its manifest.json are no list of names")
    return tags


def _import(client: Any, archive: bytes | Path, owner: str) -> str:
    """Import an archive of a root file system under a name of this lab's own."""
    changes = [f"LABEL {LABEL}={owner}"]
    name = {"repository": REPOSITORY, "tag": owner, "changes": changes}
    if isinstance(archive, bytes):
        answer = client.api.import_image_from_data(archive, **name)
    else:
        answer = client.api.import_image_from_file(str(archive), **name)
    if '"error"' in answer:
        raise LabError(f"the engine cannot import the lab's image: {answer.strip()}")
    return f"{REPOSITORY}:{owner}"


def root_archive() -> bytes:
    """Return a tar of a root with busybox, its applets and the web server's page."""
    program = busybox()
    if program is None:
        raise LabUnavailableError(
            "no static busybox to build the lab's image from: install the package "
            "busybox-static",
            remedy=Remedy.IMAGE,
        )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in FOLDERS:
            _add(tar, folder, kind=tarfile.DIRTYPE)
        _add(tar, "bin/busybox", program.read_bytes())
        for applet in APPLETS:
            _add(tar, f"bin/{applet}", kind=tarfile.SYMTYPE, target="busybox")
        _add(tar, "srv/index.html", INDEX.encode())
        _add(tar, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n")
    return buffer.getvalue()


def _add(
    tar: tarfile.TarFile,
    name: str,
    content: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    target: str = "",
) -> None:
    item = tarfile.TarInfo(name)
    item.type, item.linkname, item.size, item.mode = kind, target, len(content), 0o755
    tar.addfile(item, io.BytesIO(content))


def _is_static(program: Path) -> bool:
    """Return whether an ELF file names no interpreter, and so needs no library."""
    with program.open("rb") as file:
        head = file.read(4096)
    return head.startswith(b"\x7fELF") and b"/ld-" not in head
