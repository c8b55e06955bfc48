"""One view's lines while it is fetched, in memory and, where it grows or must wait, in its part."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from replay_fetch.api import Continuity, Trail, facts
from replay_fetch.archive.blocks import file_range, lines_of, whole_lines
from replay_fetch.archive.durable import write_file
from replay_fetch.archive.endings import DAMAGED, EXPECTED, GONE, LACKS, STAYS, ended_as, lacking
from replay_fetch.archive.kept import Comparison, both, kept_lines
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import lines, segment_of
from replay_fetch.archive.messages import ViewEnded
from replay_fetch.archive.raw import RawPage
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Answer, Outcome, Page, PlannedView, Segment, ViewRecord

log = logging.getLogger(__name__)


class Draft(Struct, eq=False):
    """A view on its way into the archive; belongs to the writer's thread.

    A chain that goes on where an earlier run was cut off begins with that run's part. One that begins anew takes
    the place of what there is only once it holds all of it: the API may have lost what it gave before, and the
    archive is then the only copy.
    """

    planned: PlannedView
    layout: Layout
    size: int = 0
    """Bytes of all lines made so far."""
    pages: int = 0
    damaged: bool = False
    """The part it was to go on from is not what the ledger says."""
    refused: str = ""
    """Why a new answer does not replace what a finished view had; empty where it does, or is the same."""
    _kept: ViewRecord | None = None
    """What the ledger has of the view, or will have with the next commit."""
    _comparison: Comparison | None = None
    """The chain against what is kept, made where there is something to compare."""
    _number: int = 0
    _void: set[int] = field(default_factory=set)
    """The parts of chains that were begun before this one."""
    _new_part: bool = False
    """Its part has a name that is not yet on the disk."""
    _added: list[Segment] = field(default_factory=list)
    """Segments of which no lines are made yet; those of several pages are made, hashed and looked into at once."""
    _chunks: list[bytes] = field(default_factory=list)
    _saved: int = 0
    _segments: int = 0
    _shape: str = ""
    _source: str = ""
    token: str | None = None
    """Where its next page lies."""
    _trail: Trail | None = None
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    _continuity: Continuity = field(default_factory=Continuity)

    @classmethod
    def begin(cls, planned: PlannedView, layout: Layout) -> Draft:
        """The draft of a view, with what an earlier run kept of it where its chain goes on."""
        draft = cls(planned, layout)
        earlier = planned.earlier
        if earlier is None:
            return draft
        draft._kept, draft._number = earlier, earlier.part
        if earlier.token is None:
            draft._begin_anew()
        else:
            draft._go_on(earlier)
        return draft

    @property
    def part(self) -> Path:
        """Where its lines are, or would be, saved."""
        return self.layout.part(self.planned.row, self._number)

    def add(self, page: Page, source: str) -> None:
        """Append a page's segments."""
        if self.damaged:
            return
        self._added += page.segments
        self.pages += 1
        self._shape = self._shape or page.shape
        self.token, self._source = page.token, source

    def leave_trail(self, pages: Iterable[Page]) -> None:
        """Note how its chain came through the latest pages, for the run that goes on where this one is cut off."""
        self._trail = self._trail or Trail()
        self._trail.extend(pages)

    def raw_page(self, answer: Answer, source: str) -> RawPage:
        """The answer as the page behind those so far, and behind those of a finished answer, which may stay."""
        before = earlier.pages if (earlier := self.planned.earlier) and earlier.finished else 0
        return RawPage(answer, before + self.pages + 1, source, self.token)

    def start_over(self) -> None:
        """Begin the chain anew; what came of it so far is kept, on the disk, as if an earlier run had saved it.

        The part that an earlier run saved stays until the ledger no longer needs it.
        """
        self._make_lines()
        if self.damaged:
            self._kept = None  # what is there is no longer what was saved
        elif self._segments and not (self._kept is not None and self._kept.finished):
            kept = self._kept
            if kept is None or not self._lacks(kept):
                self._write()
                self._kept = self._record(None)
            elif self._compared(kept).brings_more:
                self._kept = self._put_together(kept)
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._void.add(self._number)
        self._number += 1
        self.damaged, self._comparison = False, None
        self._added, self._chunks, self._saved, self.size, self._segments = [], [], 0, 0, 0
        self._hash, self._continuity = hashlib.sha256(), Continuity()
        self._source, self.token, self._trail = "", None, None
        self.pages, self._shape = 0, ""

    @property
    def untouched(self) -> bool:
        """Nothing of the view has ever been on the disk."""
        return self.planned.earlier is None and not self._saved and not self._void

    def save(self) -> bool:
        """Put what is in memory behind what is in the part, durably; True where the part is new.

        A new name in the folder is the caller's to sync.
        """
        self._make_lines()
        self._write()
        new, self._new_part = self._new_part, False
        return new

    def _write(self) -> None:
        if self._chunks:
            self._new_part = self._new_part or not self._saved
            self._saved += write_file(self.part, self._chunks, append_at=self._saved)
            self._chunks = []

    def read(self) -> Iterator[bytes]:
        """All lines, from the part and from memory, in blocks."""
        self._make_lines()
        if self._saved:
            yield from file_range(self.part, 0, self._saved)
        yield from self._chunks

    def holds(self, record: ViewRecord) -> bool:
        """True where its lines are those of the record: not where an earlier answer is kept."""
        return record.whole is None and record.part == self._number

    def settle(self, ended: ViewEnded | None) -> ViewRecord:
        """What the ledger keeps of the view, ended or still growing.

        1. Where the part it was to go on from is damaged, nothing counts: the next run begins anew.
        2. A view that was finished and is asked for again keeps what it had, unless the new answer holds
           all of that, or something else.
        3. A chain that holds all that is kept takes its place.
        4. Until then what is kept stays. At its end both stand, and the view is not finished.
        """
        self._make_lines()
        kept = self._kept
        if kept is not None and kept.finished and (ended is None or self._stays(kept, ended)):
            noticed = {name: value for name, value in kept.checks.items() if name != EXPECTED}
            checks = noticed | lacking(self.planned, kept.segments)
            return replace(kept, planned=replace(self.planned, earlier=None), checks=checks)
        if self.damaged:
            self._kept = ViewRecord(self.planned, part=self._number)
            return ended_as(self._kept, ended and replace(ended, outcome=Outcome.FAILED, reason=DAMAGED))
        if kept is None or not self._lacks(kept):
            self._kept = self._record(ended)
            return self._kept
        return ended_as(kept, None) if ended is None else self._both(kept, ended)

    def _both(self, kept: ViewRecord, ended: ViewEnded) -> ViewRecord:
        """What is kept, and behind it what the chain brought beside that; a chain that was whole leaves it unfinished.

        The reason tells of the latest answer and of what is there then, so that it is the same where a killed run
        asks once more.
        """
        compared, brought = self._compared(kept), self._segments
        if compared.brings_more:
            kept = self._put_together(kept)
        else:
            self._drop()
        if ended.outcome.finished:
            lacks = LACKS % (len(compared.lacking), kept.segments)
            reason = lacks if brought else GONE % (kept.segments, ended.outcome)
            ended = replace(ended, outcome=Outcome.INCOMPLETE, reason=reason)
        self._kept = ended_as(kept, ended)
        return self._kept

    def remove_stale(self, *, in_file: bool) -> None:
        """Remove parts that no longer count, and its own where its lines now lie in the session's file."""
        kept = set() if in_file or self._kept is None else {self._kept.part}
        for number in (self._void | ({self._number} if in_file else set())) - kept:
            self.layout.part(self.planned.row, number).unlink(missing_ok=True)

    def _make_lines(self) -> None:
        if self._added:
            chunk = lines(self.planned.view, self._segments, self._added)
            self._continuity.add_all([segment.raw for segment in self._added])
            self._segments += len(self._added)
            self._added = []
            self._chunks.append(chunk)
            self.size += len(chunk)
            self._hash.update(chunk)
            if self._comparison is not None:
                self._comparison.see(map(segment_of, lines_of([chunk])))

    def _drop(self) -> None:
        self._chunks = []
        self._void.add(self._number)

    def _lacks(self, kept: ViewRecord) -> bool:
        """True where the chain so far has not brought all that is kept; its own beginning is."""
        return bool(kept.segments) and kept.part != self._number and bool(self._compared(kept).lacking)

    def _compared(self, kept: ViewRecord) -> Comparison:
        """The chain so far against what is kept; from then on it is compared as it grows."""
        if self._comparison is None:
            try:
                self._comparison = Comparison(kept_lines(kept, self.layout))
            except (OSError, ValueError) as damage:
                what = f"what the archive has of {kept.planned.view} is damaged ({damage})"
                if kept.finished:
                    raise ArchiveError(f"{what}; `replay-fetch verify {self.layout.root}`") from damage
                log.warning("%s; the new answer takes its place", what)
                self._comparison = Comparison(())
            self._comparison.see(map(segment_of, lines_of(self.read())))
        return self._comparison

    def _put_together(self, kept: ViewRecord) -> ViewRecord:
        """Write what is kept, and behind it what the chain brought beside that, into a part of its own."""
        sha256, continuity, segments = hashlib.sha256(), Continuity(), 0

        def counted() -> Iterator[bytes]:
            nonlocal segments
            for line in both(kept_lines(kept, self.layout), self.read()):
                sha256.update(line)
                continuity.add(facts(segment_of(line)))
                segments += 1
                yield line

        number = self._number + 1
        size = write_file(self.layout.part(self.planned.row, number), counted())
        pages, shape, source = kept.pages + self.pages, kept.shape or self._shape, kept.source or self._source
        self._begin_anew()
        self._new_part = True
        self.size = self._saved = size
        self._segments, self._hash, self._continuity = segments, sha256, continuity
        self.pages, self._shape, self._source = pages, shape, source
        return self._record(None)

    def _stays(self, kept: ViewRecord, ended: ViewEnded) -> bool:
        """True where a finished view's earlier answer is to stay: the new one is the same, or only holds less."""
        same = ended.outcome is kept.outcome and self._sha256 == kept.sha256
        if not same and ended.outcome.finished and (self._segments or not kept.segments):
            compared = self._compared(kept)
            if compared.brings_more or (not compared.lacking and self._segments >= kept.segments):
                return False
        if not same:
            self.refused = STAYS % (self.planned.view, ended.outcome, self._segments, kept.segments)
        self._drop()
        return True

    def _go_on(self, earlier: ViewRecord) -> None:
        """Take up what the earlier run saved, if it is what the ledger says."""
        self._segments, self.pages, self._shape = earlier.segments, earlier.pages, earlier.shape
        self.token, self._source, self._trail = earlier.token, earlier.source, Trail.of(earlier)
        self._saved = self.size = earlier.size
        try:
            for line in whole_lines(self.part, earlier.size) if earlier.size else ():  # else there is no part
                self._hash.update(line)
                self._continuity.add(facts(segment_of(line)))
            intact = not earlier.size or self._hash.hexdigest() == earlier.sha256
        except (OSError, ValueError):
            intact = False
        if not intact:
            self._begin_anew()
            self.damaged = True

    @property
    def _sha256(self) -> str:
        return self._hash.hexdigest() if self.size else ""

    def _record(self, ended: ViewEnded | None) -> ViewRecord:
        """Its own chain as far as it came; one that cannot be followed does not go on from where it is cut."""
        goes_on = ended is None or not (ended.outcome.finished or ended.outcome is Outcome.INCOMPLETE)
        token = self.token if goes_on else None
        return ViewRecord(
            self.planned,
            outcome=ended.outcome if ended else None,
            reason=ended.reason if ended else "",
            source=self._source or (ended.source if ended else ""),
            shape=self._shape,
            pages=self.pages,
            segments=self._segments,
            size=self.size,
            sha256=self._sha256,
            checks=self._checks(),
            about=self._about(token),
            token=token,
            part=self._number,
        )

    def _checks(self) -> dict[str, object]:
        """What a reader should be warned of; empty where the recording looks whole."""
        told = self._continuity
        noticed: dict[str, object] = {
            "gaps": told.gaps,
            "repeats": told.repeats,
            "lacks_full_snapshot": told.lacks_full_snapshot,
        }
        return {name: value for name, value in noticed.items() if value} | lacking(self.planned, self._segments)

    def _about(self, token: str | None) -> dict[str, object]:
        told = self._continuity
        known = {"start_ms": told.start_ms, "end_ms": told.end_ms, "records": told.records}
        about: dict[str, object] = {name: value for name, value in known.items() if value is not None}
        return about | self._trail.fields() if token is not None and self._trail is not None else about
