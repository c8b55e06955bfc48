"""The commit: a batch of pages and endings becomes files and records; runs in the writer's thread.

There is one order, and a kill at any instant of it is harmless:

1. stage: lines go into parts and into session files under temporary names, and all of it is brought to the disk;
2. record: one transaction of the ledger says where every line lies, and puts the sessions into the redo list;
3. publish: the session files get their final names, which are brought to the disk;
4. ship: for an archive in an object store, the carrier makes the commit count there, and only then it does;
5. clear: files that the ledger no longer needs are removed.

Before step 2 nothing has happened, and the next run removes the staged files. Behind it everything has: recovery
publishes the files of the redo list, and the next run removes the rest. With a carrier, the disk is only a scratch.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from replay_fetch.archive.commit_log import CommitLog
from replay_fetch.archive.durable import explained, sync_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.raw import RawPage, keep_raw, remove_raw
from replay_fetch.archive.write.buffer import Batch, Delivery
from replay_fetch.archive.write.carrier import Carrier, Shipping
from replay_fetch.archive.write.session_file import (
    DamagedPart,
    Kind,
    SessionFile,
    StagedSession,
    leaves_no_partial,
    never_seen,
    rows_straight,
)
from replay_fetch.archive.write.session_file_writer import SessionFileWriter
from replay_fetch.archive.write.view_part import ViewPart
from replay_fetch.model import View, ViewRecord

log = logging.getLogger(__name__)

# Views that keep what they had, of which so many are named.
_TOLD_ALOUD = 3
_SHIPPED_TOGETHER = 64  # partial files of one commit to a store, where a commit costs requests


class Committer:
    """Commits batches in the writer's thread, in their order; the only writer of parts and session files.

    The view parts of views that have not ended are kept from batch to batch, and nothing of finished views.
    """

    def __init__(
        self, layout: Layout, commit_log: CommitLog, *, keep_raw: bool, carrier: Carrier | None = None
    ) -> None:
        self._layout = layout
        self._shipping = Shipping(layout, carrier)
        self._commit_log = commit_log
        self._keep_raw = keep_raw
        # Asked once: most archives have no raw pages, and then no finished view costs a look at the disk.
        self._raw_is_there = layout.raw.exists()
        self._view_parts: dict[int, ViewPart] = {}
        self._told = 0
        self._files = SessionFileWriter(layout)

    def close(self) -> None:
        """Let the threads of the session file writer end; nothing is written any more."""
        self._files.close()

    def commit(self, batch: Batch) -> list[ViewRecord]:
        """Commit a batch durably and return the records of the views that ended in it.

        Raises ArchiveError where the archive cannot be written. Nothing of the batch counts then, unless the ledger had
        recorded it: the next run finishes the rest.
        """
        view_parts, records = self._take_in(batch.deliveries)

        # 1. Stage. The record is the only instant that counts, so every byte and every name that it speaks of must
        # be on the disk before: a ledger that is ahead of its files cannot be mended, files ahead of it are cleared.
        self._forget_published(batch.sessions)
        files = [file for number in batch.sessions for file in self._session_files(number, records, view_parts)]
        files, staged = self._stage(files, view_parts)

        # 2. Record. A partial file is a copy and not redone: recovery drops all of them, the run's end makes them anew.
        placed = {record.planned.row: record for one in staged for record in one.records}
        redo = [one.file.session for one in staged if one.file.kind is not Kind.PARTIAL]
        understood = self._understood(records.values())
        self._commit_log.record((records | placed).values(), redo, understood)

        # 3. Publish, only now: a name that is there before its record would show lines of which nobody knows, and
        # in an object store no second writer could tell them from its own.
        self._files.publish([one.file for one in staged])

        # 4. Ship, before anything is cleared: the store takes new lines out of the parts.
        unused = (file.session_id for file in files if leaves_no_partial(file, view_parts))
        self._shipping.ship((records | placed).values(), staged, unused, understood)

        # 5. Clear, last: until the names are on the disk, the parts are the only copy that survives a power cut.
        with explained(f"clearing {self._layout.private}"):
            self._remove_parts(view_parts, rows_straight(files))
            for view in understood:
                remove_raw(self._layout.raw_folder(view))
            self._remove_superseded(files, view_parts)
            ended = [delivery.planned for delivery in batch.deliveries if delivery.ended]
            self._shipping.clear(staged, [planned.view for planned in ended] if self._raw_is_there else ())
        for planned in ended:
            del self._view_parts[planned.row]
        return [records[planned.row] for planned in ended]

    def commit_partial_files(self) -> None:
        """Write partial files for sessions with saved views that lie in no file for people.

        A killed run had not come to these sessions, or recovery removed the files. Afterwards the redo list is
        empty, so an archive at rest has nothing to finish.
        """
        sessions = self._commit_log.lacking_partial_files()
        at_once = _SHIPPED_TOGETHER if self._shipping.carrier else 1
        for first in range(0, len(sessions), at_once):
            self.commit(Batch([], list(sessions[first : first + at_once]), 0))
        self._commit_log.published()

    def require_undamaged(self) -> None:
        """Raise DamagedFile where a batch met a damaged session file; all other sessions are committed by then."""
        for damage in self._files.damaged.values():
            raise damage

    def _tell(self, refused: str) -> None:
        """Log the first few views that keep their earlier answer; a million lost views would fill a mailbox."""
        self._told += 1
        log.log(logging.WARNING if self._told <= _TOLD_ALOUD else logging.DEBUG, "%s", refused)
        if self._told == _TOLD_ALOUD:
            log.warning("more views that stay as they are will be named with -v only")

    def _take_in(self, deliveries: Iterable[Delivery]) -> tuple[dict[int, ViewPart], dict[int, ViewRecord]]:
        """Append each view's pages to its lines; returns by row the view parts, and the records as of now.

        Raw pages are written at once: a run that is killed here asks for the same pages again, and each has its
        number already.
        """
        view_parts: dict[int, ViewPart] = {}
        records: dict[int, ViewRecord] = {}
        with explained(f"writing {self._layout.parts}"):
            for delivery in deliveries:
                row = delivery.planned.row
                view_part = view_parts[row] = self._digest(delivery)
                records[row] = view_part.settle(delivery.ended)
                if view_part.refused:
                    self._tell(view_part.refused)
        return view_parts, records

    def _digest(self, delivery: Delivery) -> ViewPart:
        """Append a view's pages, chain after chain where the view began anew; returns its part."""
        planned = delivery.planned
        view_part = self._view_parts.get(planned.row)
        if view_part is None:
            view_part = self._view_parts[planned.row] = ViewPart.begin(planned, self._layout, self._shipping.bring)
            self._raw_is_there |= self._shipping.begin(planned)
        raw: list[RawPage] = []
        for chain in delivery.dropped:
            raw += view_part.take(chain)
            view_part.start_over()
        raw += view_part.take(delivery.pages)
        if delivery.ended is not None and delivery.ended.answer is not None:
            raw.append(view_part.raw_page(delivery.ended.answer, delivery.ended.source))
        if raw and not view_part.damaged:  # else the next run asks for all of them
            self._raw_is_there = True
            self._shipping.note_raw(keep_raw(self._layout.raw_folder(planned.view), raw))
        return view_part

    def _session_files(
        self, number: int, records: dict[int, ViewRecord], view_parts: dict[int, ViewPart]
    ) -> list[SessionFile]:
        """Return the session's whole file, or the two files that a session has while views of it are not finished."""
        known = self._commit_log.session_views(number)
        views = [records.get(view.planned.row, view) for view in known]
        if not all(view.finished for view in views):
            # A finished file stands for its readers while views that came later are on their way; the partial file
            # shows those.
            return [SessionFile(self._layout, kind, views) for kind in (Kind.PARTIAL, Kind.EARLIER)]
        fresh = {
            view.planned.row: view_part
            for view in views
            if (view_part := view_parts.get(view.planned.row)) is not None and view_part.holds(view)
        }
        return [SessionFile(self._layout, Kind.WHOLE, views, fresh)]

    def _save(self, view_parts: Iterable[ViewPart]) -> None:
        with explained(f"writing {self._layout.parts}"):
            new = [view_part.save() for view_part in view_parts]
            if any(new) and self._layout.lasting:
                sync_folder(self._layout.parts)

    def _forget_published(self, sessions: Sequence[int]) -> None:
        """Empty the redo list before a session in it is staged again: recovery would publish the half-written file."""
        if not {session for session, _ in self._commit_log.redo_list()}.isdisjoint(sessions):
            self._commit_log.published()

    def _stage(
        self, files: Sequence[SessionFile], view_parts: dict[int, ViewPart]
    ) -> tuple[list[SessionFile], list[StagedSession]]:
        """Save the view parts that go into no file, then stage the files; returns the good files, and the staged.

        Where a session's present file is damaged, the file stays as it is, and new views are shown in a partial
        file.
        """
        straight = rows_straight(files)
        self._save(view_part for row, view_part in view_parts.items() if row not in straight)
        self._shipping.bring_lines(files)
        try:
            staged = self._files.stage(files)
        except DamagedPart as damage:
            view = damage.view
            # The view begins anew under another part number in the next run. Everything else that was staged in this
            # batch never happened: recovery clears it.
            anew = [ViewRecord(view.planned, part=view.part + 1)]
            self._commit_log.record(anew)
            self._shipping.ship(anew, [], [], [])
            raise
        damaged = [file for file in files if file in self._files.damaged]
        if not damaged:
            return list(files), staged
        # These were to go straight into the damaged session's file; now a part is the only place for their lines.
        self._save(view_parts[row] for row in rows_straight(damaged))
        apart = [SessionFile(self._layout, Kind.PARTIAL, file.views) for file in damaged if file.kind is Kind.WHOLE]
        return [*(file for file in files if file not in damaged), *apart], staged + self._files.stage(apart)

    def _understood(self, records: Iterable[ViewRecord]) -> list[View]:
        """Return the finished views whose pages lie in ``raw/`` and may go; none where raw pages are to stay."""
        if self._keep_raw or not self._raw_is_there:
            return []
        finished = (record.planned.view for record in records if record.finished)
        return [view for view in finished if self._layout.raw_folder(view).is_dir()]

    def _remove_parts(self, view_parts: dict[int, ViewPart], straight: set[int]) -> None:
        """Remove the parts of chains that no longer count, and of views that went ``straight`` into a file."""
        for row, view_part in view_parts.items():
            if not view_part.untouched:
                view_part.remove_stale(in_file=row in straight)

    def _remove_superseded(self, files: Sequence[SessionFile], view_parts: dict[int, ViewPart]) -> None:
        """Remove the partial file and the parts of each session that has its whole file now."""
        for file in files:
            # Most sessions never were a part: removing files that were never there would cost two system calls a view.
            if file.kind is Kind.EARLIER or never_seen(file, view_parts):
                continue
            whole = file.kind is Kind.WHOLE
            if leaves_no_partial(file, view_parts):
                self._layout.session_file(file.session_id, partial=True).unlink(missing_ok=True)
            if whole:
                for view in file.views:
                    self._layout.part(view.planned.row, view.part).unlink(missing_ok=True)
