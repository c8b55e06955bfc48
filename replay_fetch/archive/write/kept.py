"""What an archive has of a view already, held against a new answer: neither may take anything from the other."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator

from replay_fetch.archive.compress import stored_text
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import file_range, lines_of, renumbered, segment_of
from replay_fetch.errors import ArchiveError
from replay_fetch.model import ViewRecord

log = logging.getLogger(__name__)


class Comparison:
    """The segments that an archive has of a view, against those of a new answer as they are seen.

    Segments are the same where their bytes are. How often one comes is not compared: a chain that went in
    circles has some of them many times, and is healed by an answer that has each of them once.
    """

    def __init__(self, kept: Iterable[bytes]) -> None:
        """``kept`` are the archive's lines, in blocks; raises ValueError where they are none of ours."""
        self._kept = frozenset(_hash(segment_of(line)) for line in lines_of(kept))
        self.lacking = set(self._kept)
        """What the archive has and the answer has not brought yet, by hash."""
        self.brings_more = False
        """The answer has a segment that the archive has not."""

    def see(self, segments: Iterable[bytes]) -> None:
        """Note segments of the answer, as they stand in a line."""
        for segment in segments:
            same = _hash(segment)
            if same in self._kept:
                self.lacking.discard(same)
            else:
                self.brings_more = True


def compared(kept: ViewRecord, layout: Layout) -> Comparison:
    """What the archive has of a view, ready to be held against a new answer.

    Raises ArchiveError where a finished view is damaged. What was saved of another and is damaged counts no more.
    """
    try:
        return Comparison(kept_lines(kept, layout))
    except (OSError, ValueError) as damage:
        what = f"what the archive has of {kept.planned.view} is damaged ({damage})"
        if kept.finished:
            raise ArchiveError(f"{what}; `replay-fetch verify {layout.root}`") from damage
        log.warning("%s; the new answer takes its place", what)
        return Comparison(())


def kept_lines(kept: ViewRecord, layout: Layout) -> Iterator[bytes]:
    """What the archive has of a view, plain, in blocks; from the session's file where that lies there, else the part.

    Raises OSError or ValueError where it is not there as the ledger says.
    """
    if kept.whole is not None:
        path = layout.session_file(kept.planned.view.session_id)
        yield from stored_text(path, kept.whole, layout.compression, kept.size)
    elif kept.size:
        sha256 = hashlib.sha256()
        for block in file_range(layout.part(kept.planned.row, kept.part), 0, kept.size):
            sha256.update(block)
            yield block
        if sha256.hexdigest() != kept.sha256:
            raise ValueError("its saved part is not as it was written")


def both(kept: Iterable[bytes], new: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of two answers as one view's: all that was there, then what only the new answer has.

    Put together with the same answer once more, the lines stay as they are.
    """
    there: set[bytes] = set()
    position = 0
    for line in lines_of(kept):
        there.add(_hash(segment_of(line)))
        yield line + b"\n"
        position += 1
    for line in lines_of(new):
        if _hash(segment_of(line)) not in there:
            yield renumbered(line, position) + b"\n"
            position += 1


def _hash(segment: bytes) -> bytes:
    return hashlib.sha256(segment).digest()
