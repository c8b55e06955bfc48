"""One view's lines while it is fetched, in memory and, where it grows or must wait, in its part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from replay_fetch.api import Continuity, Trail, facts
from replay_fetch.archive.blocks import file_range, whole_lines
from replay_fetch.archive.durable import write_file
from replay_fetch.archive.endings import DAMAGED, EXPECTED, GONE, STAYS, ended_as, lacking, still_open, unless_young
from replay_fetch.archive.kept import holds_all_of
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import lines, segment_of
from replay_fetch.archive.messages import ViewEnded
from replay_fetch.archive.raw import RawPage
from replay_fetch.model import Answer, Outcome, Page, PlannedView, Segment, ViewRecord


class Draft(Struct, eq=False):
    """A view on its way into the archive; belongs to the writer's thread.

    A chain that goes on where an earlier run was cut off begins with that run's part.
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
    _number: int = 0
    _void: set[int] = field(default_factory=set)
    """The parts of chains that were begun before this one."""
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
            draft.start_over()
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
        """Forget every page so far; what is saved of them stays until the ledger no longer needs it."""
        self._void.add(self._number)
        self._number += 1
        self.damaged = False
        self._added, self._chunks, self._saved, self.size = [], [], 0, 0
        self._segments, self.pages = 0, 0
        self._shape, self._source, self.token, self._trail = "", "", None, None
        self._hash, self._continuity = hashlib.sha256(), Continuity()

    @property
    def untouched(self) -> bool:
        """Nothing of the view has ever been on the disk."""
        return self.planned.earlier is None and not self._saved and not self._void

    def save(self) -> bool:
        """Put what is in memory behind what is in the part, durably; True where the part is new.

        A new name in the folder is the caller's to sync.
        """
        self._make_lines()
        if not self._chunks:
            return False
        new = not self._saved
        self._saved += write_file(self.part, self._chunks, append_at=self._saved)
        self._chunks = []
        return new

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
        2. Where an earlier chain got further and this one is not finished, the earlier one is kept.
        3. A view that was finished and is asked for again keeps what it had, unless the new answer holds
           all of that.
        4. Segments that are there stay, though the API knows nothing of the view any more.
        """
        self._make_lines()
        ended = unless_young(self.planned, ended, self._segments, self._continuity.end_ms)
        finished = ended is not None and ended.outcome.finished
        if self._kept is not None and self._kept.finished and (ended is None or self._stays(self._kept, ended)):
            noticed = {name: value for name, value in self._kept.checks.items() if name != EXPECTED}
            checks = noticed | lacking(self.planned, self._kept.segments)
            return replace(self._kept, planned=replace(self.planned, earlier=None), checks=checks)
        if self.damaged:
            self._kept = ViewRecord(self.planned, part=self._number)
            return ended_as(self._kept, ended and replace(ended, outcome=Outcome.FAILED, reason=DAMAGED))
        if ended is not None and finished and self._kept is not None and self._kept.segments and not self._segments:
            self._drop()
            reason = GONE % (self._kept.segments, ended.outcome)
            return ended_as(self._kept, replace(ended, outcome=Outcome.INCOMPLETE, reason=reason))
        if self._kept is None or finished or self._kept.segments <= self._segments:
            self._kept = self._record(ended)
            return self._kept
        if ended is not None:
            self._drop()  # it got less far, and goes no further
        return ended_as(self._kept, ended)

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

    def _drop(self) -> None:
        self._chunks = []
        self._void.add(self._number)

    def _stays(self, kept: ViewRecord, ended: ViewEnded) -> bool:
        """True where a finished view's earlier answer is to stay: the new one is the same, or holds less."""
        same = ended.outcome is kept.outcome and self._sha256 == kept.sha256
        may_replace = not same and ended.outcome.finished and self._segments >= kept.segments
        if may_replace and holds_all_of(kept, self.read(), self.layout):
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
            self.start_over()
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
            about=self._about(token) | still_open(self.planned, ended),
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
