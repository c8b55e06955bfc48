"""The tombstones of an archive as verify and the rebuild see them: by the ledger, and by the erasures' reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from replay_fetch.archive.durable import explained
from replay_fetch.archive.erasure import reported_marks
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.read.verify import Finding, Problem
from replay_fetch.erased import mark_of


class Tombstones:
    """Knows the erased sessions of an archive by their marks, some 100 bytes of memory each."""

    def __init__(self, layout: Layout, in_ledger: Iterable[bytes]) -> None:
        """Collect the marks; the reports tell them where the ledger is lost. Raises ArchiveError."""
        self._layout = layout
        self.marks = {*in_ledger, *reported_marks(layout)}

    def has(self, session_id: str) -> bool:
        """Tell whether the session was erased."""
        return bool(self.marks) and mark_of(session_id) in self.marks

    def findings(self) -> Iterator[Finding]:
        """Find files and folders of erased sessions: put back by somebody, or left by an erasure that was killed."""
        if not self.marks:
            return
        for folder in (self._layout.sessions, self._layout.events, self._layout.raw):
            for path in self._listed(folder):
                if self.has(path.name.partition(".")[0]):
                    name = path.relative_to(self._layout.root).as_posix()
                    yield Finding(Problem.ERASED, name, "its session was erased, and must not be here")

    def in_manifest(self, session_id: str) -> Iterator[Finding]:
        """Find that the manifest names an erased session, given one of its sessions."""
        if self.has(session_id):
            name = self._layout.manifest_name
            yield Finding(Problem.ERASED, name, f"it names session {session_id}, which was erased")

    @staticmethod
    def _listed(folder: Path) -> list[Path]:
        with explained(f"reading {folder}"):
            return sorted(folder.iterdir()) if folder.is_dir() else []
