"""The layout of an archive: the place of everything in it, and the only code that makes paths out of ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from replay_fetch.model import ID, View
from replay_fetch.settings import Compression
from replay_fetch.shard import ShardId

MANIFEST, REPORT, SESSIONS, PRIVATE = "manifest.ndjson", "report.json", "sessions", ".replay-fetch"
EVENTS, EVENTS_MANIFEST, RAW, REPORTS, ERASURES = "events", "manifest-events.ndjson", "raw", "reports", "erasures"
"""Names in an archive, on a disk and in a store alike."""

# The ids a list may hold. Checked again here: whatever got past the plan, it never becomes a path.
_ID = re.compile(ID)


@dataclass(frozen=True)
class Layout:
    """Gives the paths of an archive; folders' paths are made once, since joining is the slow part of making paths.

    A shard has a manifest, a report and private files of its own. The folders of sessions and raw pages are shared,
    since each session is in exactly one shard.
    """

    root: Path
    compression: Compression = Compression.NONE
    lasting: bool = True
    """Its files must survive a power cut; False for the scratch of a stored archive, which needs no fsync."""
    shard: ShardId | None = None

    @cached_property
    def sessions(self) -> Path:
        """The folder of finished session files, and of partial ones, for people to read until a session is whole."""
        return self.root / SESSIONS

    @cached_property
    def raw(self) -> Path:
        """The folder of pages kept as they came: of views that no rule understands, and of all with ``--keep-raw``."""
        return self.root / RAW

    @cached_property
    def events(self) -> Path:
        """The folder of sessions' RUM events; there is none where they were never asked for."""
        return self.root / EVENTS

    @cached_property
    def events_manifest(self) -> Path:
        """The table of contents of `events`, with a line for each session; the manifest's own keys are fixed."""
        return self.root / EVENTS_MANIFEST

    @cached_property
    def erasures(self) -> Path:
        """The folder of the erasures' reports, one file an erasure."""
        return self.root / ERASURES

    @cached_property
    def manifest(self) -> Path:
        """The archive's table of contents, with a line for each view, as of the last run that came to its end."""
        return self.root / self.manifest_name

    @property
    def manifest_name(self) -> str:
        """The manifest's name relative to the archive, a shard's in a folder of its own."""
        return self.shard.manifest if self.shard else MANIFEST

    @cached_property
    def report(self) -> Path:
        """The figures of the last run that asked something, as JSON; a shard's lies in a folder of its own."""
        return self.root / (self.shard.report if self.shard else REPORT)

    @cached_property
    def reports(self) -> Path:
        """The folder of the latest runs' reports, named by the time at which each run began."""
        folder = self.root / REPORTS
        return folder / self.shard.name if self.shard else folder

    @cached_property
    def home(self) -> Path:
        """The folder of our own files, of all shards where there are some; it marks an archive as ours."""
        return self.root / PRIVATE

    @cached_property
    def private(self) -> Path:
        """The folder of our own files: ledger, lock, parts, temporary files; an archive can be read without it."""
        return self.home / self.shard.name if self.shard else self.home

    @cached_property
    def ledger(self) -> Path:
        """The database of the plan and of each view's state: the truth, of which the manifest is a copy for people."""
        return self.private / "ledger.sqlite"

    @cached_property
    def lock(self) -> Path:
        """The file that a writing run holds locked, with the name of the run's process in it."""
        return self.private / "lock"

    @cached_property
    def parts(self) -> Path:
        """The folder of parts: plain lines of views that are fetched while other views of their session are not."""
        return self.private / "parts"

    @cached_property
    def temporary(self) -> Path:
        """The folder of files on their way to their final names; emptied at the start of a run."""
        return self.private / "tmp"

    def has(self, file_name: str) -> bool:
        """Tell whether a file of ``sessions/`` may be one of the shard's; always true where there are no shards."""
        return self.shard is None or self.shard.owns_file(file_name)

    def session_name(self, session_id: str, *, partial: bool = False) -> str:
        """Name a session's file relative to the archive, as the manifest does: ``sessions/<session_id>.ndjson``.

        Raises ValueError for text that is not an id, as all methods that take an id do.
        """
        return f"{SESSIONS}/{self._file_name(session_id, partial=partial)}"

    def session_file(self, session_id: str, *, partial: bool = False) -> Path:
        """Return the path of a session's file, finished or partial, whether or not it is there."""
        return Path(self.session_place(session_id, partial=partial))

    def session_place(self, session_id: str, *, partial: bool = False) -> str:
        """Return a session file's path as text, made for every session: a Path takes ten times as long."""
        return f"{self.sessions}/{self._file_name(session_id, partial=partial)}"

    def _file_name(self, session_id: str, *, partial: bool) -> str:
        return f"{_checked(session_id)}{self._endings[partial]}"

    @cached_property
    def _endings(self) -> tuple[str, str]:
        ending = f".ndjson{self.compression.suffix}"
        return ending, f".partial{ending}"

    def events_name(self, session_id: str) -> str:
        """Name a session's file of RUM events relative to the archive."""
        return f"{self.events.name}/{self._file_name(session_id, partial=False)}"

    def events_file(self, session_id: str) -> Path:
        """Return the path of a session's file of RUM events; raises ValueError for text that is not an id."""
        return self.root / self.events_name(session_id)

    def events_on_its_way(self, session: int) -> Path:
        """Return the temporary name of a session's staged events; it follows from the number alone."""
        return self.temporary / f"events-{session}"

    def part(self, row: int, number: int) -> Path:
        """Return the path of a view's plain lines, named by the view's row in the ledger and the part's number."""
        return self.parts / f"{row}-{number}.ndjson"

    def session_on_its_way(self, session: int) -> str:
        """Return the temporary name of a session's staged file, as text; it follows from the number alone."""
        return f"{self.temporary}/session-{session}"

    def raw_folder(self, view: View) -> Path:
        """Return the folder of a view's raw pages, ``raw/<session_id>/<view_id>``, whether or not it is there."""
        return self.raw_session(view.session_id) / _checked(view.view_id)

    def raw_session(self, session_id: str) -> Path:
        """Return the folder of the raw pages of a session's views; raises ValueError for text that is not an id."""
        return self.raw / _checked(session_id)


def _checked(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an id")
    return text
