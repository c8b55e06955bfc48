"""The tombstones of an archive as verify and the rebuild see them: by the ledger, and by the erasures' reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replay_fetch.archive.erasure import reported_marks
from replay_fetch.archive.layout import EVENTS, RAW, SESSIONS
from replay_fetch.archive.read.verify import Finding, Problem
from replay_fetch.archive.shelf import Shelf
from replay_fetch.erased import mark_of, session_in


class ErasedSessions:
    """Knows the erased sessions of an archive by their marks, some 100 bytes of memory each."""

    def __init__(self, shelf: Shelf, in_ledger: Iterable[bytes] = ()) -> None:
        """Collect the marks; the reports tell them where there is no ledger. Raises ArchiveError."""
        self._shelf = shelf
        self.marks = {*in_ledger, *reported_marks(shelf)}

    def has(self, session_id: str) -> bool:
        """Tell whether a session was erased, by the mark of its id."""
        return bool(self.marks) and mark_of(session_id) in self.marks

    def findings(self) -> Iterator[Finding]:
        """Find files and folders of erased sessions: put back by somebody, or left by an erasure that was killed."""
        if not self.marks:
            return
        for folder in (SESSIONS, EVENTS, RAW):
            for name in sorted({self._named(file.name) for file in self._shelf.files(folder)}):
                if self.has(session_in(name)):
                    yield Finding(Problem.ERASED, name, "its session was erased, and must not be here")

    def in_manifest(self, session_id: str) -> Iterator[Finding]:
        """Find that the manifest names an erased session, given one of its sessions."""
        if self.has(session_id):
            yield Finding(Problem.ERASED, self._shelf.manifest, f"it names session {session_id}, which was erased")

    @staticmethod
    def _named(name: str) -> str:
        """Name a file or, for raw pages, the folder of their session."""
        return "/".join(name.split("/")[:2])
