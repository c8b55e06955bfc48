"""The lines of a view in a scrubbed copy, and the record of the view for the copy's manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from msgspec.structs import replace as with_values

from replay_fetch.api.segment import Continuity, facts
from replay_fetch.archive.folder import SCRUBBED
from replay_fetch.archive.lines import lines
from replay_fetch.archive.manifest import Entry
from replay_fetch.model import Recording, Segment, Span, ViewRecord, Warnings
from replay_fetch.replay.scrub import ScrubbedView


class ScrubbedLines:
    """A view's lines for the copy, made while a file is written, and counted and hashed for the manifest."""

    def __init__(self, entry: Entry, segments: Iterable[bytes]) -> None:
        self._entry = entry
        self._seen = Continuity()
        self._sha256 = hashlib.sha256()
        self.scrubbed = ScrubbedView(entry.record.planned.view, segments)
        self._source = self.scrubbed.segments()
        self._first = b""
        self.segments = self.size = 0

    def begin(self) -> bool:
        """Read the first segment; False where there is none, for then the file has no member of the view."""
        self._first = next(self._source, b"")
        return bool(self._first)

    def lines(self) -> Iterator[bytes]:
        """The view's lines, counted and hashed."""
        segment = self._first
        while segment:
            self._seen.add(facts(segment))
            line = lines(self._entry.record.planned.view, self.segments, [Segment(segment)])
            self.segments += 1
            self.size += len(line)
            self._sha256.update(line)
            yield line
            segment = next(self._source, b"")

    def record(self, span: Span) -> ViewRecord:
        """Return the view's record for the manifest, with ``span`` as the place in the file; call it last."""
        if not self.segments:
            return without_bytes(self._entry.record)
        seen, kept = self._seen, self._entry.record
        return with_values(
            _without_words(kept),
            segments=self.segments,
            size=self.size,
            sha256=self._sha256.hexdigest(),
            recording=Recording(seen.start_ms, seen.end_ms, seen.records),
            warnings=Warnings(seen.gaps, seen.repeats, seen.lacks_full_snapshot, kept.warnings.segments_expected),
            whole=span if kept.whole else None,
            partial=span if kept.partial else None,
        )


def without_bytes(record: ViewRecord) -> ViewRecord:
    """Make the record of a view of which the copy has no bytes, whether none were stored or none could be written."""
    return with_values(
        _without_words(record),
        segments=0,
        size=0,
        sha256="",
        recording=Recording(),
        warnings=Warnings(),
        whole=None,
        partial=None,
    )


def _without_words(record: ViewRecord) -> ViewRecord:
    """Leave out the reason: it may quote an answer of the API, or of a box on the way."""
    return with_values(record, reason="")


def marked(line: bytes) -> bytes:
    """Add ``"scrubbed":true`` to a line of the manifest; readers pass over keys they do not know."""
    return line.rstrip()[:-1] + SCRUBBED + b"\n"
