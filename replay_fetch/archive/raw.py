"""Pages kept as they came: the body's bytes, and beside them its status and headers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import orjson

from replay_fetch.archive.durable import explained, make_folder, sync_folder, write_file
from replay_fetch.model import Answer

# Never written: a cookie can be a key to something.
_SECRET_HEADERS = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate"})


def keep_raw(folder: Path, pages: int, answers: Iterable[Answer | None]) -> int:
    """Write ``0001.body`` and ``0001.json`` and so on for the answers that are there, durably.

    ``pages`` is how many the view has already; returns how many it has then.
    """
    for answer in answers:
        if answer is None:
            continue
        pages += 1
        with explained(f"writing {folder}"):
            make_folder(folder)
            write_file(folder / f"{pages:04}.body", [answer.body])
            write_file(folder / f"{pages:04}.json", [_about(answer)])
            sync_folder(folder)
    return pages


def _about(answer: Answer) -> bytes:
    headers = {name: value for name, value in answer.headers.items() if name not in _SECRET_HEADERS}
    content = {"status": answer.status, "headers": headers}
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
