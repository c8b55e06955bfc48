"""The check of a session: its files are there, whole, with nothing else in them, and each line is ours."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from replay_fetch.api.belonging import other_id
from replay_fetch.api.json_split import pairs
from replay_fetch.api.segment import Continuity, facts
from replay_fetch.archive.compress import plain_text
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.shelf import Shelf
from replay_fetch.blocks import Hashed, lines_of
from replay_fetch.errors import ArchiveError
from replay_fetch.model import View, ViewRecord
from replay_fetch.printable import printable
from replay_fetch.settings import Compression


class Problem(StrEnum):
    """Names the problem of a file, or of a view's bytes in it, in the words that ``verify`` prints."""

    DAMAGED = "damaged"
    MISSING = "missing"
    CUT_OFF = "cut off"
    UNCLAIMED = "unclaimed"
    """Bytes of a file that belong to no view."""
    EXTRA = "extra"
    """A file that no view lies in."""
    ERASED = "erased"
    """Something of a session that was erased is there again, or still."""


class Finding(NamedTuple):
    """A problem of an archive: its kind, the file, a sentence for people, and the view where known."""

    problem: Problem
    file: str
    """Relative to the archive."""
    detail: str
    view: View | None = None


class Verdict(NamedTuple):
    """The result of checking a session: findings, and the rows of views that cannot be used."""

    findings: list[Finding]
    bad: frozenset[int]
    """Rows of views whose bytes are not there as the manifest says."""


def unnamed_files(shelf: Shelf, folder: str, named: Container[str]) -> list[str]:
    """List the files in a folder that nothing in the archive names, sorted; hidden files are passed over.

    Systems leave those wherever somebody looks (``.DS_Store``, ``.nfs…``), and no id begins with a dot.
    """
    return sorted(
        file.name for file in shelf.files(folder) if file.name not in named and not file.name.startswith(f"{folder}/.")
    )


def check_session(shelf: Shelf, entries: Sequence[Entry], sizes: Mapping[str, int] | None = None) -> Verdict:
    """Read every file of a session, given all its views in the manifest's order.

    With ``sizes``, the listed files by name, nothing is read: names and sizes are all that is checked. Raises
    ArchiveError where the user may not read a file: nothing is known of its content then.
    """
    files: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.file is not None:
            files.setdefault(entry.file, []).append(entry)
    findings: list[Finding] = []
    bad: set[int] = set()
    for name, placed in files.items():
        try:
            # A name that is not listed is looked at once more, for a listing may be a little older.
            size = (sizes or {}).get(name) or shelf.size(name)
        except PermissionError as error:
            raise _forbidden(shelf.place(name), error) from error
        except OSError as error:
            findings.append(Finding(Problem.MISSING, name, f"{_why(error)}; views in it: {len(placed)}"))
            bad.update(entry.record.planned.row for entry in placed)
            continue
        findings += _check_cover(name, size, placed)
        for entry in placed:
            finding = _check_end(size, entry) or (_check_view(shelf, entry) if sizes is None else None)
            if finding is not None:
                findings.append(finding)
                bad.add(entry.record.planned.row)
    return Verdict(findings, frozenset(bad))


def _check_cover(name: str, size: int, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Find bytes that belong to no view: views lie behind each other, from a file's first byte to its last."""
    end = 0
    for entry in entries:
        offset, length, _ = entry.span or (end, 0, "")
        if offset != end:
            what = f"bytes {end} to {offset} belong to no view" if offset > end else "lies over the view before it"
            yield Finding(Problem.UNCLAIMED, name, what, entry.record.planned.view if offset < end else None)
        end = offset + length
    if size > end:
        yield Finding(Problem.UNCLAIMED, name, f"bytes {end} to {size}, its last, belong to no view")


def _check_end(size: int, entry: Entry) -> Finding | None:
    """Find a view that goes on behind its file's end."""
    if entry.span is None or entry.file is None or entry.span.offset + entry.span.length <= size:
        return None
    detail = f"the file ends {entry.span.offset + entry.span.length - size} bytes before the view does"
    return Finding(Problem.CUT_OFF, entry.file, detail, entry.record.planned.view)


def _check_view(shelf: Shelf, entry: Entry) -> Finding | None:
    """Hash the view's bytes as they lie there, and read the lines in them."""
    if entry.span is None or entry.file is None:
        return None
    view = entry.record.planned.view
    offset, length, sha256 = entry.span
    try:
        # A manifest alone may have been made for other bytes, so the lines are read too. In one reading with the hash:
        # each byte of a store is asked for, and paid for, once.
        stored = Hashed(shelf.blocks(entry.file, offset, length))
        wrong = complaint(stored, entry)
        same = stored.sha256() == sha256
    except PermissionError as error:
        raise _forbidden(shelf.place(entry.file), error) from error
    except OSError as error:
        return Finding(Problem.DAMAGED, entry.file, f"cannot be read: {_why(error)}", view)
    # Said in both cases: the hash proves the damage, and the complaint tells where in the lines it lies.
    if not same:
        wrong = f"not the bytes that were written: {wrong}" if wrong else "not the bytes that were written"
    return Finding(Problem.DAMAGED, entry.file, wrong, view) if wrong else None


def _forbidden(place: str, error: OSError) -> ArchiveError:
    return ArchiveError(f"{place} cannot be read: {_why(error)}; verify as the user whose archive it is")


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


_OF_WARNINGS = ("gaps", "repeats", "lacks_full_snapshot")
_OF_RECORDING = ("start_ms", "end_ms", "records")
_KEYS = [b'"session_id"', b'"view_id"', b'"position"', b'"segment"']


def complaint(stored: Iterable[bytes], entry: Entry) -> str | None:
    """Return the first thing that is wrong with a view's lines, None where nothing is.

    ``stored`` are its bytes as they lie in the file; their OSErrors pass through.
    """
    record = entry.record
    sha256 = hashlib.sha256()
    continuity, segments = Continuity(), 0
    try:
        text = plain_text(stored, entry.compression, record.size)
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
    """Return the segment in the line for ``position``; raises ValueError where the line is another."""
    opening = f'{{"session_id":"{view.session_id}","view_id":"{view.view_id}","position":{position},"segment":'
    # Held as bytes, to the last one: JSON that means the same is no line that this program wrote.
    if not line.startswith(opening.encode()):
        raise ValueError(f"line {position + 1} is not segment {position} of this view")
    try:
        members = pairs(line)
    except ValueError as error:
        raise ValueError(f"line {position + 1}: {error}") from None
    keys = [key for key, _ in members]
    if keys not in (_KEYS, [*_KEYS, b'"item"']):
        raise ValueError(f"line {position + 1} has other keys than a line has")
    segment = members[3][1]
    # A download refuses such segments; older archives, and files that were changed and hashed anew, may hold them.
    if other := other_id(segment, view):
        raise ValueError(f"line {position + 1} is of {other}")
    return segment


def _contradiction(record: ViewRecord, continuity: Continuity) -> str | None:
    """Name the facts of the recording that the manifest states otherwise; None where it states none otherwise."""
    warnings, recording = record.warnings, record.recording
    wrong = [name for name in _OF_WARNINGS if getattr(continuity, name) != getattr(warnings, name)]
    # A recording that tells nothing has 0 records, or none where an older version wrote it.
    wrong += [
        name for name in _OF_RECORDING if (getattr(continuity, name) or None) != (getattr(recording, name) or None)
    ]
    return f"the manifest is wrong about its {', '.join(wrong)}" if wrong else None
