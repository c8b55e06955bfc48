"""Raw pages: an answer's body as the API sent it, and beside it status, headers and the page's place in the chain."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson

from replay_fetch.archive.durable import explained, make_folder, sync_folder, write_file
from replay_fetch.blocks import small_file
from replay_fetch.model import Response

# Never written: a cookie can be a key to something.
_SECRET_HEADERS = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate"})

# Headers are some kilobytes; no page is larger than a line of the archive may be.
_MOST_ABOUT, _MOST_BODY = 2**20, 2**30


class _Kept(msgspec.Struct, gc=False):
    """The facts beside a raw body, as far as they are read again."""

    status: int
    headers: dict[str, str]
    source: str
    token: str | None
    page: int = 0
    """Its place in the view's pages of this source, from 1; older archives say it by the file's name alone."""


_decoder = msgspec.json.Decoder(_Kept)


# Two shards that make and remove the same empty folder do not meet so often in a row.
_TRIES = 10


class RawPage(NamedTuple):
    """An answer and its place: the page behind ``token`` of the chain in ``source``."""

    answer: Response
    page: int
    """Which page of the chain it is, from 1: the same in every run, whatever else was kept."""
    source: str
    token: str | None = None
    """None for the first page."""
    again: bool = False
    """The view was finished and is asked for again: an answer that is there already is not kept twice."""


def keep_raw(folder: Path, pages: Iterable[RawPage]) -> list[Path]:
    """Write raw pages durably as ``0001.body`` and ``0001.json``, in place of earlier answers for the same pages.

    A page has the number of its place in the chain. Where the other source has a page of that number, the first
    free number is taken. A run that goes on behind a kill gives every page the same number as before. Returns the
    files that were written.
    """
    written: list[Path] = []
    for page in pages:
        # A refresh that is killed and repeated would else leave one more copy each time.
        if page.again and _is_there(folder, page):
            continue
        body = folder / f"{_number(folder, page):04}.body"
        about = body.with_suffix(".json")
        with explained(f"writing {folder}"):
            _make(folder)
            if about.exists():  # it would tell of a body that is half written, also behind a power cut
                about.unlink(missing_ok=True)
                sync_folder(folder)
            write_file(body, [page.answer.body])
            write_file(about, [_about(page)])
            sync_folder(folder)
        written += [body, about]
    return written


def _make(folder: Path) -> None:
    """Make a view's folder; another shard may remove ``raw/`` itself meanwhile, while that is empty."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            make_folder(folder)
            return
    make_folder(folder)


def _number(folder: Path, page: RawPage) -> int:
    """Return the number that a page has or gets; the folder is gone through only where its own number is taken."""
    place = (str(page.source), page.page)
    if _owner(folder / f"{page.page:04}.json") in {None, place}:
        return page.page
    owners = {_owner(path): int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()}
    owners.pop(None, None)  # a run was killed while it wrote that
    taken = set(owners.values())
    return owners.get(place) or next(number for number in count(1) if number not in taken)


def _is_there(folder: Path, page: RawPage) -> bool:
    """Tell whether the same body came from the same place before, under any number."""
    there, body = folder.glob("*.json"), page.answer.body
    return any(
        _place(path) == (page.source, page.token)
        and _is_body(path.with_suffix(".body"))
        and path.with_suffix(".body").stat().st_size == len(body)
        and path.with_suffix(".body").read_bytes() == body
        for path in there
    )


def _owner(path: Path) -> tuple[str, int] | None:
    """Return the source and page under a number; None where the number is free, or its page damaged."""
    about = _read_about(path)
    return (about.source, about.page or int(path.stem)) if about else None


class RawPages:
    """Finds a view's raw pages by their place in a chain; pages that are damaged are passed over."""

    def __init__(self, folder: Path) -> None:
        """List the pages in a folder; raises ArchiveError where the folder cannot be read."""
        self._folder = folder
        self._numbers: dict[tuple[str, str | None], int] = {}
        with explained(f"reading {folder}"):
            for path in sorted(folder.glob("*.json")):
                if (place := _place(path)) and _is_body(path.with_suffix(".body")):
                    self._numbers[place] = int(path.stem)  # of two the later answer

    def find(self, source: str, token: str | None) -> int | None:
        """Return the number of the page behind ``token``; None where the page is not kept."""
        return self._numbers.get((source, token))

    def answer(self, number: int) -> Response:
        """Read the page of a number as the answer it was; raises ArchiveError where it cannot be read."""
        path = self._folder / f"{number:04}.json"
        with explained(f"reading {path}"):
            about = _decoder.decode(small_file(path, _MOST_ABOUT))
            return Response(about.status, about.headers, path.with_suffix(".body").read_bytes())


def _place(path: Path) -> tuple[str, str | None] | None:
    about = _read_about(path)
    return (about.source, about.token) if about and path.stem.isdecimal() and about.source else None


def _read_about(path: Path) -> _Kept | None:
    try:
        return _decoder.decode(small_file(path, _MOST_ABOUT))
    except (FileNotFoundError, ValueError, RecursionError):
        return None


def _is_body(path: Path) -> bool:
    try:
        about = path.stat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size <= _MOST_BODY


def _about(page: RawPage) -> bytes:
    answer = page.answer
    headers = {name: value for name, value in answer.headers.items() if name not in _SECRET_HEADERS}
    content = {
        "status": answer.status,
        "headers": headers,
        "source": page.source,
        "token": page.token,
        "page": page.page,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def remove_raw(folder: Path) -> None:
    """Remove a view's raw pages, now that the view is understood; quietly where there are none."""
    # Errors are passed over: the view is understood by now, and a page that is left over costs room alone.
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # other views have raw pages too
        folder.parent.rmdir()
        folder.parent.parent.rmdir()
