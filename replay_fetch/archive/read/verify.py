"""Holding one session's files against the manifest: are they there, whole, and nothing else in them."""

from __future__ import annotations

import errno
import hashlib
import stat
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from replay_fetch.archive.blocks import file_range
from replay_fetch.archive.manifest import Entry
from replay_fetch.archive.read.view_check import complaint
from replay_fetch.errors import ArchiveError
from replay_fetch.model import View


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
    """Read every file of one session, given all its views in the manifest's order.

    Raises ArchiveError where a file may not be read: that says nothing about it.
    """
    files: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.file is not None:
            files.setdefault(entry.file, []).append(entry)
    findings: list[Finding] = []
    bad: set[int] = set()
    for name, placed in files.items():
        try:
            size = _size(root / name)
        except PermissionError as error:
            raise _forbidden(root / name, error) from error
        except OSError as error:
            findings.append(Finding(Problem.MISSING, name, f"{_why(error)}; views in it: {len(placed)}"))
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
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise FileNotFoundError(errno.ENOENT, "not a file")
    return about.st_size


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
        wrong = complaint(path, entry)
    except PermissionError as error:
        raise _forbidden(path, error) from error
    except OSError as error:
        return Finding(Problem.DAMAGED, entry.file, f"cannot be read: {_why(error)}", view)
    if not same:
        wrong = f"not the bytes that were written: {wrong}" if wrong else "not the bytes that were written"
    return Finding(Problem.DAMAGED, entry.file, wrong, view) if wrong else None


def _sha256(blocks: Iterable[bytes]) -> str:
    sha256 = hashlib.sha256()
    for block in blocks:
        sha256.update(block)
    return sha256.hexdigest()


def _forbidden(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(f"{path} cannot be read: {_why(error)}; verify as the user whose archive it is")


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
