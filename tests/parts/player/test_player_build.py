"""The build's step that packs rrweb: what it takes, what it refuses, and that a build without npm goes through."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hatchling.bridge.app import Application

from replay_fetch.player import hatch_build
from replay_fetch.player.hatch_build import FILES, VERSION, RrwebHook, unpack
from replay_fetch.player.library import PACKED, SCRIPT, STYLE
from replay_fetch.player.library import VERSION as PLAYED

CONTENT = {name: f"/* {name} */".encode() for name in FILES}


def tarball(members: dict[str, bytes]) -> bytes:
    """An npm package with these files under dist/."""
    stored = io.BytesIO()
    with tarfile.open(fileobj=stored, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stored.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


class Hook(SimpleNamespace):
    """A hook in a checkout of its own, what it warned of, and where its files go."""

    @property
    def packed(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.folder.iterdir()} if self.folder.is_dir() else {}


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    folder = tmp_path / "checkout" / "replay_fetch" / "player" / "rrweb"
    folder.parent.mkdir(parents=True)
    warned: list[str] = []
    app = cast(Application, SimpleNamespace(display_warning=warned.append))
    made = RrwebHook(str(tmp_path / "checkout"), {}, None, None, str(tmp_path), "wheel", app)  # type: ignore[arg-type]
    return Hook(run=lambda: made.initialize("standard", {}), warned=warned, folder=folder)


def npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, code: int = 0) -> Path:
    """Put an npm of our own first on the path: it packs ``content`` and writes its arguments down."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "packed.tgz").write_bytes(content or b"")
    packs = f'cp "{tmp_path}/packed.tgz" "$6/rrweb-{VERSION}.tgz"' if content is not None else "true"
    program = programs / "npm"
    program.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/asked"\n{packs}\nexit {code}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "asked"


def test_npm_is_asked_for_the_pinned_version_and_two_of_its_files_are_packed(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tarball({**CONTENT, "rrweb.js": b"more"})
    asked = npm(monkeypatch, tmp_path, content)
    monkeypatch.setattr(hatch_build, "INTEGRITY", integrity(content))
    hook.run()
    assert hook.packed == CONTENT
    assert asked.read_text().startswith(f"pack rrweb@{VERSION} --ignore-scripts --silent --pack-destination ")
    assert hook.warned == []


def test_a_tarball_with_another_hash_ends_the_build(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(monkeypatch, tmp_path, tarball(CONTENT))
    with pytest.raises(ValueError, match=r"not the pinned sha512-LUvR1mbc"):
        hook.run()
    assert hook.packed == {}


@pytest.mark.parametrize("code", [0, 1])
def test_an_npm_that_brings_nothing_is_warned_of_and_the_build_goes_on(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    npm(monkeypatch, tmp_path, None, code)
    hook.run()
    assert (len(hook.warned), hook.packed) == (1, {})
    assert "--rrweb-js" in hook.warned[0]


def test_without_npm_the_build_goes_on(hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    hook.run()
    assert (len(hook.warned), hook.packed) == (1, {})


def test_files_of_the_pinned_version_are_not_fetched_again(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a wheel that is built from the sdist."""
    asked = npm(monkeypatch, tmp_path, None, 1)
    hook.folder.mkdir()
    for name, content in CONTENT.items():
        (hook.folder / name).write_bytes(content)
    monkeypatch.setattr(hatch_build, "FILES", {name: sha256(content) for name, content in CONTENT.items()})
    hook.run()
    assert (asked.exists(), hook.warned) == (False, [])


def test_files_of_another_version_are_fetched_anew(hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = tarball(CONTENT)
    npm(monkeypatch, tmp_path, content)
    monkeypatch.setattr(hatch_build, "INTEGRITY", integrity(content))
    hook.folder.mkdir()
    (hook.folder / SCRIPT).write_bytes(b"an older one")
    (hook.folder / STYLE).write_bytes(CONTENT[STYLE])
    hook.run()
    assert hook.packed == CONTENT


def test_a_tarball_without_the_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = tarball({"rrweb.umd.min.cjs": b"x"})
    monkeypatch.setattr(hatch_build, "INTEGRITY", integrity(content))
    with pytest.raises(KeyError, match=r"style\.min\.css"):
        unpack(content, tmp_path / "rrweb")
    assert not (tmp_path / "rrweb").exists()


def test_the_build_packs_the_files_that_the_player_loads() -> None:
    assert (set(FILES), VERSION) == ({SCRIPT, STYLE}, PLAYED)
    assert {name: sha256((PACKED / name).read_bytes()) for name in FILES} == FILES
    assert Path(hatch_build.__file__).parent / "rrweb" == PACKED
