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
from typing import Protocol

from replay_fetch.archive.durable import explained, sync_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.raw import RawPage, keep_raw, remove_raw
from replay_fetch.archive.write.buffer import Batch, Delivery
from replay_fetch.archive.write.messages import PageArrived
from replay_fetch.archive.write.session_file import DamagedPart, Kind, SessionFile, Staged
from replay_fetch.archive.write.session_file_writer import Filing
from replay_fetch.archive.write.view_part import Draft
from replay_fetch.model import View, ViewRecord

log = logging.getLogger(__name__)

# Views that keep what they had, of which so many are named.
_TOLD_ALOUD = 3


class Journal(Protocol):
    """What a commit needs of the ledger."""

    def record(self, records: Iterable[ViewRecord], redo: Iterable[int] = (), understood: Sequence[View] = ()) -> None:
        """Keep the records, all or none, durably; and what is still to be done about it.

        ``redo`` are the sessions whose staged files are published after this, in place of those of the record
        before; ``understood`` are views whose raw pages go.
        """

    def redo_list(self) -> Sequence[tuple[int, str]]:
        """Sessions, by number and id, that the latest record named as to be published."""

    def published(self) -> None:
        """Empty the redo list: every file in it has its final name."""

    def lacking_partial_files(self) -> Sequence[int]:
        """Sessions with saved views that are in no file of theirs."""

    def session_views(self, session: int) -> Iterable[ViewRecord]:
        """All views of a session in list order."""


