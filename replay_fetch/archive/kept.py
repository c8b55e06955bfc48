"""What an archive has of a view already, held against a new answer."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from replay_fetch.archive.blocks import file_range, lines_of
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import segment_of
from replay_fetch.archive.stored import stored_text
from replay_fetch.errors import ArchiveError
from replay_fetch.model import ViewRecord


def holds_all_of(kept: ViewRecord, new: Iterable[bytes], layout: Layout) -> bool:
    """True where each segment that the archive keeps, as often as it does, is in the new lines too.

    Raises ArchiveError where what the archive keeps is damaged.
    """
    try:
        missing = Counter(map(_segment_hash, lines_of(_kept_lines(kept, layout))))
    except (OSError, ValueError) as damage:
        raise ArchiveError(
            f"what the archive has of {kept.planned.view} is damaged ({damage}); `replay-fetch verify {layout.root}`"
        ) from damage
    missing.subtract(map(_segment_hash, lines_of(new)))
    return max(missing.values(), default=0) <= 0


def _kept_lines(kept: ViewRecord, layout: Layout) -> Iterator[bytes]:
    """Plain, in blocks; from the session's file where they lie there, else from the part."""
    if kept.whole is not None:
        path = layout.session_file(kept.planned.view.session_id)
        yield from stored_text(path, kept.whole, layout.compression, kept.size)
    elif kept.size:
        yield from file_range(layout.part(kept.planned.row, kept.part), 0, kept.size)


def _segment_hash(line: bytes) -> bytes:
    return hashlib.sha256(segment_of(line)).digest()
