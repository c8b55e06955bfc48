"""The build's step that packs rrweb: two files of its npm package, checked by hash, into wheel and sdist.

Run by hatchling, from this file alone: nothing of the package can be imported while it is built.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = "2.2.2"
# Of the package's tarball, as npm's lock files write it. Pinned here: no registry decides what runs in the page.
INTEGRITY = "sha512-LUvR1mbcTTaNkn5OiR0r2neuH86quaQsmucT07N4Yd7YFdxPtr9qMQ2e//1FkbWKa1L3JGmPIQtgv83VPJe3mQ=="
# Files that are taken out of it, with the sha256 by which files of another version in a checkout are known.
FILES = {
    "rrweb.umd.min.cjs": "634aae0583bf9d1a857307d28fb49c98c14210929e22166fb150f3ae83d91cca",
    "style.min.css": "334d222824ebab92111f7db3231829847443a86ae26326cf4f68d5c5fdee40f9",
}
_SECONDS = 120


class RrwebHook(BuildHookInterface[Any]):  # Any: hatchling's own default for its configuration
    """The build hook that packs rrweb; without npm the package is built without rrweb, and `play` says so.

    A missing npm must fail no installation: all commands but one work without rrweb.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Fetch the files into the source tree, where wheel, sdist and editable installs find them.

        Files that are there already, as in an unpacked sdist, are not fetched again.
        """
        folder = Path(self.root, "replay_fetch", "player", "rrweb")
        if all(is_packed(folder / name, sha256) for name, sha256 in FILES.items()):
            return
        with tempfile.TemporaryDirectory() as scratch:
            tarball = npm_pack(Path(scratch))
            if tarball is None:
                self.app.display_warning(
                    "npm is not there or cannot reach rrweb: `replay-fetch play` will need --rrweb-js"
                )
                return
            unpack(tarball.read_bytes(), folder)


def is_packed(file: Path, sha256: str) -> bool:
    """Tell whether a file is there and has the hash of the pinned version; an older version is fetched anew."""
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def npm_pack(folder: Path) -> Path | None:
    """Let npm bring the package's tarball into ``folder``; None where npm is missing, fails or takes two minutes.

    ``--ignore-scripts``: no code of the package runs while ours is built.
    """
    npm = shutil.which("npm")
    if npm is None:
        return None
    command = [npm, "pack", f"rrweb@{VERSION}", "--ignore-scripts", "--silent", "--pack-destination", str(folder)]
    try:
        # `folder` as the working folder: no .npmrc of a project stands there.
        subprocess.run(  # noqa: S603 - npm itself, with words that stand above
            command, cwd=folder, check=True, timeout=_SECONDS, stdin=subprocess.DEVNULL, capture_output=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return next(folder.glob("*.tgz"), None)


def unpack(tarball: bytes, folder: Path) -> None:
    """Write the tarball's two files into ``folder``; raises ValueError for a tarball with another hash."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if found != INTEGRITY:
        raise ValueError(f"rrweb {VERSION} has the hash {found}, not the pinned {INTEGRITY}: it is not packed")
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        contents = {name: _member(archive, f"package/dist/{name}") for name in FILES}
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        # Each appears whole: a build that is killed leaves no half of a file to the next one.
        unfinished = folder / f".{name}.unfinished"
        unfinished.write_bytes(content)
        unfinished.replace(folder / name)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"rrweb {VERSION} has no file {name}")
    return file.read()
