"""The archive's folder: ours or new, opened for a run with its lock held, or for reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replay_fetch.archive.durable import explained, is_file, is_folder, make_folder, require_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.archive.shards import check_shard
from replay_fetch.errors import ArchiveError
from replay_fetch.printable import as_argument
from replay_fetch.shard import ShardId

SCRUBBED = b',"scrubbed":true}'
"""The end of each line in the manifest of a scrubbed copy; readers pass over keys that they do not know."""
# As much as a line of the manifest may have, so that no stranger's file is held whole.
_LONGEST_LINE = 2**20


@contextmanager
def opened(root: Path, shard: ShardId | None = None) -> Iterator[Layout]:
    """Make or open the archive at ``root`` and hold its lock, or its shard's, for as long as the context lasts.

    Raises ArchiveError, with nothing changed, where the folder holds something else or another run writes to it.
    """
    layout = Layout(root, shard=shard)
    _check_ours(layout)
    with explained(f"opening the archive {root}"):
        # The private folders come first: a run killed in between leaves a folder that the next run recognises as ours.
        for folder in (layout.parts, layout.temporary, layout.sessions, layout.manifest.parent, layout.report.parent):
            make_folder(folder)
    with locked(layout.lock):
        yield layout


def existing(root: Path) -> Layout:
    """Return the layout of an archive with a ledger, for reading; raises ArchiveError where there is no ledger.

    Where there are files, as in a copy out of a store, it names the command that makes one. Raises SettingsError for an
    archive of shards, which has one each.
    """
    layout = Layout(root)
    require_folder(root)
    check_shard(root, None, None)
    with explained(f"reading {root}"):
        there, filled = is_file(layout.ledger), has_files(layout)
    if not there and filled:
        require_not_scrubbed(layout)
        raise _without_ledger(layout)
    if not there:
        raise ArchiveError(f"{root} is not an archive of replay-fetch: it has no {layout.ledger.relative_to(root)}")
    return layout


def check_ledger_is_there(layout: Layout) -> None:
    """Raise ArchiveError where the archive has files and no ledger: a new ledger would not know of the files.

    Raises it also where the folder is no archive at all. In either case nothing is changed.
    """
    _check_ours(layout)
    ledger = layout.ledger
    with explained(f"opening the archive {layout.root}"):
        # An empty file is a ledger that a run was killed over before its first transaction.
        if is_file(ledger) and ledger.stat().st_size:
            return
        filled = has_files(layout)
    if filled and layout.shard:
        raise ArchiveError(
            f"{layout.root} has files of shard {layout.shard} but not its ledger; `replay-fetch help shards` tells how "
            "to mend that"
        )
    if filled:
        require_not_scrubbed(layout)
        raise _without_ledger(layout)


def _without_ledger(layout: Layout) -> ArchiveError:
    rebuild = f"replay-fetch verify --rebuild {as_argument(layout.root)}"
    return ArchiveError(f"{layout.root} has files but no ledger; `{rebuild}` makes one of them")


def require_not_scrubbed(layout: Layout) -> None:
    """Raise ArchiveError for a scrubbed copy: a run would put recordings as they are beside scrubbed ones."""
    with explained(f"reading {layout.root}"):
        if not is_file(layout.manifest):
            return
        with layout.manifest.open("rb") as manifest:
            first = manifest.readline(_LONGEST_LINE)
    if first.rstrip().endswith(SCRUBBED):
        raise ArchiveError(f"{layout.root} is a scrubbed copy: no run adds to it; name the archive, or another OUT")


def has_files(layout: Layout) -> bool:
    """Tell whether there is a manifest or a session's file: a run got past its first commit."""
    names = (file.name for file in layout.sessions.iterdir()) if is_folder(layout.sessions) else ()
    return is_file(layout.manifest) or any(map(layout.has, names))


def require_no_dangling_link(root: Path) -> None:
    """Raise ArchiveError where ``root`` is a link to nowhere.

    Made there, the archive might fill the folder that a disk is to be mounted at.
    """
    if root.is_symlink() and not root.exists():
        raise ArchiveError(f"{root} is a link to {root.readlink()}, which is not there; make that folder first")


def _check_ours(layout: Layout) -> None:
    """Raise ArchiveError where ``root`` is a file, a link to nowhere, or a folder of somebody's other files."""
    root = layout.root
    with explained(f"opening the archive {root}"):
        there = is_folder(root)
        # The content first: another shard that begins at the same moment makes its first file in our own folder.
        other = there and any(root.iterdir()) and not is_folder(layout.home)
        require_no_dangling_link(root)
        if not there and root.exists():
            raise ArchiveError(f"{root} is a file; OUT must be a folder, made if it is not there")
    if other:
        require_not_scrubbed(layout)
        raise ArchiveError(f"{root} holds something else than an archive of replay-fetch; name a new or empty folder")
