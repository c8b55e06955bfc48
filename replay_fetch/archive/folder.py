"""Opening an archive's folder: ours or new, locked, and cleared of what a killed run left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from replay_fetch.archive.durable import explained, make_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.errors import ArchiveError


@contextmanager
def opened(root: Path) -> Iterator[Layout]:
    """Make or open the archive at ``root`` and hold its lock.

    Raises ArchiveError, with nothing changed, where the folder holds something else or another run
    writes to it.
    """
    layout = Layout(root)
    _check_ours(layout)
    with explained(f"opening the archive {root}"):
        for folder in (layout.sessions, layout.parts, layout.temporary):
            make_folder(folder)
    with locked(layout.lock):
        with explained(f"clearing {layout.temporary}"):
            for leftover in layout.temporary.iterdir():
                leftover.unlink()
        yield layout


def existing(root: Path) -> Layout:
    """An archive that is there, for reading; raises ArchiveError where there is none."""
    layout = Layout(root)
    if not layout.ledger.is_file():
        raise ArchiveError(f"{root} is not an archive of replay-fetch: it has no {layout.ledger.relative_to(root)}")
    return layout


def clear_leftovers(layout: Layout, in_use: Callable[[int, int], bool], whole: Callable[[str], bool]) -> None:
    """Remove parts and partial files that a killed run wrote or should have removed.

    ``in_use`` tells of a row and a part's number whether that is needed, ``whole`` of a session id whether its file
    is complete.
    """
    with explained(f"clearing {layout.parts}"):
        for part in layout.parts.iterdir():
            row, _, number = part.stem.partition("-")
            if not (row.isdigit() and number.isdigit() and in_use(int(row), int(number))):
                part.unlink()
    with explained(f"clearing {layout.sessions}"):
        for partial in layout.sessions.glob("*.partial.*"):
            if whole(partial.name.split(".")[0]):
                partial.unlink()


def _check_ours(layout: Layout) -> None:
    root = layout.root
    if root.exists() and not root.is_dir():
        raise ArchiveError(f"{root} is a file; OUT must be a folder, made if it is not there")
    if not layout.private.is_dir() and root.is_dir() and any(root.iterdir()):
        raise ArchiveError(f"{root} holds something else than an archive of replay-fetch; name a new or empty folder")
