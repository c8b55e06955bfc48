"""Facts of an archive for the report page, read from the manifest; sizes and lengths take eight bytes a session."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from replay_fetch.archive.events_manifest import read_events_manifest
from replay_fetch.archive.manifest import BadLine, Entry
from replay_fetch.archive.read.views import by_session
from replay_fetch.archive.shelf import Shelf
from replay_fetch.inspect.entries import entries
from replay_fetch.model import WARNING_WORDS, Outcome, View, ViewRecord

_EXAMPLES = 3
# Reasons that name a number of their own are as many as the views; past this they are counted together.
_REASONS = 500
OTHER_REASONS = "other reasons"

_MEANING = {
    "gaps": "segments between others never came",
    "repeats": "a segment came again",
    "lacks_full_snapshot": "a player has nothing to begin with",
    "segments_expected": "segments of the recording may be missing",
}
_REMARKS = {name: f"{word}: {_MEANING[name]}" for name, word in WARNING_WORDS.items()}


@dataclass(slots=True)
class Group:
    """A group of views with the same outcome and reason, or the same warning: how many, and a few as examples."""

    views: int = 0
    examples: list[View] = field(default_factory=list)

    def add(self, view: View) -> None:
        """Count a view; the first three are kept as examples for the page."""
        self.views += 1
        # Enough to look one up; a list of millions would be the manifest again.
        if len(self.examples) < _EXAMPLES:
            self.examples.append(view)


@dataclass(slots=True)
class ArchiveSums:
    """The sums and extremes over all sessions and views of an archive, read once for the page's figures and charts."""

    sessions: int = 0
    partial_sessions: int = 0
    """Sessions with a view that is not finished."""
    views: int = 0
    # Arrays, at eight bytes a session: an archive has millions, and a list would take four times as much.
    sizes: array[float] = field(default_factory=lambda: array("d"))
    """Of each session that has segments, bytes."""
    lengths: array[float] = field(default_factory=lambda: array("d"))
    """Of each session whose segments have times, seconds."""
    unfinished: dict[tuple[Outcome | None, str], Group] = field(default_factory=dict)
    """By outcome and reason."""
    remarks: dict[str, Group] = field(default_factory=dict)
    events: int = 0
    """RUM events that are stored."""
    sessions_with_events: int = 0

    def add(self, views: Sequence[Entry]) -> None:
        """Count a session with all views: bytes, length in seconds, unfinished views by reason, warnings."""
        records = [entry.record for entry in views]
        self.sessions += 1
        self.views += len(records)
        self.partial_sessions += any(not record.finished for record in records)
        if size := sum(record.size for record in records):
            self.sizes.append(size)
        starts = [at for record in records if (at := record.recording.start_ms) is not None]
        ends = [at for record in records if (at := record.recording.end_ms) is not None]
        if starts and ends:
            self.lengths.append(max(max(ends) - min(starts), 0) / 1000)
        for record in records:
            self._note(record)

    def _note(self, record: ViewRecord) -> None:
        view = record.planned.view
        if not record.finished:
            key = (record.outcome, record.reason)
            if len(self.unfinished) >= _REASONS and key not in self.unfinished:
                key = (record.outcome, OTHER_REASONS)
            self.unfinished.setdefault(key, Group()).add(view)
        for name, remark in _REMARKS.items():
            if name in record.warnings.fields():
                self.remarks.setdefault(remark, Group()).add(view)


def archive_facts(shelf: Shelf) -> ArchiveSums:
    """Gather the facts of an archive in a single pass over the manifest; raises ArchiveError for an unreadable line."""
    facts = ArchiveSums()
    for _, views in by_session(entries(shelf)):
        facts.add(views)
    for line in read_events_manifest(shelf):
        if not isinstance(line, BadLine) and line[0].events:
            facts.events += line[0].events
            facts.sessions_with_events += 1
    return facts


def by_views(groups: dict[tuple[Outcome | None, str], Group]) -> list[tuple[str, str, Group]]:
    """Sort groups for the table of unfinished views: outcome, reason and number of views, the most frequent first."""
    order = Counter({key: group.views for key, group in groups.items()}).most_common()
    return [(outcome or "not asked", reason, groups[outcome, reason]) for (outcome, reason), _ in order]
