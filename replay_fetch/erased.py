"""An erased session: the mark by which it is known again, and the figures that the report of its erasure keeps."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

_OF_SESSIONS = {"sessions", "events", "raw"}


class ErasedSession(NamedTuple):
    """A session that is erased: its views, segments and bytes of lines, and its files with their bytes.

    All figures are 0 where the archive has nothing of the session; its tombstone is laid all the same.
    """

    session_id: str
    views: int = 0
    segments: int = 0
    size: int = 0
    """Bytes of its lines, uncompressed."""
    files: int = 0
    stored: int = 0
    """Bytes of its files, as they lie on the disk."""

    @property
    def was_there(self) -> bool:
        """True where the archive had a view or a file of the session."""
        return bool(self.views or self.files)

    def figures(self) -> dict[str, int]:
        """Return the figures by the names that reports and programs have for them."""
        of_lines = {"views": self.views, "segments": self.segments, "bytes": self.size}
        return of_lines | {"files": self.files, "stored_bytes": self.stored}

    def fields(self) -> dict[str, str | int]:
        """Return the session as the report of an erasure has it: by its mark, never by its id."""
        return {"sha256": mark_of(self.session_id).hex(), **self.figures()}


def mark_of(session_id: str) -> bytes:
    """Return the mark of a session: the SHA-256 of its id in lower case.

    In lower case, since ids that differ in case only name a single file on some disks. Without a salt, so whoever
    knows an id can look for its mark with any tool. The ids are random, 122 bits of a UUID: none can be guessed from
    its mark.
    """
    return hashlib.sha256(session_id.lower().encode()).digest()


def session_in(name: str) -> str:
    """Return the id of the session that a file of an archive belongs to, by the file's name; empty for other files."""
    folder, _, rest = name.partition("/")
    return rest.partition("/")[0].partition(".")[0] if folder in _OF_SESSIONS else ""
