"""Building a session's file out of drafts, parts and what is there already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from replay_fetch.archive.blocks import file_range
from replay_fetch.archive.compress import compressed
from replay_fetch.archive.draft import Draft
from replay_fetch.archive.durable import explained, write_file
from replay_fetch.archive.durable import replace as give_name
from replay_fetch.archive.layout import Layout
from replay_fetch.model import Span, ViewRecord


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A session file to be written: its views in order and where each one's lines come from.

    A view's lines come from its draft where it has just been fetched, from the present session file
    where they lie there already, else from its part.
    """

    layout: Layout
    session_id: str
    session: int
    views: Sequence[ViewRecord]
    """All of the session, in list order."""
    drafts: Mapping[int, Draft] = field(default_factory=dict)
    """By row: views that were never a part, only where the session becomes whole."""

    @property
    def whole(self) -> bool:
        """Every view is finished: the file gets its final name."""
        return all(view.finished for view in self.views)

    def write(self) -> list[ViewRecord]:
        """Write the file under its name and return the views that now lie in it.

        A partial file holds only what is in no finished file. Where nothing is to be written no file is
        made. The folder is the caller's to sync.
        """
        content = [view for view in self.views if view.size and (self.whole or view.whole is None)]
        final = self.layout.session_file(self.session_id, partial=not self.whole)
        if not content or (self.whole and all(view.whole for view in content)):
            return []
        temporary = self.layout.temporary / f"session-{self.session}"
        spans: list[Span] = []
        with explained(f"writing {final}"):
            write_file(temporary, self._stored(content, spans))
            give_name(temporary, final)
        if self.whole:
            return [replace(view, whole=span, partial=None) for view, span in zip(content, spans, strict=True)]
        return [replace(view, partial=span) for view, span in zip(content, spans, strict=True)]

    def _stored(self, content: Sequence[ViewRecord], spans: list[Span]) -> Iterator[bytes]:
        offset = 0
        for view in content:
            length, sha256 = 0, hashlib.sha256()
            for block in self._view(view):
                length += len(block)
                sha256.update(block)
                yield block
            spans.append(Span(offset, length, sha256.hexdigest()))
            offset += length

    def _view(self, view: ViewRecord) -> Iterator[bytes]:
        draft = self.drafts.get(view.planned.row)
        if draft is not None:
            return compressed(draft.read(), self.layout.compression)
        if view.whole is not None:
            return file_range(self.layout.session_file(self.session_id), view.whole.offset, view.whole.length)
        part = self.layout.part(view.planned.row, view.part)
        return compressed(file_range(part, 0, view.size), self.layout.compression)
