"""Where everything in an archive lies; the only place that makes paths out of ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from replay_fetch.model import ID, View
from replay_fetch.settings import Compression

# The ids a list may hold. Checked again here: whatever got past the plan, it never becomes a path.
_ID = re.compile(ID)


@dataclass(frozen=True)
class Layout:
    """The paths of one archive; those of folders are made once, since joining them is what paths cost."""

    root: Path
    compression: Compression = Compression.NONE

    @cached_property
    def sessions(self) -> Path:
        """The folder of finished (and partial) session files."""
        return self.root / "sessions"

    @cached_property
    def raw(self) -> Path:
        """The folder of pages kept as they came."""
        return self.root / "raw"

    @cached_property
    def manifest(self) -> Path:
        """One line a view: the archive's table of contents."""
        return self.root / "manifest.ndjson"

    @cached_property
    def report(self) -> Path:
        """The last run in figures."""
        return self.root / "report.json"

    @cached_property
    def private(self) -> Path:
        """What is ours alone; nothing in it is needed to read the archive."""
        return self.root / ".replay-fetch"

    @cached_property
    def ledger(self) -> Path:
        """The plan and each view's state."""
        return self.private / "ledger.sqlite"

    @cached_property
    def lock(self) -> Path:
        """Held by the run that writes to this archive."""
        return self.private / "lock"

    @cached_property
    def parts(self) -> Path:
        """Views that are fetched while their session is not whole."""
        return self.private / "parts"

    @cached_property
    def temporary(self) -> Path:
        """Files on their way to their final name; emptied at the start of a run."""
        return self.private / "tmp"

    def session_name(self, session_id: str, *, partial: bool = False) -> str:
        """A session file's name, relative to the archive."""
        return f"{self.sessions.name}/{self._file_name(session_id, partial=partial)}"

    def session_file(self, session_id: str, *, partial: bool = False) -> Path:
        """A session file's path."""
        return Path(self.session_place(session_id, partial=partial))

    def session_place(self, session_id: str, *, partial: bool = False) -> str:
        """A session file's path as text, which a run needs of every session: joining a Path takes ten times as long."""
        return f"{self.sessions}/{self._file_name(session_id, partial=partial)}"

    def _file_name(self, session_id: str, *, partial: bool) -> str:
        infix = ".partial" if partial else ""
        return f"{_checked(session_id)}{infix}.ndjson{self.compression.suffix}"

    def part(self, row: int, number: int) -> Path:
        """The lines of one view, plain, named by its row in the ledger and the part's number."""
        return self.parts / f"{row}-{number}.ndjson"

    def session_on_its_way(self, session: int) -> str:
        """Where a session's file is written before it gets its name; as text too."""
        return f"{self.temporary}/session-{session}"

    def raw_folder(self, view: View) -> Path:
        """The folder of one view's raw pages."""
        return self.raw / _checked(view.session_id) / _checked(view.view_id)


def _checked(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an id")
    return text
