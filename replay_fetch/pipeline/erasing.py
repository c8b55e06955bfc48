"""The erasure of sessions from an archive, by id or by the age of the recordings; and its rehearsal.

The order is that of every commit: the ledger's transaction is the instant at which the sessions are erased. The rest of
them is removed behind it, by this run or by any later one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from replay_fetch.archive.erasure import SessionFiles, begun, erasure_reports, set_aside_files, told
from replay_fetch.archive.folder import existing
from replay_fetch.erased import ErasedSession
from replay_fetch.errors import InputError
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting
from replay_fetch.model import ViewRecord
from replay_fetch.pipeline.opening import finish_erasure, open_as_it_is
from replay_fetch.settings import Settings

if TYPE_CHECKING:
    from replay_fetch.pipeline.scratch import LedgerScratch
    from replay_fetch.store.location import Location

_Sizes = Callable[[str, list[ViewRecord]], list[int]]
"""Gives the bytes of each file of a session, by its id and the records of its views."""
# Sessions that the result names; all of them are in the erasure's report, by their marks.
_NAMED = 1000


@dataclass(frozen=True, slots=True)
class ErasureJob:
    """An erasure to be done: the archive, the sessions, the way in which they were chosen, and the present time."""

    out: Path | Location
    at: datetime
    chosen_by: str
    """``session``, ``user`` or ``age``: this word alone is kept, never the person's."""
    sessions: Iterable[str] = ()
    """Ids, each of the form that an id has."""
    untold: int = 0
    """Sessions of which nothing tells whether they are the user's too, so they stay."""
    before_ms: int | None = None
    """Instead of ``sessions``, those whose recording began before, in milliseconds since 1970."""
    settings: Settings = field(default_factory=Settings)
    """Of an archive in a store: its scratch, and how long to wait for its lease."""


@dataclass(slots=True)
class Erased:
    """The result of an erasure or its rehearsal: sums over the sessions, and what an erasure does not reach."""

    root: Path | Location
    sessions: int = 0
    """Sessions of which the archive had something."""
    not_there: int = 0
    """Ids that it had nothing of; no later download brings these in either."""
    views: int = 0
    segments: int = 0
    size: int = 0
    files: int = 0
    stored: int = 0
    """Bytes of the files."""
    named: list[ErasedSession] = field(default_factory=list)
    """The first thousand sessions."""
    undated: int = 0
    """Sessions without a known time, which an erasure by age keeps."""
    untold: int = 0
    """Sessions that stay though they may be the user's: there is no event that tells."""
    report: str | None = None
    """Its path or address; None of a rehearsal, and where there was nothing to erase."""
    set_aside: list[Path] = field(default_factory=list)
    """Files that rebuilds of the ledger set aside, which may hold any session."""

    @property
    def exit_code(self) -> int:
        """Return 0 where nothing of the sessions is left.

        It is 1 where files that were set aside may hold some of it, and where sessions stay that may be the user's.
        """
        return 1 if (self.set_aside and self.report) or self.untold else 0

    def found(self, job: ErasureJob, ledger: Ledger, sizes: _Sizes) -> Iterator[ErasedSession]:
        """Give the sessions of the job, counted, with what the ledger and ``sizes`` have of each."""
        self.undated = 0 if job.before_ms is None else ledger.sessions_without_start()
        return self.count(_measured(sizes, ledger, _chosen(ledger, job)))

    def count(self, sessions: Iterable[ErasedSession]) -> Iterator[ErasedSession]:
        """Count the sessions that pass through."""
        for session in told(sessions, "looked at"):
            self.sessions += session.was_there
            self.not_there += not session.was_there
            self.views += session.views
            self.segments += session.segments
            self.size += session.size
            self.files += session.files
            self.stored += session.stored
            if len(self.named) < _NAMED:
                self.named.append(session)
            yield session


