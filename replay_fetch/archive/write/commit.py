"""Turning a batch into facts on the disk; runs in the writer's thread.

There is one order, and a kill at any instant of it is harmless:

1. stage: lines are written to parts and to session files under temporary names, all of them on the disk;
2. record: one transaction of the ledger says where every line lies, and names the sessions in its redo list;
3. publish: the session files get their final names, and these are brought to the disk;
4. clear: what the ledger no longer needs is removed.

Before 2 nothing has happened, behind it everything has: `recovery` publishes what the redo list names.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from replay_fetch.archive.commit_log import CommitLog
from replay_fetch.archive.durable import explained, sync_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.raw import RawPage, keep_raw, remove_raw
from replay_fetch.archive.write.buffer import Batch, Delivery
from replay_fetch.archive.write.messages import PageArrived
from replay_fetch.archive.write.session_file import DamagedPart, Kind, SessionFile, Staged
from replay_fetch.archive.write.session_file_writer import SessionFileWriter
from replay_fetch.archive.write.view_part import ViewPart
from replay_fetch.model import View, ViewRecord

log = logging.getLogger(__name__)

# Views that keep what they had, of which so many are named.
_TOLD_ALOUD = 3


class Committer:
    """Writes batches, one after another."""

    def __init__(self, layout: Layout, commit_log: CommitLog, *, keep_raw: bool) -> None:
        self._layout = layout
        self._commit_log = commit_log
        self._keep_raw = keep_raw
        self._raw_is_there = layout.raw.exists()
        self._view_parts: dict[int, ViewPart] = {}
        self._told = 0
        self._files = SessionFileWriter(layout)

    def close(self) -> None:
        """Let the threads go."""
        self._files.close()

    def commit(self, batch: Batch) -> list[ViewRecord]:
        """Write one batch durably and return the records of the views that ended in it.

        Raises ArchiveError when it cannot be written; then nothing of it counts.
        """
        view_parts: dict[int, ViewPart] = {}
        records: dict[int, ViewRecord] = {}
        with explained(f"writing {self._layout.parts}"):
            for delivery in batch.deliveries:
                row = delivery.planned.row
                view_part = view_parts[row] = self._digest(delivery)
                records[row] = view_part.settle(delivery.ended)
                if view_part.refused:
                    self._tell(view_part.refused)
        self._forget_published(batch.sessions)
        files = [file for number in batch.sessions for file in self._session_files(number, records, view_parts)]
        files, staged = self._stage(files, view_parts)
        placed = {record.planned.row: record for one in staged for record in one.records}
        understood = self._understood(records.values())
        # A partial file is not redone: recovery makes all of those anew.
        redo = [one.file.session for one in staged if one.file.kind is not Kind.PARTIAL]
        self._commit_log.record((records | placed).values(), redo, understood)
        self._files.publish([one.file for one in staged])
        with explained(f"clearing {self._layout.private}"):
            self._remove_parts(view_parts, _straight(files))
            for view in understood:
                remove_raw(self._layout.raw_folder(view))
            self._remove_superseded(files, view_parts)
        ended = [delivery.planned.row for delivery in batch.deliveries if delivery.ended]
        for row in ended:
            del self._view_parts[row]
        return [records[row] for row in ended]

    def commit_partial_files(self) -> None:
        """Write the partial files of sessions whose saved views are in none: those a killed run had not come to.

        Behind it nothing is to be redone: files and ledger agree.
        """
        for session in self._commit_log.lacking_partial_files():
            self.commit(Batch([], [session], 0))
        self._commit_log.published()

    def require_undamaged(self) -> None:
        """Raise DamagedFile where one of the batches met a session's file that is damaged."""
        for damage in self._files.damaged.values():
            raise damage

    def _tell(self, refused: str) -> None:
        """Log the first few aloud: an API that has lost a million views would fill everybody's mail."""
        self._told += 1
        log.log(logging.WARNING if self._told <= _TOLD_ALOUD else logging.DEBUG, "%s", refused)
        if self._told == _TOLD_ALOUD:
            log.warning("more views that stay as they are will be named with -v only")

    def _digest(self, delivery: Delivery) -> ViewPart:
        row = delivery.planned.row
        view_part = self._view_parts.get(row) or self._view_parts.setdefault(
            row, ViewPart.begin(delivery.planned, self._layout)
        )
        raw: list[RawPage] = []
        for chain in delivery.dropped:
            raw += _added(view_part, chain)
            view_part.start_over()
        raw += _added(view_part, delivery.pages)
        if delivery.ended is not None and delivery.ended.answer is not None:
            raw.append(view_part.raw_page(delivery.ended.answer, delivery.ended.source))
        if raw and not view_part.damaged:  # else the next run asks for all of them
            self._raw_is_there = True
            keep_raw(self._layout.raw_folder(view_part.planned.view), raw)
        return view_part

    def _session_files(
        self, number: int, records: dict[int, ViewRecord], view_parts: dict[int, ViewPart]
    ) -> list[SessionFile]:
        """The session's file, or the two there are while views are not finished that came to it later."""
        known = self._commit_log.session_views(number)
        views = [records.get(view.planned.row, view) for view in known]
        if not all(view.finished for view in views):
            return [SessionFile(self._layout, kind, views) for kind in (Kind.PARTIAL, Kind.STANDING)]
        fresh = {
            view.planned.row: view_part
            for view in views
            if (view_part := view_parts.get(view.planned.row)) is not None and view_part.holds(view)
        }
        return [SessionFile(self._layout, Kind.WHOLE, views, fresh)]

    def _save(self, view_parts: Iterable[ViewPart]) -> None:
        with explained(f"writing {self._layout.parts}"):
            new = [view_part.save() for view_part in view_parts]
            if any(new):
                sync_folder(self._layout.parts)

    def _forget_published(self, sessions: Sequence[int]) -> None:
        """Empty the redo list before one of its sessions is staged again.

        A kill while the file is half written would else have recovery publish that half.
        """
        if not {session for session, _ in self._commit_log.redo_list()}.isdisjoint(sessions):
            self._commit_log.published()

    def _stage(
        self, files: Sequence[SessionFile], view_parts: dict[int, ViewPart]
    ) -> tuple[list[SessionFile], list[Staged]]:
        """Save the view parts that go into no file, then stage the files; returns those that are staged or stand.

        Where what is there of a session is damaged, its file stays as it is, and what is new is shown apart.
        """
        straight = _straight(files)
        self._save(view_part for row, view_part in view_parts.items() if row not in straight)
        try:
            staged = self._files.stage(files)
        except DamagedPart as damage:
            view = damage.view
            self._commit_log.record([ViewRecord(view.planned, part=view.part + 1)])
            raise
        damaged = [file for file in files if file in self._files.damaged]
        if not damaged:
            return list(files), staged
        self._save(view_parts[row] for row in _straight(damaged))
        apart = [SessionFile(self._layout, Kind.PARTIAL, file.views) for file in damaged if file.kind is Kind.WHOLE]
        return [*(file for file in files if file not in damaged), *apart], staged + self._files.stage(apart)

    def _understood(self, records: Iterable[ViewRecord]) -> list[View]:
        """Views that now are understood and whose pages lie in ``raw/``, unless these are to stay."""
        if self._keep_raw or not self._raw_is_there:
            return []
        finished = (record.planned.view for record in records if record.finished)
        return [view for view in finished if self._layout.raw_folder(view).is_dir()]

    # What these leave behind where a run is killed, the next one removes.

    def _remove_parts(self, view_parts: dict[int, ViewPart], straight: set[int]) -> None:
        """Remove the parts of chains that no longer count, and of views that went ``straight`` into a file."""
        for row, view_part in view_parts.items():
            if not view_part.untouched:
                view_part.remove_stale(in_file=row in straight)

    def _remove_superseded(self, files: Sequence[SessionFile], view_parts: dict[int, ViewPart]) -> None:
        """Remove the partial files and parts of sessions whose file is there now."""
        for file in files:
            if file.kind is Kind.STANDING or _never_seen(file, view_parts):
                continue
            whole = file.kind is Kind.WHOLE
            if whole or not file.content:
                self._layout.session_file(file.session_id, partial=True).unlink(missing_ok=True)
            if whole:
                for view in file.views:
                    self._layout.part(view.planned.row, view.part).unlink(missing_ok=True)


def _added(view_part: ViewPart, pages: Sequence[PageArrived]) -> list[RawPage]:
    """Append pages; returns those that are kept raw. Of a view whose part is damaged, the next run asks for all."""
    raw: list[RawPage] = []
    for arrived in pages:
        if arrived.answer is not None and not view_part.damaged:
            raw.append(view_part.raw_page(arrived.answer, arrived.source))
        view_part.add(arrived.page, arrived.source)
    if view_part.chain.token is not None:
        view_part.chain.leave_trail(arrived.page for arrived in pages)
    return raw


def _straight(files: Iterable[SessionFile]) -> set[int]:
    """Rows of views that go straight into a file, without ever being a part."""
    return {row for file in files for row in file.view_parts}


def _never_seen(file: SessionFile, view_parts: dict[int, ViewPart]) -> bool:
    """True where nothing of the session had been on the disk before."""
    return all(view.planned.row in file.view_parts and view_parts[view.planned.row].untouched for view in file.views)
