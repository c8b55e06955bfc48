"""The result of a run that stores RUM events, in figures, and its progress while it goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from replay_fetch.errors import ReplayFetchError
from replay_fetch.events_record import EventsOutcome, EventsRecord, EventsTotals
from replay_fetch.progress.bottleneck import Limit
from replay_fetch.progress.snapshot import PacerFigures, limit_words
from replay_fetch.progress.stats import RunStats
from replay_fetch.progress.units import count, size, some

# Reasons that name a number of their own may be as many as the sessions.
_MOST_REASONS = 20


@dataclass(slots=True)
class StoredEvents:
    """The figures of a run over sessions' events: ``sessions`` = fetched + none + unfinished + not asked."""

    sessions: int = 0
    """Sessions that lacked their events when the run began."""
    fetched: int = 0
    none: int = 0
    events: int = 0
    size: int = 0
    """Bytes of the events stored by this run, as lines, uncompressed."""
    lacking: Counter[str] = field(default_factory=Counter)
    """Sessions without events, or without some kinds of event, by reason."""
    unfinished: Counter[str] = field(default_factory=Counter)
    """Sessions whose search did not come to its end, by reason; the next run asks for them again."""
    totals: EventsTotals = field(default_factory=EventsTotals)
    """Of the whole archive, when the run had ended."""
    stats: RunStats = field(default_factory=RunStats)
    exported: str | None = None
    """The exported files that were read in place of asking."""
    bad_lines: int = 0
    """Lines of exported files that are no events."""
    seconds: float = 0.0
    interrupted: bool = False
    failure: ReplayFetchError | None = None
    """Why the run ended before its last session, None where it did not."""

    @property
    def done(self) -> int:
        """Sessions that this run is done with: with events, without any, or with a search that was cut."""
        return self.fetched + self.none + self.unfinished.total()

    @property
    def exit_code(self) -> int:
        """0 where every session ended well, with events or without; 1 where some did not; 130 interrupted."""
        if self.interrupted:
            return 130
        return 1 if self.unfinished or self.bad_lines else 0

    def add(self, records: Iterable[EventsRecord]) -> None:
        """Count sessions whose events are committed, and the reasons for which some or all events lack."""
        for record in records:
            fetched = record.outcome is EventsOutcome.FETCHED
            self.fetched += fetched
            self.none += not fetched
            self.events += record.events
            self.size += record.size
            if record.reason:
                self.lacking[record.reason] += 1

    def cut(self, sessions: int, reason: str) -> None:
        """Count sessions whose search did not come to its end, and which the next run therefore asks for again."""
        self.unfinished[reason] += sessions

    def fields(self) -> dict[str, object]:
        """Return the figures by name, for programs and the report; times are seconds, sizes are bytes uncompressed."""
        return {
            "sessions": self.sessions,
            "fetched": self.fetched,
            "none": self.none,
            "unfinished": self.unfinished.total(),
            "not_asked": self.sessions - self.done,
            "events": self.events,
            "bytes": self.size,
            "lacking": dict(self.lacking.most_common(_MOST_REASONS)),
            "reasons": dict(self.unfinished.most_common(_MOST_REASONS)),
            "bad_lines": self.bad_lines,
            "exported": self.exported,
            "requests": self.stats.requests,
            "retries": self.stats.retries,
            "rate_limited": self.stats.rate_limited,
            "wire_bytes": self.stats.wire_bytes,
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "stopped": str(self.failure) if self.failure else None,
        }


@dataclass(frozen=True, slots=True)
class EventsSnapshot:
    """A run over sessions' events: ``done`` of ``total`` sessions are done with.

    A session counts when its events are on the disk, so the figure may stand still while a large one is searched.
    """

    stored: StoredEvents
    pacer: PacerFigures
    limited_by: Limit | None = None

    @property
    def total(self) -> int:
        """Sessions that lacked their events when the run began; those of earlier runs are not among them."""
        return self.stored.sessions

    @property
    def done(self) -> int:
        """Sessions whose events are committed, or whose search was cut."""
        return self.stored.done

    def words(self) -> list[str]:
        """Format the progress for people, the most important part first: a narrow terminal cuts the rest."""
        stored = self.stored
        said = [f"{count(self.done)}/{count(self.total)} sessions", f"{some(stored.events, 'event')} stored"]
        # Each page needs the one before: that its answer is waited for is no limit that anybody could lift.
        if self.limited_by and self.limited_by is not Limit.LATENCY:
            said.append(limit_words(self.limited_by, self.pacer))
        said += [some(stored.stats.pages, "page"), size(stored.stats.wire_bytes)]
        if stored.stats.rate_limited:
            said.append(f"{count(stored.stats.rate_limited)} 429s")
        return said

    def fields(self) -> dict[str, int | float | str | None]:
        """Return the progress as numbers, for the log in JSON; sizes are bytes."""
        stored = self.stored
        return {
            "sessions_total": self.total,
            "sessions_done": self.done,
            "events": stored.events,
            "pages": stored.stats.pages,
            "requests": stored.stats.requests,
            "rate_limited": stored.stats.rate_limited,
            "wire_bytes": stored.stats.wire_bytes,
            "limited_by": self.limited_by,
        }
