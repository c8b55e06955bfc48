"""A view while it is fetched: its chain of pages, and the lines in the archive, which no answer may take away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import segment_of
from replay_fetch.archive.raw import RawPage
from replay_fetch.archive.write.chain import ChainPart
from replay_fetch.archive.write.endings import DAMAGED, GONE, LACKS, STAYS, ended_as, unless_young
from replay_fetch.archive.write.kept import Comparison, both, compared, kept_lines
from replay_fetch.archive.write.messages import PageArrived, ViewEnded
from replay_fetch.blocks import lines_of
from replay_fetch.model import Outcome, Page, PlannedView, Response, ViewRecord


class ViewPart(Struct, eq=False):
    """Gathers a view on the way into the archive; belongs to the writer's thread.

    A chain that goes on where an earlier run was cut off begins with the part of that run. A chain that begins anew
    takes the place of the kept lines only once it holds all of them: the API may have lost segments since, and then
    only the archive has them.
    """

    planned: PlannedView
    layout: Layout
    chain: ChainPart
    bring: Callable[[ViewRecord], None] | None = None
    """Brings the lines of a stored archive into the scratch before they are read; None where the disk has them."""
    damaged: bool = False
    """The part it was to go on from is not what the ledger says."""
    refused: str = ""
    """Why a new answer does not replace what a finished view had; empty where it does, or is the same."""
    _kept: ViewRecord | None = None
    """What the ledger has of the view, or will have with the next commit."""
    _comparison: Comparison | None = None
    """The chain against what is kept, made where there is something to compare."""
    _void: set[int] = field(default_factory=set)
    """The parts of chains that were begun before this one."""
    _new_part: bool = False
    """A part has a name that is not yet on the disk."""

    @classmethod
    def begin(cls, planned: PlannedView, layout: Layout, bring: Callable[[ViewRecord], None] | None = None) -> ViewPart:
        """Begin the part of a view, with the lines that an earlier run kept where the view's chain goes on.

        A part that is not what the ledger says makes the view ``damaged``. Raises OSError where the system refuses to
        read a part that may be sound.
        """
        earlier = planned.earlier
        if earlier is None:
            return cls(planned, layout, ChainPart(planned, layout), bring)
        view_part = cls(planned, layout, ChainPart(planned, layout, earlier.part), bring, _kept=earlier)
        # A view without a token begins anew, and its old lines are read only if a comparison asks for them. In a store
        # each reading is paid for.
        if bring is not None and earlier.token is not None:
            bring(earlier)
        # Without a token no chain can go on. The new one gets a part of its own, since the old part is named by the
        # ledger until the next record.
        if earlier.token is None:
            view_part._begin_chain()
        elif not view_part.chain.take_up(earlier):
            view_part._begin_chain()
            view_part.damaged = True
        return view_part

    def add(self, page: Page, source: str) -> None:
        """Append a page's segments to the chain's lines in memory, unless the part to go on from was damaged."""
        if not self.damaged:
            self.chain.add(page, source)

    def take(self, pages: Sequence[PageArrived]) -> list[RawPage]:
        """Append pages, and leave their trail; returns those that are kept raw, none where the part was damaged."""
        raw: list[RawPage] = []
        for arrived in pages:
            if arrived.answer is not None and not self.damaged:
                raw.append(self.raw_page(arrived.answer, arrived.source))
            self.add(arrived.page, arrived.source)
        # A trail serves a run that goes on from here. Behind the last page there is nothing to go on from.
        if self.chain.token is not None:
            self.chain.leave_trail(arrived.page for arrived in pages)
        return raw

    def raw_page(self, answer: Response, source: str) -> RawPage:
        """Number an answer as the page behind all so far; behind a finished answer's pages, too, which may stay."""
        earlier = self.planned.earlier
        again = earlier is not None and earlier.finished
        before = earlier.pages if earlier and again else 0
        return RawPage(answer, before + self.chain.pages + 1, source, self.chain.token, again)

    def start_over(self) -> None:
        """Begin the chain anew; the lines so far are kept on the disk, as if an earlier run had saved them.

        The part that an earlier run saved stays until the next record no longer names it.
        """
        self._make_lines()
        kept = self._kept
        if self.damaged:
            # The pages that came behind a damaged part are no chain from the beginning, so they are not kept either.
            self._kept = None  # what is there is no longer what was saved
        # A finished view's lines lie safe in its file; of an unfinished one this part may be the only copy of what the
        # API gave.
        elif self.chain.text.segments and not (kept and kept.finished):
            if kept is None or not self._lacks(kept):
                self._new_part |= self.chain.write()
                self._kept = self.chain.record(None)
            elif self._compared(kept).brings_more:
                self._kept = self._put_together(kept)
        self._begin_chain()

    def _begin_chain(self) -> None:
        """Begin another chain with a part number of its own; the present chain's part no longer counts."""
        self._void.add(self.chain.number)
        self.chain = ChainPart(self.planned, self.layout, self.chain.number + 1)
        self.damaged, self._comparison = False, None

    @property
    def untouched(self) -> bool:
        """Tell whether nothing of the view has ever been on the disk: then no part and no partial file has it."""
        return self.planned.earlier is None and not self.chain.saved and not self._void

    def save(self) -> bool:
        """Append the lines in memory to the part, durably; True where the folder has a new name to sync."""
        self._make_lines()
        new = self.chain.write() or self._new_part
        self._new_part = False
        return new

    def read(self) -> Iterator[bytes]:
        """Read all lines of the present chain in blocks, from the part and from memory."""
        self._make_lines()
        yield from self.chain.read()

    def holds(self, record: ViewRecord) -> bool:
        """Tell whether the record's lines are those of the present chain, and not an earlier answer's."""
        return record.whole is None and record.part == self.chain.number

    def settle(self, ended: ViewEnded | None) -> ViewRecord:
        """Decide the record that the ledger keeps of the view, ended or still growing.

        1. Where the part to go on from is damaged, nothing counts: the next run begins anew.
        2. A finished view that is asked for again keeps its lines, unless the new answer holds all of them, or
           others.
        3. A chain that holds all kept lines takes their place.
        4. Until then the kept lines stay. At the chain's end both stand, and the view is not finished.
        """
        self._make_lines()
        told, ended = ended, unless_young(self.planned, ended, self.chain.text.segments, self.chain.text.end_ms)
        kept = self._kept
        # A finished view is the one case in which an answer can do harm: without this, an API that lost a recording
        # would empty the archive at the next refresh.
        if kept is not None and kept.finished and (ended is None or self._stays(kept, ended)):
            warnings = replace(kept.warnings, segments_expected=self.planned.lacking(kept.segments))
            return replace(kept, planned=replace(self.planned, earlier=None), warnings=warnings)
        if self.damaged:
            self._kept = ViewRecord(self.planned, part=self.chain.number)
            return ended_as(self._kept, ended and replace(ended, outcome=Outcome.FAILED, reason=DAMAGED))
        if kept is None or not self._lacks(kept):
            self._kept = self.chain.record(ended)
            return self._kept
        return ended_as(kept, None) if told is None else self._both(kept, told)  # a loss is said aloud, young or not

    def _both(self, kept: ViewRecord, ended: ViewEnded) -> ViewRecord:
        """Join the kept lines and the chain's further segments; a whole chain leaves the view unfinished.

        The reason tells of the latest answer and of the lines that are there then, so a killed run that asks
        once more comes to the same words.
        """
        comparison, brought = self._compared(kept), self.chain.text.segments
        if comparison.brings_more:
            kept = self._put_together(kept)
        else:
            self._drop()
        if ended.outcome.finished:
            lacks = LACKS % (len(comparison.lacking), kept.segments)
            reason = lacks if brought else GONE % (kept.segments, ended.outcome)
            ended = replace(ended, outcome=Outcome.INCOMPLETE, reason=reason)
        self._kept = ended_as(kept, ended)
        return self._kept

    def remove_stale(self, *, in_file: bool) -> None:
        """Remove the parts of chains that no longer count, and the present part where its lines lie in a file now.

        Called behind the record, which no longer names them; the part of the kept lines stays.
        """
        kept = set() if in_file or self._kept is None else {self._kept.part}
        for number in (self._void | ({self.chain.number} if in_file else set())) - kept:
            self.layout.part(self.planned.row, number).unlink(missing_ok=True)

    def _make_lines(self) -> None:
        """Make the lines of new segments, and hold them against the kept lines where a comparison has begun."""
        made = self.chain.make_lines()
        if made and self._comparison is not None:
            self._comparison.see(map(segment_of, lines_of([made])))

    def _drop(self) -> None:
        """Drop the present chain: its part no longer counts."""
        self.chain.drop()
        self._void.add(self.chain.number)

    def _lacks(self, kept: ViewRecord) -> bool:
        """Tell whether the present chain has not brought all kept lines yet; a chain that goes on from them has."""
        return bool(kept.segments) and kept.part != self.chain.number and bool(self._compared(kept).lacking)

    def _compared(self, kept: ViewRecord) -> Comparison:
        """Return the comparison of the present chain with the kept lines, made at the first call."""
        if self._comparison is None:
            if self.bring is not None:
                self.bring(kept)
            self._comparison = compared(kept, self.layout)
            self._comparison.see(map(segment_of, lines_of(self.chain.read())))
        return self._comparison

    def _put_together(self, kept: ViewRecord) -> ViewRecord:
        """Write the kept lines and the chain's further segments into a new part: the present chain from now on."""
        # Into a third part: until the next record the ledger names the part of the kept lines, which a kill must leave
        # as it was.
        brought = self.chain
        self._begin_chain()
        self.chain.write_lines(both(kept_lines(kept, self.layout), brought.read()))
        self.chain.pages = kept.pages + brought.pages
        self.chain.shape, self.chain.source = kept.shape or brought.shape, kept.source or brought.source
        self._new_part = True
        return self.chain.record(None)

    def _stays(self, kept: ViewRecord, ended: ViewEnded) -> bool:
        """Tell whether a finished view keeps its earlier answer: the new answer is the same, or only holds less.

        An answer that holds less is also named in ``refused``, for the log.
        """
        text = self.chain.text
        same = ended.outcome is kept.outcome and text.sha256 == kept.sha256
        if not same and ended.outcome.finished and (text.segments or not kept.segments):
            comparison = self._compared(kept)
            # An answer with every segment but fewer lines lacks repeats. It stays out as well: no answer makes lines
            # fewer.
            if comparison.brings_more or (not comparison.lacking and text.segments >= kept.segments):
                return False
        if not same:
            self.refused = STAYS % (self.planned.view, ended.outcome, text.segments, kept.segments)
        self._drop()
        return True
