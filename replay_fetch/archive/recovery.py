"""Recovery: the commit in which a run was killed is finished, and files that no record names are cleared.

The ledger is the truth. A staged session file counts where the redo list names its session; any other never happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from replay_fetch.archive.commit_log import CommitLog
from replay_fetch.archive.durable import explained, replace, sync_folder, write_atomically
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.raw import remove_raw
from replay_fetch.blocks import file_range
from replay_fetch.model import ViewRecord


def recover(layout: Layout, log: CommitLog) -> None:
    """Finish the commit in which a run was killed; every step may be repeated after another kill.

    Partial files are removed, for they are copies: the run writes them anew at its end.
    """
    with explained(f"clearing {layout.private}"):
        redo = log.redo_list()
        for session, session_id in redo:
            staged = Path(layout.session_on_its_way(session))
            # A staged file that is not there was published: its name only goes by the rename. A half-written one is
            # never met here, since a session leaves the redo list before it is staged again.
            if staged.exists():
                replace(staged, layout.session_file(session_id))
        for session in {session for session, _ in redo}.union(_noted_by_an_older_version(layout)):
            _cut_back(layout, log.session_views(session))
        # Only names that are on the disk leave the redo list.
        sync_folder(layout.sessions)
        log.published()
        # Only now: the record that says so may have been the killed run's last act.
        for view in log.understood():
            remove_raw(layout.raw_folder(view))
        log.raw_removed()
        # The ledger's record of a partial file may be newer than the file, or older.
        log.forget_partial_files()
        for partial in layout.sessions.glob("*.partial.*"):
            if layout.has(partial.name):
                partial.unlink()


def clear(layout: Layout, log: CommitLog) -> None:
    """Remove temporary files, and parts that the ledger does not name, of runs that were killed or not."""
    with explained(f"clearing {layout.private}"):
        for leftover in layout.temporary.iterdir():
            leftover.unlink()
        for part in layout.parts.iterdir():
            row, _, number = part.stem.partition("-")
            # A part that the ledger does not name belongs to a chain that was begun anew, or was saved and never
            # recorded. Either way its pages are asked for again.
            if not (row.isdigit() and number.isdigit() and log.has_part(int(row), int(number))):
                part.unlink()


def _cut_back(layout: Layout, views: Sequence[ViewRecord]) -> None:
    """Truncate a session's file to the last view that the ledger has in it; a file without a view is removed.

    The last view may have left the file by growing, while another view of its session is not finished.
    """
    if not views:
        return
    first = views[0].planned
    path = layout.session_file(first.view.session_id)
    end = max((view.whole.offset + view.whole.length for view in views if view.whole), default=0)
    if not end:
        path.unlink(missing_ok=True)
    elif path.exists() and path.stat().st_size > end:  # written anew: it may have a second name in somebody's backup
        write_atomically(path, file_range(path, 0, end), Path(layout.session_on_its_way(first.session)))


def _noted_by_an_older_version(layout: Layout) -> list[int]:
    """List the sessions whose files a killed run of an older version may have published before their record.

    Its note may be half written and name other sessions, which does no harm: all are held against the ledger.
    """
    try:
        return [int(line) for line in (layout.temporary / "to-be-named").read_bytes().splitlines() if line.isdigit()]
    except FileNotFoundError:
        return []
