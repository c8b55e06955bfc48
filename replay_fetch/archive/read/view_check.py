"""Whether a view's lines are what the manifest says of them, and lines of ours at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

from replay_fetch.api import Continuity, facts
from replay_fetch.api.json_split import pairs
from replay_fetch.archive.blocks import lines_of
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.stored import stored_text
from replay_fetch.model import Span, View, ViewRecord
from replay_fetch.printable import printable
from replay_fetch.settings import Compression

_OF_WARNINGS = ("gaps", "repeats", "lacks_full_snapshot")
_OF_RECORDING = ("start_ms", "end_ms", "records")
_KEYS = [b'"session_id"', b'"view_id"', b'"position"', b'"segment"']


def complaint(path: Path, entry: Entry) -> str | None:
    """The first thing that is wrong with a view's lines, None where nothing is.

    Raises OSError where the file cannot be read or is shorter than it must be.
    """
    record = entry.record
    sha256 = hashlib.sha256()
    continuity, segments = Continuity(), 0
    try:
        text = stored_text(path, entry.span or Span(0, 0, ""), entry.compression, record.size)
        for line in lines_of(text):
            if entry.compression is not Compression.NONE:  # else the hash of what is stored says it
                sha256.update(line)
                sha256.update(b"\n")
            continuity.add(facts(_segment(line, record.planned.view, segments)))
            segments += 1
    except ValueError as error:
        return printable(str(error), 150)
    same = entry.compression is Compression.NONE or sha256.hexdigest() == record.sha256
    if not same or segments != record.segments:
        return "its lines are whole, but not the ones of the manifest"
    return _contradiction(record, continuity)


def _segment(line: bytes, view: View, position: int) -> bytes:
    """The segment in the line for ``position``; ValueError where that is not what the line is."""
    opening = f'{{"session_id":"{view.session_id}","view_id":"{view.view_id}","position":{position},"segment":'
    if not line.startswith(opening.encode()):
        raise ValueError(f"line {position + 1} is not segment {position} of this view")
    try:
        members = pairs(line)
    except ValueError as error:
        raise ValueError(f"line {position + 1}: {error}") from None
    keys = [key for key, _ in members]
    if keys not in (_KEYS, [*_KEYS, b'"item"']):
        raise ValueError(f"line {position + 1} has other keys than a line has")
    return members[3][1]


def _contradiction(record: ViewRecord, continuity: Continuity) -> str | None:
    """What the manifest says of the recording and the recording does not."""
    warnings, recording = record.warnings, record.recording
    wrong = [name for name in _OF_WARNINGS if getattr(continuity, name) != getattr(warnings, name)]
    # A recording that tells nothing has 0 records, or none where an older version wrote it.
    wrong += [
        name for name in _OF_RECORDING if (getattr(continuity, name) or None) != (getattr(recording, name) or None)
    ]
    return f"the manifest is wrong about its {', '.join(wrong)}" if wrong else None
