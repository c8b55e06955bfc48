"""The session file: built out of view parts, parts on the disk and the lines in the present file.

A session's views lie behind each other in list order, each as lines or as one compressed member, so a span opens a view
alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from replay_fetch.archive.compress import compressed
from replay_fetch.archive.durable import Unsynced, refused
from replay_fetch.archive.durable import replace as give_name
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.view_part import ViewPart
from replay_fetch.blocks import file_range, is_damage
from replay_fetch.errors import ArchiveError
from replay_fetch.model import Span, ViewRecord
from replay_fetch.printable import as_argument
from replay_fetch.settings import Compression


class DamagedPart(ArchiveError):
    """Raised where a view's saved lines are not what the ledger says; ``view`` is the view's record."""

    def __init__(self, message: str, view: ViewRecord) -> None:
        super().__init__(message)
        self.view = view


class DamagedFile(ArchiveError):
    """Raised where a session's present file, into which views are to be put, is not what the ledger says."""

    def __init__(self, path: str, what: str, root: Path) -> None:
        super().__init__(
            f"{path} is damaged ({what}): "
            f"`replay-fetch verify --rebuild {as_argument(root)}`, then the same command again"
        )


class Kind(Enum):
    """Names the three kinds of a session's files, by which of its views lie in them and the name they get."""

    WHOLE = "whole"
    """Every view is finished: the file gets its final name."""
    PARTIAL = "partial"
    """The views that are in no finished file, as far as they are there, for people to read."""
    EARLIER = "earlier"
    """The finished file of a session that views were added to, without those that left it by growing."""


class SessionFile:
    """Builds a session file: the views in list order, and the place that each view's lines come from.

    Lines come from the view part of a view that has just been fetched, from the present session file if they lie
    there already, else from the part on the disk.
    """

    def __init__(
        self,
        layout: Layout,
        kind: Kind,
        views: Sequence[ViewRecord],
        view_parts: Mapping[int, ViewPart] | None = None,
    ) -> None:
        first = views[0].planned
        self.layout = layout
        self.kind = kind
        self.session_id, self.session = first.view.session_id, first.session
        self.views = views
        """All of the session, in list order."""
        self.view_parts = view_parts or {}
        """By row: views that were never a part."""
        self.content = [view for view in views if view.size and _belongs(view, kind)]
        """The views with lines that lie in it."""
        self.path = layout.session_place(self.session_id, partial=kind is Kind.PARTIAL)
        """The name it gets."""
        # Both names follow from the session's number alone, so that recovery finds a staged file by the redo list,
        # without a further note.
        self.temporary = layout.session_on_its_way(self.session) + ("-partial" if kind is Kind.PARTIAL else "")
        """The name it has until then."""

    @property
    def stands(self) -> bool:
        """Tell whether there is nothing to write: no such file is wanted, or the file is there as it is to be."""
        if self.kind is Kind.WHOLE:
            return all(view.whole for view in self.content)
        return not self.content if self.kind is Kind.PARTIAL else _holds_nothing_else(self.path, self.content)

    def stage(self, unsynced: Unsynced) -> StagedSession | None:
        """Write the file under its temporary name; returns None where there is nothing to write.

        Raises DamagedPart or DamagedFile where saved lines are not what the ledger says, ArchiveError where the
        disk refuses.
        """
        if self.stands:
            return None
        spans: list[Span] = []
        if self.content:
            try:
                unsynced.write(self.temporary, self._stored(spans))
            except OSError as error:
                raise refused(f"writing {self.path}", error) from error
        placed = list(zip(self.content, spans, strict=True))
        if self.kind is Kind.PARTIAL:
            return StagedSession(self, [replace(view, partial=span) for view, span in placed])
        # The copy in the partial file goes with that file, so the record forgets it in the same transaction.
        return StagedSession(self, [replace(view, whole=span, partial=None) for view, span in placed])

    def publish(self) -> None:
        """Give the staged file its final name, or remove a file that lost its last view; syncs no folder.

        May be repeated: after a kill recovery does the same from the redo list.
        """
        if self.content:
            give_name(self.temporary, self.path)
        else:
            Path(self.path).unlink(missing_ok=True)

    def _stored(self, spans: list[Span]) -> Iterator[bytes]:
        """Give the file's bytes view by view, and append the place of each view to ``spans`` behind its last byte."""
        offset = 0
        for view in self.content:
            # A view part's lines were hashed as they were made; where they are stored as they are, that is the stored
            # bytes' hash.
            known = view.planned.row in self.view_parts and self.layout.compression is Compression.NONE
            length, sha256 = 0, hashlib.sha256()
            for block in self._view(view):
                length += len(block)
                if not known:
                    sha256.update(block)
                yield block
            spans.append(Span(offset, length, view.sha256 if known else sha256.hexdigest()))
            # Copied bytes are hashed again on the way: damage in the present file must not travel into the new one
            # under a fresh hash.
            if view.whole is not None and view.whole.sha256 != spans[-1].sha256:
                raise self._damaged(f"the view {view.planned.view.view_id} is not as it was written")
            offset += length

    def _view(self, view: ViewRecord) -> Iterator[bytes]:
        """Give the stored bytes of a single view, compressed where the archive is."""
        view_part = self.view_parts.get(view.planned.row)
        if view_part is not None:
            return compressed(_complete(view_part.read(), view), self.layout.compression)
        if view.whole is not None:
            return self._copied(view.whole)
        part = self.layout.part(view.planned.row, view.part)
        return compressed(_intact(file_range(part, 0, view.size), view, part), self.layout.compression)

    def _copied(self, span: Span) -> Iterator[bytes]:
        """Copy the stored bytes of a view out of the present file, without reading its lines.

        Raises DamagedFile where the file is gone, too short or cannot be read by its disk.
        """
        try:
            yield from file_range(self.layout.session_file(self.session_id), span.offset, span.length)
        except OSError as error:
            if not is_damage(error):
                raise
            raise self._damaged((error.strerror or "it is too short").lower()) from error

    def _damaged(self, what: str) -> DamagedFile:
        return DamagedFile(self.layout.session_place(self.session_id), what, self.layout.root)


