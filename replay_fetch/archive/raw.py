"""Pages kept as they came: the body's bytes, and beside them its status and headers."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson

from replay_fetch.archive.durable import explained, make_folder, sync_folder, write_file
from replay_fetch.model import Answer

# Never written: a cookie can be a key to something.
_SECRET_HEADERS = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate"})


def keep_raw(folder: Path, number: int, answer: Answer) -> None:
    """Write ``0001.body`` and ``0001.json`` for page ``number`` of a view, durably."""
    about = {
        "status": answer.status,
        "headers": {name: value for name, value in answer.headers.items() if name not in _SECRET_HEADERS},
    }
    with explained(f"writing {folder}"):
        make_folder(folder)
        write_file(folder / f"{number:04}.body", [answer.body])
        write_file(folder / f"{number:04}.json", [orjson.dumps(about, option=orjson.OPT_INDENT_2), b"\n"])
        sync_folder(folder)


def remove_raw(folder: Path) -> None:
    """Remove a view's raw pages, now that it was understood; quietly where there are none."""
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.parent.rmdir()
            folder.parent.parent.rmdir()
        except OSError:
            return  # other views have raw pages too
