"""The session file writer: stages the session files of a batch together, and publishes them behind the record.

Behind the record the files of a stored archive are shipped from here by its carrier.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from replay_fetch.archive.durable import Unsynced, explained, open_files_allowed, sync_folder
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.write.session_file import DamagedFile, SessionFile, StagedSession
from replay_fetch.settings import Compression

log = logging.getLogger(__name__)

# Threads that compress, and that wait for a slow disk: fsyncs of different files share its journal's commits.
_HELPERS = 4
# Session files that are written before they are brought to the disk together; all of them are open then, and no
# more than an eighth of what the process may have open.
_FILES_AT_ONCE, _SHARE = 64, 8


class SessionFileWriter:
    """Stages and publishes session files; belongs to the writer's thread, and has threads of its own that help."""

    def __init__(self, layout: Layout) -> None:
        self.damaged: dict[SessionFile, DamagedFile] = {}
        """Files that could not be written, since what is there of them is not what the ledger says."""
        self._layout = layout
        self._files_at_once = max(1, min(_FILES_AT_ONCE, open_files_allowed() // _SHARE))
        self._pool = ThreadPoolExecutor(_HELPERS, thread_name_prefix="session-file")

    def close(self) -> None:
        """Let the helping threads end; none of them is at work outside of `stage`, so nothing is waited for."""
        self._pool.shutdown()

    def stage(self, files: Sequence[SessionFile]) -> list[StagedSession]:
        """Write the files under temporary names, except damaged files, and bring bytes and names to the disk.

        Raises DamagedPart where saved lines are not what the ledger says. Damaged files are collected in
        ``damaged``.
        """
        staged: list[StagedSession] = []
        for first in range(0, len(files), self._files_at_once):
            with Unsynced() as unsynced:
                staged += self._written(files[first : first + self._files_at_once], unsynced)
                if self._layout.lasting:
                    with explained(f"writing {self._layout.sessions}"):
                        unsynced.sync(self._pool)
        # The redo list leads to these names: after a power cut, too, they must be there.
        if staged and self._layout.lasting:
            with explained(f"writing {self._layout.temporary}"):
                sync_folder(self._layout.temporary)
        return staged

    def publish(self, files: Sequence[SessionFile]) -> None:
        """Give staged files their final names and bring the names to the disk; only behind the record."""
        if files:
            with explained(f"writing {self._layout.sessions}"):
                # A kill between two of these leaves some under the old name and some under the new, which the redo list
                # covers.
                for file in files:
                    file.publish()
                if self._layout.lasting:
                    sync_folder(self._layout.sessions)

    def _written(self, files: Iterable[SessionFile], unsynced: Unsynced) -> list[StagedSession]:
        """Write the files; compressed files in several threads, all of which have ended when an error is raised."""
        if self._layout.compression is Compression.NONE:
            written = [self._write_one(file, unsynced) for file in files]
        else:
            # Compression lets go of the interpreter, so files of a batch are compressed on all processors.
            at_work = [self._pool.submit(self._write_one, file, unsynced) for file in files]
            wait(at_work)
            written = [one.result() for one in at_work]
        return [one for one in written if one is not None]

    def _write_one(self, file: SessionFile, unsynced: Unsynced) -> StagedSession | None:
        """Write a file, or collect the damage and remove the half that is written; the first damage is logged."""
        try:
            return file.stage(unsynced)
        except DamagedFile as damage:
            if not self.damaged:
                log.warning("%s; the run goes on with other sessions", damage)
            self.damaged[file] = damage
            with explained(f"clearing {self._layout.private}"):
                Path(file.temporary).unlink()
            return None