def erase(job: ErasureJob) -> Erased:
    """Erase the sessions; when it returns, nothing of them is left in the archive but their marks.

    Raises InputError, with nothing changed, for the mere beginning of an id that is there; ArchiveError where there
    is no archive, a run writes to it, or the disk refuses. In the last case the next run or erasure finishes what had
    begun.
    """
    erased = Erased(job.out, untold=job.untold)
    if not isinstance(job.out, Path):
        from replay_fetch.pipeline.stored import opened_as_it_is  # noqa: PLC0415 - a disk needs none of it
        from replay_fetch.pipeline.stored_erasure import StoredErasure, stored_sizes  # noqa: PLC0415 - as above

        with opened_as_it_is(job.out, job.settings) as stored:
            found = erased.found(job, stored.scratch.ledger, partial(stored_sizes, stored.scratch))
            name = StoredErasure(stored).erase(found, job.chosen_by, job.at)
            erased.report = f"{job.out}/{name}" if name else None
        return erased
    existing(job.out)
    with open_as_it_is(job.out) as (layout, ledger):
        found = erased.found(job, ledger, SessionFiles(layout).sizes)
        # The first session is taken alone: where there is none, nothing is to be recorded.
        first = next(found, None)
        if first is not None:
            name, about = begun(erasure_reports(layout), job.chosen_by, job.at)
            erased.report = str(layout.root / name)
            ledger.begin_erasure(about.decode(), chain([first], found))
            finish_erasure(layout, ledger)
        erased.set_aside = set_aside_files(layout)
    return erased


def finish_begun(job: ErasureJob) -> None:
    """Carry an erasure of the archive that was killed to its end, where there is one."""
    if isinstance(job.out, Path):
        with closing(Ledger.open_read_only(existing(job.out).ledger)) as ledger:
            begun_before = ledger.setting(Setting.ERASURE) is not None
    else:
        with _restored(job.out, job.settings) as scratch:
            begun_before = bool(scratch.ledger.setting(Setting.ERASURE))
    if begun_before:
        erase(replace(job, sessions=(), before_ms=None))


def rehearse_erasure(job: ErasureJob) -> Erased:
    """Find what `erase` would remove, as of the archive's last commit; changes nothing, disturbs no run."""
    erased = Erased(job.out, untold=job.untold)
    if not isinstance(job.out, Path):
        from replay_fetch.pipeline.stored_erasure import stored_sizes  # noqa: PLC0415 - a disk needs none of it

        with _restored(job.out, job.settings) as scratch:
            for _ in erased.found(job, scratch.ledger, partial(stored_sizes, scratch)):
                pass
        return erased
    layout = existing(job.out)
    with closing(Ledger.open_read_only(layout.ledger)) as ledger:
        for _ in erased.found(job, ledger, SessionFiles(layout).sizes):
            pass
    erased.set_aside = set_aside_files(layout)
    return erased


@contextmanager
def _restored(out: Location, settings: Settings) -> Iterator[LedgerScratch]:
    """Give the ledger of an archive in a store as its log has it now; raises ArchiveError where there is none."""
    from replay_fetch.pipeline.out_of_store import restored  # noqa: PLC0415 - a disk needs none of it

    with restored(out, settings, made=True) as scratch:
        yield scratch


def _chosen(ledger: Ledger, job: ErasureJob) -> Iterable[str]:
    """Give the ids of the sessions, each once; ids that differ in case only are one session."""
    if job.before_ms is not None:
        return ledger.sessions_before(job.before_ms)
    return {session_id.lower(): session_id for session_id in job.sessions}.values()


def _measured(sizes: _Sizes, ledger: Ledger, sessions: Iterable[str]) -> Iterator[ErasedSession]:
    """Add to each session what the ledger has of it, and the sizes of its files."""
    for wanted in sessions:
        planned = ledger.planned_session(wanted)
        if not planned and (whole := ledger.session_beginning_with(wanted)) is not None:
            # Taken for an id that is not there, it would be told as erased while its session stays.
            raise InputError(f"{wanted} is only the beginning of an id, such as {whole}; name sessions by whole ids")
        # As the archive spells it: its files are named so.
        session_id = planned[0].view.session_id if planned else wanted
        records = [each.earlier for each in planned if each.earlier is not None]
        files = sizes(session_id, records)
        yield ErasedSession(
            session_id,
            views=len(planned),
            segments=sum(record.segments for record in records),
            size=sum(record.size for record in records),
            files=len(files),
            stored=sum(files),
        )
