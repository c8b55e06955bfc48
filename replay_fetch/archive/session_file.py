"""Building a session's file out of drafts, parts and what is there already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from replay_fetch.archive.blocks import file_range
from replay_fetch.archive.compress import compressed
from replay_fetch.archive.draft import Draft
from replay_fetch.archive.durable import Unsynced, explained
from replay_fetch.archive.durable import replace as give_name
from replay_fetch.archive.layout import Layout
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Span, ViewRecord
from replay_fetch.settings import Compression


class DamagedPart(ArchiveError):
    """A view's saved lines are not what the ledger says; ``view`` is its record."""

    def __init__(self, message: str, view: ViewRecord) -> None:
        super().__init__(message)
        self.view = view


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

    @property
    def content(self) -> Sequence[ViewRecord]:
        """The views with lines; a partial file holds only what is in no finished file."""
        return [view for view in self.views if view.size and (self.whole or view.whole is None)]

    @property
    def path(self) -> Path:
        """The name it gets."""
        return self.layout.session_file(self.session_id, partial=not self.whole)

    @property
    def temporary(self) -> Path:
        """The name it has until then."""
        return self.layout.session_on_its_way(self.session)

    def write(self, unsynced: Unsynced) -> Written | None:
        """Write the file, still without its name; None where nothing is to be written.

        Raises DamagedPart where saved lines are not what the ledger says.
        """
        content = self.content
        if not content or (self.whole and all(view.whole for view in content)):
            return None
        spans: list[Span] = []
        with explained(f"writing {self.path}"):
            unsynced.write(self.temporary, self._stored(content, spans))
        placed = zip(content, spans, strict=True)
        if not self.whole:
            return Written(self, [replace(view, partial=span) for view, span in placed])
        records = [replace(view, whole=span, partial=None) for view, span in placed]
        moves = any(old.whole not in (None, new.whole) for old, new in zip(content, records, strict=True))
        return Written(self, records, moves=moves)

    def name(self) -> None:
        """Give the written file, which is on the disk, its name; the folder is the caller's to sync."""
        give_name(self.temporary, self.path)

    def _stored(self, content: Sequence[ViewRecord], spans: list[Span]) -> Iterator[bytes]:
        offset = 0
        for view in content:
            # A draft's lines were hashed as they were made; where they are stored as they are, that is it.
            known = view.planned.row in self.drafts and self.layout.compression is Compression.NONE
            length, sha256 = 0, hashlib.sha256()
            for block in self._view(view):
                length += len(block)
                if not known:
                    sha256.update(block)
                yield block
            spans.append(Span(offset, length, view.sha256 if known else sha256.hexdigest()))
            offset += length

    def _view(self, view: ViewRecord) -> Iterator[bytes]:
        draft = self.drafts.get(view.planned.row)
        if draft is not None:
            return compressed(_complete(draft.read(), view), self.layout.compression)
        if view.whole is not None:
            return file_range(self.layout.session_file(self.session_id), view.whole.offset, view.whole.length)
        part = self.layout.part(view.planned.row, view.part)
        return compressed(_intact(file_range(part, 0, view.size), view, part), self.layout.compression)


@dataclass(frozen=True, slots=True)
class Written:
    """A session file that is written, and the views that lie in it."""

    file: SessionFile
    records: Sequence[ViewRecord]
    moves: bool = False
    """A view lies elsewhere than in the present file: the new one gets its name when the ledger knows of it.

    Mostly views are added behind those that are there: then what the ledger says of these stays true
    whichever of the two files a kill leaves.
    """


def _complete(blocks: Iterable[bytes], view: ViewRecord) -> Iterator[bytes]:
    """The blocks; raises ArchiveError behind the last one if they are not as long as the view."""
    length = 0
    for block in blocks:
        length += len(block)
        yield block
    if length != view.size:
        raise ArchiveError(f"{view.planned.view} has {length} bytes instead of {view.size}: a defect, please report it")


def _intact(blocks: Iterable[bytes], view: ViewRecord, part: Path) -> Iterator[bytes]:
    """The blocks of a part; raises DamagedPart behind the last one if they are not what was saved."""
    sha256 = hashlib.sha256()
    try:
        for block in blocks:
            sha256.update(block)
            yield block
    except OSError:
        pass  # missing or shorter: the hash tells
    if sha256.hexdigest() != view.sha256:
        raise DamagedPart(
            f"{part} is damaged, the disk may be failing; run the same command again: "
            f"the view {view.planned.view} is then fetched anew",
            view,
        )
