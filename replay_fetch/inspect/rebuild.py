"""The rebuild of a ledger, ``verify --rebuild``: made from the manifest and the files that agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from msgspec import json
from msgspec.structs import replace

from replay_fetch.archive.aside import Aside, Attempt, attempt, not_of_a_disk, put_in_place, row_of
from replay_fetch.archive.compress import stored_text
from replay_fetch.archive.durable import explained, make_folder, sync_folder, write_file
from replay_fetch.archive.folder import opened, require_not_scrubbed
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.readers import Readers
from replay_fetch.archive.read.verify import Problem
from replay_fetch.archive.shards import check_shard
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.errors import ArchiveError
from replay_fetch.events_record import EventsRecord
from replay_fetch.inspect.ledger_snapshot import LedgerSnapshot
from replay_fetch.inspect.tombstones import ErasedSessions
from replay_fetch.inspect.verification import Verification
from replay_fetch.inspect.verify import Verifying
from replay_fetch.inspect.verify_events import EventsCheck
from replay_fetch.ledger.database import DamagedLedger, check_file
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.totals import Totals
from replay_fetch.model import Span, ViewRecord
from replay_fetch.pipeline.opening import bring_manifest_up_to_date, open_as_it_is
from replay_fetch.progress.reporters import Reporter
from replay_fetch.settings import Compression
from replay_fetch.store.log import LogPart


@dataclass(slots=True)
class Rebuilt:
    """The result of a rebuild: the verification that it rests on, and the views that the new ledger has."""

    found: Verification
    kept: int = 0
    """Views that are as the manifest says, finished or not."""
    dropped: int = 0
    """Views that are not: the next run asks for them as if they were new."""
    aside: Path | None = None
    """The folder that holds the old ledger and the damaged files, None where there was neither."""
    stays: bool = False
    """Nothing was wrong: the ledger is the old one."""

    @property
    def exit_code(self) -> int:
        """Return 0 where nothing was wrong but the ledger, else 1: some views are damaged, and are asked for again."""
        return self.found.exit_code


def rebuild(root: Path, readers: Readers, reporter: Reporter | None) -> Rebuilt:
    """Verify the archive and make its ledger anew; damaged files are set aside, and nothing is deleted.

    The archive is then sound, and the next run asks for the views that it lacks, in the manifest's order. The new
    ledger takes the old ledger's place whole or not at all. Raises ArchiveError where there is no archive, a run
    writes to it, or its ledger is of another format or knows more than the manifest, as the log of a copy out of a
    store may; SettingsError for shards.
    """
    check_shard(root, None, None)
    layout = Layout(root)
    verifying = Verifying(DiskShelf(root), readers, reporter)
    match _ledger_state(layout):
        case _LedgerState.SOUND if not (found := verifying.run()).findings:
            return Rebuilt(found, kept=found.views, stays=True)
        case _LedgerState.HALF_REBUILT:
            totals, aside = _to_its_end(root)
            found = Verifying(DiskShelf(root), readers, reporter).run()
            return Rebuilt(found, totals.views - totals.unasked, totals.unasked, aside)
    require_not_scrubbed(layout)
    _require_ended_copy(layout)
    with explained(f"opening {root}"):
        make_folder(layout.private)  # an archive copied without it is one again
    verifying = Verifying(DiskShelf(root), readers, reporter)
    rebuilt = Rebuilt(verifying.found)
    with opened(root) as layout:
        # Asked again under the lock: the first look was without it.
        _ledger_state(layout)  # no run was killed meanwhile
        with suppress(DamagedLedger):
            _fold_log(layout)
        with closing(LedgerSnapshot(layout)) as old:
            tombstones = ErasedSessions(DiskShelf(layout.root), old.marks())
        _restore(_Restoring(layout, verifying, rebuilt, attempt(layout), tombstones))
    _, rebuilt.aside = _to_its_end(root)
    return rebuilt


def _to_its_end(root: Path) -> tuple[Totals, Path | None]:
    """Set aside the files that the new ledger does not know, and write manifest and partial files.

    It also does the rest of a killed rebuild. Returns the ledger's totals, and the folder of files set aside, None
    where no file was.
    """
    with open_as_it_is(root) as (layout, ledger):
        bring_manifest_up_to_date(layout, ledger, changed=True, in_order=True)
        folder = layout.private / (ledger.setting(Setting.REBUILT_ASIDE) or "none")
        return ledger.totals(), folder if folder.exists() else None


def _restore(restoring: _Restoring) -> None:
    """Make the new ledger under a temporary name and put it in place."""
    layout = restoring.layout
    new = layout.temporary / layout.ledger.name
    for leftover in layout.temporary.glob(f"{new.name}*"):
        leftover.unlink()
    with closing(Ledger.open(new)) as ledger:
        ledger.restore(restoring.records())
        ledger.restore_events(restoring.events())
        ledger.restore_marks(restoring.tombstones.marks)
        # Noted in the new ledger before that is in place, so that a kill behind the rename finds the rest to do.
        ledger.set_setting(Setting.STATE, State.REBUILT)  # until files and manifest are what it says
        if restoring.compression is not None:
            ledger.set_setting(Setting.COMPRESSION, restoring.compression)
        aside = Aside(restoring.attempt.aside, list(restoring.not_known()))
        ledger.set_setting(Setting.ASIDE, json.encode(aside).decode())
    with explained(f"replacing {layout.ledger}"):
        sync_folder(layout.parts)
        put_in_place(layout, new, aside)


class _LedgerState(Enum):
    """Says whether the present ledger can be kept, or a new one must be made from manifest and files."""

    SOUND = "sound"
    HALF_REBUILT = "half rebuilt"
    """A rebuild was killed behind the new ledger: the rest of it can be done again."""
    DAMAGED = "damaged or not there"


def _ledger_state(layout: Layout) -> _LedgerState:
    """Judge the present ledger; raises ArchiveError where it is sound and knows more than the manifest."""
    with closing(LedgerSnapshot(layout)) as snapshot:
        if snapshot.leads and snapshot.half_rebuilt:
            return _LedgerState.HALF_REBUILT
        for _ in snapshot.sessions() if snapshot.leads else ():
            pass  # what is wrong with a view's row shows when it is read
        if snapshot.leads and not snapshot.blank:
            raise ArchiveError(
                f"the ledger of {layout.root} is intact and knows more than the manifest, of which a new one would be "
                "made: run the same download again, to its end, and verify then; to have a new ledger all the same, "
                f"move {layout.ledger} away first, and nothing else: what lies beside it may be nowhere else"
            )
        sound = snapshot.blank or layout.ledger.is_file()
        return _LedgerState.SOUND if sound and not any(snapshot.findings()) else _LedgerState.DAMAGED


def _require_ended_copy(layout: Layout) -> None:
    """Raise ArchiveError for a copy out of a store whose log knows more than the manifest, as `_ledger_state` does."""
    folder = layout.private / "log"
    with explained(f"reading {folder}"):
        newest = max(folder.iterdir(), default=None) if folder.is_dir() else None
        content = newest.read_bytes() if newest else b""
    if newest and LogPart(str(newest), content).header.kind != "end":
        raise ArchiveError(
            f"{layout.root} is a copy of an archive in a store whose last run did not come to its end: its log knows "
            "more than the manifest, of which a ledger would be made. Run the same download into the store again, to "
            f"its end, and copy it anew; to have a ledger all the same, move {folder} away first"
        )


def _fold_log(layout: Layout) -> None:
    """Let a sound ledger take in its log, so a single file can be set aside."""
    if check_file(layout.ledger):
        Ledger.open(layout.ledger).close()


@dataclass(slots=True)
class _Restoring:
    """Turns the manifest's entries into the new ledger's records; a damaged view gets a blank one, to be asked for."""

    layout: Layout
    verifying: Verifying
    rebuilt: Rebuilt
    attempt: Attempt
    """Rows begin behind every part there is: none is overwritten while the old ledger still counts."""
    tombstones: ErasedSessions
    """Of the old ledger, as far as it can be read, and of the erasures' reports."""
    compression: Compression | None = None
    """Of the session files; where there is none, the next download decides."""
    damaged: set[str] = field(default_factory=set)
    """Names of session files that are not, or not only, what the manifest says."""

    def records(self) -> Iterator[ViewRecord]:
        """Give the new ledger's record of each view, in the manifest's order."""
        for entries, verdict in self.verifying.sessions():
            damaged = {finding.file for finding in verdict.findings}
            self.damaged |= damaged
            if self.tombstones.has(entries[0].record.planned.view.session_id):
                self.damaged |= {entry.file for entry in entries if entry.file is not None}
                continue
            for entry in entries:
                good = entry.record.planned.row not in verdict.bad
                yield self._record(entry, good=good, stays=entry.file not in damaged)

    def _record(self, entry: Entry, *, good: bool, stays: bool) -> ViewRecord:
        record = entry.record
        planned = replace(
            record.planned,
            row=self.attempt.before + record.planned.row,
            expected=record.warnings.segments_expected,
        )
        if entry.file is not None:
            self.compression = entry.compression
        # Bytes in no file were in a part, which only the old ledger knew to read.
        if not good or (record.size and entry.file is None):
            self.rebuilt.dropped += 1
            return ViewRecord(planned)
        self.rebuilt.kept += 1
        if entry.file is None or (record.whole and stays):
            return replace(record, planned=planned)
        self._save(entry, planned.row)
        return replace(record, planned=planned, whole=None, partial=None)

    def events(self) -> Iterator[EventsRecord]:
        """Give the records of the sessions whose events are as the manifest of events says; others are asked for."""
        check = EventsCheck(DiskShelf(self.layout.root))
        yield from check.records()
        self.compression = self.compression or check.compression
        found = check.findings()
        self.damaged |= {finding.file for finding in found if finding.file != self.layout.events_manifest.name}
        self.rebuilt.found.findings += found

    def _save(self, entry: Entry, row: int) -> None:
        """Write the view's lines as a part, from which its session's file is made anew."""
        part = self.layout.part(row, entry.record.part)
        with explained(f"writing {part}"):
            path, span = self.layout.root / (entry.file or ""), entry.span or Span(0, 0, "")
            write_file(part, stored_text(path, span, entry.compression, entry.record.size))

    def not_known(self) -> Iterator[str]:
        """List the files that the new ledger does not know: old parts, a store's log, damaged and extra files."""
        parts = (part for part in self.layout.parts.iterdir() if row_of(part) <= self.attempt.before)
        yield from sorted(part.relative_to(self.layout.root).as_posix() for part in parts)
        yield from not_of_a_disk(self.layout)
        extra = {finding.file for finding in self.rebuilt.found.findings if finding.problem is Problem.EXTRA}
        yield from sorted(self.damaged | extra)