def _belongs(view: ViewRecord, kind: Kind) -> bool:
    return kind is Kind.WHOLE or (view.whole is None) is (kind is Kind.PARTIAL)


def _holds_nothing_else(path: str, views: Sequence[ViewRecord]) -> bool:
    """Tell whether ``views`` fill the file: each begins where the last ended, and nothing lies behind them.

    A file that is too short is damaged, which is for ``verify`` to tell.
    """
    end = 0
    for view in views:
        if view.whole is None or view.whole.offset != end:
            return False
        end += view.whole.length
    try:
        return os.stat(path).st_size <= end  # noqa: PTH116 - of text, without building a Path
    except FileNotFoundError:
        return True


class StagedSession(NamedTuple):
    """A session file under its temporary name, with the records of the views that lie in it."""

    file: SessionFile
    records: Sequence[ViewRecord]


def rows_straight(files: Iterable[SessionFile]) -> set[int]:
    """Return the rows of views that go straight into a session file, without ever being a part."""
    return {row for file in files for row in file.view_parts}


def leaves_no_partial(file: SessionFile, view_parts: Mapping[int, ViewPart]) -> bool:
    """Tell whether a partial file that the session may have has no use behind this commit."""
    use = file.kind is Kind.EARLIER or (file.kind is Kind.PARTIAL and file.content)
    return not use and not never_seen(file, view_parts)


def never_seen(file: SessionFile, view_parts: Mapping[int, ViewPart]) -> bool:
    """Tell whether nothing of the session had been on the disk before, so there is nothing to remove.

    Most sessions of a quick run are such, and two system calls a view are saved.
    """
    return all(view.planned.row in file.view_parts and view_parts[view.planned.row].untouched for view in file.views)


def _complete(blocks: Iterable[bytes], view: ViewRecord) -> Iterator[bytes]:
    """Pass the blocks on; raises ArchiveError behind the last if their length is not the view's."""
    length = 0
    for block in blocks:
        length += len(block)
        yield block
    if length != view.size:
        raise ArchiveError(f"{view.planned.view} has {length} bytes instead of {view.size}: a defect, please report it")


def _intact(blocks: Iterable[bytes], view: ViewRecord, part: Path) -> Iterator[bytes]:
    """Pass the blocks of a part on; raises DamagedPart behind the last if their hash is not the record's.

    Raises OSError where the system refuses to read a part that may be sound.
    """
    sha256 = hashlib.sha256()
    try:
        for block in blocks:
            sha256.update(block)
            yield block
    except OSError as error:
        if not is_damage(error):
            raise
        # A short read is told by the hash alone: the message is the same for a part that is gone, cut or altered.
    if sha256.hexdigest() != view.sha256:
        raise DamagedPart(
            f"{part} is damaged, the disk may be failing; run the same command again: "
            f"the view {view.planned.view} is then fetched anew",
            view,
        )
