"""The lines that an archive has of a view already, held against a new answer: neither takes anything from the other."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator

from replay_fetch.archive.compress import stored_text
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import renumbered, segment_of
from replay_fetch.blocks import file_range, is_damage, lines_of
from replay_fetch.errors import ArchiveError
from replay_fetch.model import ViewRecord
from replay_fetch.printable import as_argument

log = logging.getLogger(__name__)


class Comparison:
    """Compares the segments that the archive has of a view with those of a new answer, as the answer grows.

    Two segments are the same where their bytes are. How often a segment comes is not compared: after a chain that
    went in circles the archive has some segments many times, and an answer with each segment once heals the view.
    """

    def __init__(self, kept: Iterable[bytes]) -> None:
        """Read the archive's lines, ``kept``, in blocks; raises ValueError where a line is none of ours."""
        # By hash, not by content: a view of 500 MB is compared in the memory of its segments' hashes.
        self._kept = frozenset(_hash(segment_of(line)) for line in lines_of(kept))
        self.lacking = set(self._kept)
        """What the archive has and the answer has not brought yet, by hash."""
        self.brings_more = False
        """The answer has a segment that the archive has not."""

    def see(self, segments: Iterable[bytes]) -> None:
        """Compare the next segments of the answer, each as the bytes in a line; where in the view is not compared."""
        for segment in segments:
            same = _hash(segment)
            if same in self._kept:
                self.lacking.discard(same)
            else:
                self.brings_more = True


def compared(kept: ViewRecord, layout: Layout) -> Comparison:
    """Return a comparison with the lines that the archive has of a view, before any new segment was seen.

    Raises ArchiveError where a finished view is damaged, and OSError where the system refuses to read. A damaged
    part of an unfinished view counts as empty, and the log says so.
    """
    try:
        return Comparison(kept_lines(kept, layout))
    except (OSError, ValueError) as damage:
        if isinstance(damage, OSError) and not is_damage(damage):
            raise  # the lines are there: the new answer must not take their place
        what = f"what the archive has of {kept.planned.view} is damaged ({damage})"
        if kept.finished:
            raise ArchiveError(f"{what}; `replay-fetch verify {as_argument(layout.root)}`") from damage
        log.warning("%s; the new answer takes its place", what)
        return Comparison(())


def kept_lines(kept: ViewRecord, layout: Layout) -> Iterator[bytes]:
    """Read the archive's lines of a view, plain, in blocks: from the session's file, else from its part.

    Raises OSError or ValueError where the lines are not there as the ledger says.
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
    """Join the lines of two answers: all lines that were there, then the segments that only the new answer has.

    Joined with the same answer once more, the lines stay as they are: a killed run may do so.
    """
    there: set[bytes] = set()
    position = 0
    # Kept lines are passed on unseen, repeats and all: only the new answer is thinned out.
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
