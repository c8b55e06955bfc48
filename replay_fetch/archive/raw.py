"""Pages kept as they came: the body's bytes, and beside them status, headers and their place in the chain."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson

from replay_fetch.archive.blocks import small_file
from replay_fetch.archive.durable import explained, make_folder, sync_folder, write_file
from replay_fetch.model import Answer

# Never written: a cookie can be a key to something.
_SECRET_HEADERS = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate"})

# Headers are some kilobytes; no page is larger than a line of the archive may be.
_MOST_ABOUT, _MOST_BODY = 2**20, 2**30


class _Kept(msgspec.Struct, gc=False):
    """What stands beside a body, as far as it is read again."""

    status: int
    headers: dict[str, str]
    source: str
    token: str | None


_decoder = msgspec.json.Decoder(_Kept)


class RawPage(NamedTuple):
    """An answer and where it stands: the page behind ``token`` of the chain in ``source``."""

    answer: Answer
    number: int
    """Which page of the chain it is, from 1: the same in every run, whatever else was kept."""
    source: str
    token: str | None = None
    """None for the first page."""


def keep_raw(folder: Path, pages: Iterable[RawPage]) -> None:
    """Write ``0001.body`` and ``0001.json`` and so on, durably, in place of earlier pages of the same numbers."""
    for page in pages:
        body = folder / f"{page.number:04}.body"
        about = body.with_suffix(".json")
        with explained(f"writing {folder}"):
            make_folder(folder)
            about.unlink(missing_ok=True)  # it would tell of a body that is half written
            write_file(body, [page.answer.body])
            write_file(about, [_about(page)])
            sync_folder(folder)


class RawPages:
    """A view's raw pages by their place in a chain; what is damaged, too large or of unknown place is passed over."""

    def __init__(self, folder: Path) -> None:
        """Raises ArchiveError where the folder cannot be read."""
        self._folder = folder
        self._numbers: dict[tuple[str, str | None], int] = {}
        with explained(f"reading {folder}"):
            for path in sorted(folder.glob("*.json")):
                if (place := _place(path)) and _is_body(path.with_suffix(".body")):
                    self._numbers[place] = int(path.stem)  # of two the later answer

    def find(self, source: str, token: str | None) -> int | None:
        """The number of the page behind ``token``; None where it is not kept."""
        return self._numbers.get((source, token))

    def answer(self, number: int) -> Answer:
        """The page of that number as it came."""
        path = self._folder / f"{number:04}.json"
        with explained(f"reading {path}"):
            about = _decoder.decode(small_file(path, _MOST_ABOUT))
            return Answer(about.status, about.headers, path.with_suffix(".body").read_bytes())


def _place(path: Path) -> tuple[str, str | None] | None:
    try:
        about = _decoder.decode(small_file(path, _MOST_ABOUT))
    except (ValueError, RecursionError):
        return None
    return (about.source, about.token) if path.stem.isdecimal() and about.source else None


def _is_body(path: Path) -> bool:
    try:
        about = path.stat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size <= _MOST_BODY


def _about(page: RawPage) -> bytes:
    answer = page.answer
    headers = {name: value for name, value in answer.headers.items() if name not in _SECRET_HEADERS}
    content = {"status": answer.status, "headers": headers, "source": page.source, "token": page.token}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def remove_raw(folder: Path) -> None:
    """Remove a view's raw pages, now that it was understood; quietly where there are none."""
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.parent.rmdir()
            folder.parent.parent.rmdir()
        except OSError:
            return  # other views have raw pages too
