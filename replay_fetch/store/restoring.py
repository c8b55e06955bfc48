"""Restoring a scratch from a store: the newest checkpoint, then the log behind it, lists where the log names them.

Needs no lease and writes nothing, so ``status`` and ``export`` use it on an archive that a run is writing to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import anyio
from anyio import to_thread

from replay_fetch.store.checkpoint import fetch_checkpoint
from replay_fetch.store.entries import Entry, LoggedList, LoggedRemoval
from replay_fetch.store.lists import fetch_file, read_list
from replay_fetch.store.log import Log, LogPart
from replay_fetch.store.objects import Objects
from replay_fetch.store.scratch import Scratch


class Restoring:
    """One restoration of an empty scratch; memory holds 16 packed log parts and the entries of none."""

    def __init__(self, objects: Objects, folder: str, scratch: Scratch) -> None:
        self.checkpoint = 0
        """The log part that the checkpoint was as of; 0 without one."""
        self.ended = False
        """Nothing is owed: the log is empty, or its last part says that the run came to its end."""
        self.removed: list[str] = []
        """Files made superfluous by the last commit, whose run may have died before their removal.

        Earlier commits owe nothing: a run removes such files before it writes its next part.
        """
        self._objects = objects
        self._folder = folder
        self._scratch = scratch

    async def restore(self, log: Log) -> None:
        """Bring the scratch up to the end of the log; raises StoreError where something of it is damaged."""
        ledger = self._scratch.temporary / "ledger.sqlite"
        self.checkpoint = await fetch_checkpoint(self._objects, self._folder, ledger)
        await to_thread.run_sync(self._scratch.begin, ledger if self.checkpoint else None)
        async for part in log.read(self.checkpoint):
            await self.lay(part)
        # Asked of the log, since the part that a checkpoint is as of is not laid again.
        self.ended = log.kind in {"", "end"}

    async def lay(self, part: LogPart) -> None:
        """Take one log part in.

        A list stands alone in its part: rows are numbered before results are laid over them.
        """
        self.ended = part.header.kind == "end"
        # An ``open`` pays no debt: its run may have died before the removals, and the next one owes them still.
        if part.header.kind != "open":
            self.removed = []
        if part.header.kind == "list":
            for entry in part.entries():
                if isinstance(entry, LoggedList):
                    await self._load(entry)
        else:
            await to_thread.run_sync(self._scratch.lay, self._seen(part.entries()))

    async def _load(self, logged: LoggedList) -> None:
        copy = self._scratch.temporary / "list.csv.zst"
        await fetch_file(self._objects, logged.name, copy)
        rows = read_list(copy, f"{self._objects.location}/{logged.name}")
        await to_thread.run_sync(self._scratch.load, logged, rows)
        await anyio.Path(copy).unlink()

    def _seen(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            if isinstance(entry, LoggedRemoval):
                self.removed.append(entry.name)
            yield entry
