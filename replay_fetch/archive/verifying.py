"""Holding one session's files against the manifest, byte by byte and line by line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from replay_fetch.api import Continuity, facts, printable
from replay_fetch.api.split import pairs
from replay_fetch.archive.blocks import file_range
from replay_fetch.archive.compress import decompressed
from replay_fetch.archive.reading import Entry
from replay_fetch.model import View, ViewRecord

# Fed in small pieces, because 4 kB of a damaged or hostile file may inflate to a hundred MB.
_PIECE = 4096
_KEYS = [b'"session_id"', b'"view_id"', b'"position"', b'"segment"']


class Problem(StrEnum):
    """What is wrong with a file or with a view's part of it."""

    DAMAGED = "damaged"
    MISSING = "missing"
    CUT_OFF = "cut off"
    UNCLAIMED = "unclaimed"
    """Bytes of a file that belong to no view."""
    EXTRA = "extra"
    """A file that no view lies in."""


class Finding(NamedTuple):
    """One thing that is wrong."""

    problem: Problem
    file: str
    """Relative to the archive."""
    detail: str
    view: View | None = None


class Verdict(NamedTuple):
    """What checking one session came to."""

    findings: list[Finding]
    bad: frozenset[int]
    """Rows of views whose bytes are not there as the manifest says."""


def check_session(root: Path, entries: Sequence[Entry]) -> Verdict:
    """Read every file of one session, given all its views in the manifest's order."""
    files: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.file is not None:
            files.setdefault(entry.file, []).append(entry)
    findings: list[Finding] = []
    bad: set[int] = set()
    for name, placed in files.items():
        try:
            size = _size(root / name)
        except OSError as error:
            findings.append(Finding(Problem.MISSING, name, f"{_why(error)}; {len(placed)} views lie in it"))
            bad.update(entry.record.planned.row for entry in placed)
            continue
        findings += _check_cover(name, size, placed)
        for entry in placed:
            finding = _check_view(root / name, size, entry)
            if finding is not None:
                findings.append(finding)
                bad.add(entry.record.planned.row)
    return Verdict(findings, frozenset(bad))


def _size(path: Path) -> int:
    if not path.is_file():
        raise FileNotFoundError(2, "no such file")
    with path.open("rb") as file:
        return file.seek(0, 2)


def _check_cover(name: str, size: int, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Views must lie one behind another, in order, from the file's first byte to its last."""
    end = 0
    for entry in entries:
        offset, length, _ = entry.span or (end, 0, "")
        if offset != end:
            what = f"bytes {end} to {offset} belong to no view" if offset > end else "lies over the view before it"
            yield Finding(Problem.UNCLAIMED, name, what, entry.record.planned.view if offset < end else None)
        end = offset + length
    if size > end:
        yield Finding(Problem.UNCLAIMED, name, f"bytes {end} to {size}, its last, belong to no view")


def _check_view(path: Path, size: int, entry: Entry) -> Finding | None:
    """Hash the view's bytes as they lie there; where they are right, read its lines."""
    if entry.span is None or entry.file is None:
        return None
    view = entry.record.planned.view
    offset, length, sha256 = entry.span
    if offset + length > size:
        detail = f"the file ends {offset + length - size} bytes before the view does"
        return Finding(Problem.CUT_OFF, entry.file, detail, view)
    try:
        same = _sha256(file_range(path, offset, length)) == sha256
        complaint = _complaint(entry.record, _text(path, entry))
    except OSError as error:
        return Finding(Problem.DAMAGED, entry.file, f"cannot be read: {_why(error)}", view)
    if same and complaint is None:
        return None
    if not same:
        complaint = f"not the bytes that were written: {complaint}" if complaint else "not the bytes that were written"
    return Finding(Problem.DAMAGED, entry.file, complaint or "", view)


def _sha256(blocks: Iterable[bytes]) -> str:
    sha256 = hashlib.sha256()
    for block in blocks:
        sha256.update(block)
    return sha256.hexdigest()


def _text(path: Path, entry: Entry) -> Iterator[bytes]:
    """The view's lines as they were before compression, at most as many bytes as there should be."""
    offset, length, _ = entry.span or (0, 0, "")
    blocks = file_range(path, offset, length)
    pieces = (block[at : at + _PIECE] for block in blocks for at in range(0, len(block), _PIECE))
    size = 0
    for piece in decompressed(pieces, entry.compression):
        size += len(piece)
        if size > entry.record.size:
            raise ValueError(f"more than the {entry.record.size} bytes of the manifest")
        yield piece


def _complaint(record: ViewRecord, text: Iterable[bytes]) -> str | None:
    """The first thing that is wrong with a view's lines, None where nothing is."""
    sha256, size = hashlib.sha256(), 0
    continuity, segments = Continuity(), 0
    try:
        for line in _lines(text):
            sha256.update(line)
            sha256.update(b"\n")
            size += len(line) + 1
            continuity.add(facts(_segment(line, record.planned.view, segments)))
            segments += 1
    except ValueError as error:
        return printable(str(error), 150)
    if (segments, size, sha256.hexdigest()) != (record.segments, record.size, record.sha256):
        return "its lines are whole, but not the ones of the manifest"
    return _contradiction(record, continuity)


def _lines(text: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their line ends."""
    begun: list[bytes] = []
    for piece in text:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            yield b"".join((*begun, end))
            begun = []
        if rest:
            begun.append(rest)
    if begun:
        raise ValueError("its last line breaks off")


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
    said = {**record.checks, **record.about}
    found = {
        "gaps": continuity.gaps,
        "repeats": continuity.repeats,
        "lacks_full_snapshot": continuity.lacks_full_snapshot,
        "start_ms": continuity.start_ms,
        "end_ms": continuity.end_ms,
        "records": continuity.records,
    }
    wrong = [name for name, value in found.items() if (value or None) != (said.get(name) or None)]
    return f"the manifest is wrong about its {', '.join(wrong)}" if wrong else None


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
