"""A session's finished file held against what the ledger has in it: nothing else may lie there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from replay_fetch.archive.blocks import file_range
from replay_fetch.archive.durable import write_atomically
from replay_fetch.archive.layout import Layout
from replay_fetch.model import ViewRecord


def holds_nothing_else(path: str | Path, views: Sequence[ViewRecord]) -> bool:
    """True where ``views`` lie one behind another from the file's first byte, and nothing behind them.

    A file that is too short is damaged: that is for ``verify`` to tell.
    """
    end = 0
    for view in views:
        if view.whole is None or view.whole.offset != end:
            return False
        end += view.whole.length
    return _size(path) <= end


def note_of(layout: Layout) -> Path:
    """Where the sessions are noted whose files get their names before the ledger knows of them."""
    return layout.temporary / "to-be-named"


def note(sessions: Iterable[int]) -> bytes:
    """The content of such a note."""
    return b"".join(b"%d\n" % session for session in sessions)


def noted(layout: Layout) -> list[int]:
    """The sessions in the last note; one that is half written may name others, which does no harm."""
    try:
        return [int(line) for line in note_of(layout).read_bytes().splitlines() if line.isdigit()]
    except FileNotFoundError:
        return []


def cut_back(layout: Layout, views: Sequence[ViewRecord]) -> None:
    """Remove from a session's finished file what the ledger has no view for behind the last one.

    It is what a killed run had added and not recorded, or was about to remove.
    """
    if not views:
        return
    first = views[0].planned
    path = layout.session_file(first.view.session_id)
    end = max((view.whole.offset + view.whole.length for view in views if view.whole), default=0)
    if not end:
        path.unlink(missing_ok=True)
    elif _size(path) > end:  # written anew: it may have a second name in somebody's backup
        write_atomically(path, file_range(path, 0, end), Path(layout.session_on_its_way(first.session)))


def _size(path: str | Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - of text, without building a Path
    except FileNotFoundError:
        return 0