class Committer:
    """Writes batches, one after another."""

    def __init__(self, layout: Layout, journal: Journal, *, keep_raw: bool) -> None:
        self._layout = layout
        self._journal = journal
        self._keep_raw = keep_raw
        self._raw_is_there = layout.raw.exists()
        self._drafts: dict[int, Draft] = {}
        self._told = 0
        self._filing = Filing(layout)

    def close(self) -> None:
        """Let the threads go."""
        self._filing.close()

    def commit(self, batch: Batch) -> list[ViewRecord]:
        """Write one batch durably and return the records of the views that ended in it.

        Raises ArchiveError when it cannot be written; then nothing of it counts.
        """
        drafts: dict[int, Draft] = {}
        records: dict[int, ViewRecord] = {}
        with explained(f"writing {self._layout.parts}"):
            for delivery in batch.deliveries:
                row = delivery.planned.row
                draft = drafts[row] = self._digest(delivery)
                records[row] = draft.settle(delivery.ended)
                if draft.refused:
                    self._tell(draft.refused)
        self._forget_published(batch.sessions)
        files = [file for number in batch.sessions for file in self._session_files(number, records, drafts)]
        files, staged = self._stage(files, drafts)
        placed = {record.planned.row: record for one in staged for record in one.records}
        understood = self._understood(records.values())
        # A partial file is not redone: recovery makes all of those anew.
        redo = [one.file.session for one in staged if one.file.kind is not Kind.PARTIAL]
        self._journal.record((records | placed).values(), redo, understood)
        self._filing.publish([one.file for one in staged])
        with explained(f"clearing {self._layout.private}"):
            self._remove_parts(drafts, _straight(files))
            for view in understood:
                remove_raw(self._layout.raw_folder(view))
            self._remove_superseded(files, drafts)
        ended = [delivery.planned.row for delivery in batch.deliveries if delivery.ended]
        for row in ended:
            del self._drafts[row]
        return [records[row] for row in ended]

    def commit_partial_files(self) -> None:
        """Write the partial files of sessions whose saved views are in none: those a killed run had not come to.

        Behind it nothing is to be redone: files and ledger agree.
        """
        for session in self._journal.lacking_partial_files():
            self.commit(Batch([], [session], 0))
        self._journal.published()

    def require_undamaged(self) -> None:
        """Raise DamagedFile where one of the batches met a session's file that is damaged."""
        for damage in self._filing.damaged.values():
            raise damage

    def _tell(self, refused: str) -> None:
        """Log the first few aloud: an API that has lost a million views would fill everybody's mail."""
        self._told += 1
        log.log(logging.WARNING if self._told <= _TOLD_ALOUD else logging.DEBUG, "%s", refused)
        if self._told == _TOLD_ALOUD:
            log.warning("more views that stay as they are will be named with -v only")

    def _digest(self, delivery: Delivery) -> Draft:
        row = delivery.planned.row
        draft = self._drafts.get(row) or self._drafts.setdefault(row, Draft.begin(delivery.planned, self._layout))
        raw: list[RawPage] = []
        for chain in delivery.dropped:
            raw += _added(draft, chain)
            draft.start_over()
        raw += _added(draft, delivery.pages)
        if delivery.ended is not None and delivery.ended.answer is not None:
            raw.append(draft.raw_page(delivery.ended.answer, delivery.ended.source))
        if raw and not draft.damaged:  # else the next run asks for all of them
            self._raw_is_there = True
            keep_raw(self._layout.raw_folder(draft.planned.view), raw)
        return draft

    def _session_files(
        self, number: int, records: dict[int, ViewRecord], drafts: dict[int, Draft]
    ) -> list[SessionFile]:
        """The session's file, or the two there are while views are not finished that came to it later."""
        known = self._journal.session_views(number)
        views = [records.get(view.planned.row, view) for view in known]
        if not all(view.finished for view in views):
            return [SessionFile(self._layout, kind, views) for kind in (Kind.PARTIAL, Kind.STANDING)]
        fresh = {
            view.planned.row: draft
            for view in views
            if (draft := drafts.get(view.planned.row)) is not None and draft.holds(view)
        }
        return [SessionFile(self._layout, Kind.WHOLE, views, fresh)]

    def _save(self, drafts: Iterable[Draft]) -> None:
        with explained(f"writing {self._layout.parts}"):
            new = [draft.save() for draft in drafts]
            if any(new):
                sync_folder(self._layout.parts)

    def _forget_published(self, sessions: Sequence[int]) -> None:
        """Empty the redo list before one of its sessions is staged again.

        A kill while the file is half written would else have recovery publish that half.
        """
        if not {session for session, _ in self._journal.redo_list()}.isdisjoint(sessions):
            self._journal.published()

    def _stage(self, files: Sequence[SessionFile], drafts: dict[int, Draft]) -> tuple[list[SessionFile], list[Staged]]:
        """Save the drafts that go into no file, then stage the files; returns those that are staged or stand.

        Where what is there of a session is damaged, its file stays as it is, and what is new is shown apart.
        """
        straight = _straight(files)
        self._save(draft for row, draft in drafts.items() if row not in straight)
        try:
            staged = self._filing.stage(files)
        except DamagedPart as damage:
            view = damage.view
            self._journal.record([ViewRecord(view.planned, part=view.part + 1)])
            raise
        damaged = [file for file in files if file in self._filing.damaged]
        if not damaged:
            return list(files), staged
        self._save(drafts[row] for row in _straight(damaged))
        apart = [SessionFile(self._layout, Kind.PARTIAL, file.views) for file in damaged if file.kind is Kind.WHOLE]
        return [*(file for file in files if file not in damaged), *apart], staged + self._filing.stage(apart)

    def _understood(self, records: Iterable[ViewRecord]) -> list[View]:
        """Views that now are understood and whose pages lie in ``raw/``, unless these are to stay."""
        if self._keep_raw or not self._raw_is_there:
            return []
        finished = (record.planned.view for record in records if record.finished)
        return [view for view in finished if self._layout.raw_folder(view).is_dir()]

    # What these leave behind where a run is killed, the next one removes.

    def _remove_parts(self, drafts: dict[int, Draft], straight: set[int]) -> None:
        """Remove the parts of chains that no longer count, and of views that went ``straight`` into a file."""
        for row, draft in drafts.items():
            if not draft.untouched:
                draft.remove_stale(in_file=row in straight)

    def _remove_superseded(self, files: Sequence[SessionFile], drafts: dict[int, Draft]) -> None:
        """Remove the partial files and parts of sessions whose file is there now."""
        for file in files:
            if file.kind is Kind.STANDING or _never_seen(file, drafts):
                continue
            whole = file.kind is Kind.WHOLE
            if whole or not file.content:
                self._layout.session_file(file.session_id, partial=True).unlink(missing_ok=True)
            if whole:
                for view in file.views:
                    self._layout.part(view.planned.row, view.part).unlink(missing_ok=True)


def _added(draft: Draft, pages: Sequence[PageArrived]) -> list[RawPage]:
    """Append pages; returns those that are kept raw. Of a view whose part is damaged, the next run asks for all."""
    raw: list[RawPage] = []
    for arrived in pages:
        if arrived.answer is not None and not draft.damaged:
            raw.append(draft.raw_page(arrived.answer, arrived.source))
        draft.add(arrived.page, arrived.source)
    if draft.chain.token is not None:
        draft.chain.leave_trail(arrived.page for arrived in pages)
    return raw


def _straight(files: Iterable[SessionFile]) -> set[int]:
    """Rows of views that go straight into a file, without ever being a part."""
    return {row for file in files for row in file.drafts}


def _never_seen(file: SessionFile, drafts: dict[int, Draft]) -> bool:
    """True where nothing of the session had been on the disk before."""
    return all(view.planned.row in file.drafts and drafts[view.planned.row].untouched for view in file.views)
