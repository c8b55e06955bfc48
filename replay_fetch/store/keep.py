"""An archive kept in a store: opening it for one run, and making its commits count.

The order of a commit, in which a machine may die between any two requests:

1. session files are created; one that the log has is written beside it, under ``staged/``;
2. new lines of unfinished views go into one blob;
3. the next log part is created: from here on the commit has happened, and no other run can undo it;
4. staged files take the place of those they replace, copies are shown, and what is superseded is removed.

An object named by the log therefore changes only after the log says so. Written over in step 1, its former bytes would
be lost to a commit that may never happen, while the manifest still names them.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread

from replay_fetch.store.checkpoint import EVERY, sweep, write_checkpoint
from replay_fetch.store.driver import Tag
from replay_fetch.store.entries import Entry, LoggedList, LoggedObject, LoggedPart, LoggedRemoval, LoggedSetting
from replay_fetch.store.failures import Fenced, StoreError
from replay_fetch.store.lease import Lease, Progress
from replay_fetch.store.lists import fetch_file, keep_list, list_name
from replay_fetch.store.log import Log
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, KeepTerms, agree, check_conditional_writes
from replay_fetch.store.parts import blobs, fetch_part
from replay_fetch.store.restoring import Restoring
from replay_fetch.store.scratch import Scratch, Staged, StagedFile
from replay_fetch.store.standing import write_signed
from replay_fetch.store.together import beside, together

_Value = TypeVar("_Value")

# A run that ends writes a checkpoint if reading the log anew would cost more requests than that.
_WORTH_A_CHECKPOINT = 50


class StoreKeep:
    """The keep of a run over a store, as `Keep` describes. Memory: 64 MiB beside the bodies of staged files."""

    def __init__(self, objects: Objects, scratch: Scratch, terms: KeepTerms) -> None:
        self._objects = objects
        self._scratch = scratch
        self._terms = terms
        self._folder = terms.folder
        self._lease = Lease(objects, terms.folder, wait=terms.wait_for_lock)
        self._log = Log(objects, terms.folder, self._lease.holder)
        self.ended = False
        """The run before ours, if any, came to its end; known behind `open`."""
        self._checkpoint = 0  # the log part that the newest checkpoint is as of
        self._owed: list[Entry] = []  # published since the last log part, which the next one says

    def __repr__(self) -> str:
        return f"<StoreKeep {self._objects.location}, {self._lease!r}, {self._log!r}>"

    async def open(self) -> None:
        """Take the lease, restore the scratch, and fence every earlier run.

        Raises LeaseHeld, SettingsError for a store without conditional writes or another archive than is meant, and
        StoreError for a damaged one.
        """
        await check_conditional_writes(self._objects, self._folder)
        await agree(self._objects, FOLDER, self._terms.facts)
        await self._lease.take()
        await self.beside(self._restore, dict)

    async def beside(self, work: Callable[[], Awaitable[_Value]], progress: Progress) -> _Value:
        """Do the work while the lease beats and tells of the progress; raises Fenced after a takeover."""
        return await beside(partial(self._lease.beat, progress), work)

    async def keep_list(self, number: int, fingerprint: str, packed: Path, rows: int) -> None:
        """Write a list, packed by `packing`, and name it in a log part of its own; the ledger has loaded it by then."""
        name = await keep_list(self._objects, list_name(self._folder, number), self._log.epoch, packed)
        await self._log.append([LoggedList(number, name, fingerprint, rows)], "list")

    async def keep_settings(self, settings: Mapping[str, str]) -> None:
        """Note settings of the archive, by name, in a log part of their own, and in the scratch's ledger."""
        noted = [LoggedSetting(name, value) for name, value in settings.items()]
        await self._append(noted)
        await to_thread.run_sync(self._scratch.lay, noted)

    async def bring(self, files: Mapping[str, Path], parts: Mapping[tuple[int, int], Path]) -> None:
        """Copy files and parts out of the store; raises StoreError for a file of another size than the log says."""
        for name, target in files.items():
            await self._bring_file(name, target)
        for (row, part), target in parts.items():
            places = await to_thread.run_sync(self._scratch.places, row, part)
            await fetch_part(self._objects, places, target)

    async def ship(self, staged: Staged) -> None:
        """Make a commit count, in the order above; raises Fenced after another run has taken the archive over."""
        if self._lease.lost:  # saves the requests; the log would say the same in step 3
            raise Fenced(self._lease.lost)
        sent = await self._send([file for file in staged.files if not file.disposable])
        places = await self._send_lines(staged)
        # The ledger has the views already: the scratch recorded them before the commit was shipped.
        moved: list[Entry] = [*sent, *places, *map(LoggedRemoval, staged.gone)]
        await self._append([*staged.views, *moved])
        await to_thread.run_sync(self._scratch.lay, moved)
        local = {file.name: file.content for file in staged.files}
        for stored in sent:
            if stored.staged:
                await self._publish(stored, local[stored.name])
        for file in staged.files:
            if file.disposable:
                await self._show(file)
        await self._remove(staged.gone)
        if self._log.number - self._checkpoint >= EVERY:
            await self._write_checkpoint()

    async def finish(self, files: Mapping[str, Path]) -> None:
        """End the run's log, where an overtaken run is stopped, then write the files made from the ledger."""
        await self._append([], "end")
        for name, file in files.items():
            await write_signed(self._objects, name, file, self._log.epoch)
        if self._log.number - self._checkpoint >= _WORTH_A_CHECKPOINT:
            await self._write_checkpoint()
        await self._sweep()

    async def close(self) -> None:
        """Give the lease back; safe to call whatever went before."""
        await self._lease.release()

    # --- opening

    async def _restore(self) -> None:
        restoring = Restoring(self._objects, self._folder, self._scratch)
        await restoring.restore(self._log)
        while (late := await self._log.fence(self._lease.epoch)) is not None:
            await restoring.lay(late)
        self._checkpoint, self.ended = restoring.checkpoint, restoring.ended
        # Behind the fence alone: before it, the run that owes these steps may still be at them.
        for stored in await to_thread.run_sync(self._scratch.unpublished):
            await self._publish_again(stored)
        await self._remove(restoring.removed)

    async def _publish_again(self, stored: LoggedObject) -> None:
        """Finish step 4 of a commit whose run died there: the bytes lie staged, and perhaps in their place already."""
        found = await self._objects.head(stored.name)
        if found is not None and found.metadata.get("sha256") == stored.sha256:
            await self._lay_published(stored, found.tag)
            return
        copy = self._scratch.temporary / "staged"
        await fetch_file(self._objects, stored.staged, copy)
        await self._publish(stored, copy)
        await to_thread.run_sync(copy.unlink)

    # --- steps of a commit

    async def _send(self, files: Sequence[StagedFile]) -> list[LoggedObject]:
        """Step 1, 16 files at once; a file with the bytes of its log entry is not sent again."""
        known = await to_thread.run_sync(self._known, files)
        return await together(
            [
                (file.size, partial(self._send_one, index, file, stored))
                for index, (file, stored) in enumerate(zip(files, known, strict=True))
            ]
        )

    def _known(self, files: Sequence[StagedFile]) -> list[LoggedObject | None]:
        return [self._scratch.stored(file.name) for file in files]

    async def _send_one(self, index: int, file: StagedFile, stored: LoggedObject | None) -> LoggedObject:
        if stored is not None and stored.sha256 == file.sha256:
            return stored
        epoch = self._log.epoch
        before = stored.tag if stored else None
        if before is None:
            put = await self._objects.claim(file.name, file.content, epoch, file.sha256)
            if isinstance(put, Tag):
                return file.logged(put)
            before = put.tag
        # An earlier run's object, which never counted, is replaced no sooner than one that does: two runs that both
        # looked at it could otherwise write over each other.
        staged = f"{self._folder}/staged/{self._log.number + 1:012d}-{epoch}-{index}"
        await self._objects.write(staged, file.content, epoch)
        return file.logged(before, staged)

    async def _send_lines(self, staged: Staged) -> list[LoggedPart]:
        """Step 2; memory holds one blob."""
        places: list[LoggedPart] = []
        unsent = blobs(self._folder, self._log.number + 1, self._log.epoch, staged.grown)
        while (blob := await to_thread.run_sync(next, unsent, None)) is not None:
            await self._objects.write(blob.name, blob.content, self._log.epoch)
            places += blob.places
        return places

    async def _append(self, entries: Sequence[Entry], kind: str = "commit") -> None:
        """Step 3, preceded by the new tags of files published since the last part."""
        await self._log.append(itertools.chain(self._owed, entries), kind)
        self._owed.clear()

    async def _publish(self, stored: LoggedObject, content: bytes | Path) -> None:
        """Step 4 for one file."""
        tag = await self._objects.write(stored.name, content, self._log.epoch, stored.tag)
        await self._lay_published(stored, tag)

    async def _show(self, file: StagedFile) -> None:
        """Step 4 for a copy: an overtaken run, stopped in step 3, shows nothing of a commit that never counted."""
        before = await to_thread.run_sync(self._scratch.stored, file.name)
        tag = await self._objects.write(file.name, file.content, self._log.epoch, before.tag if before else None)
        await self._lay_published(file.logged(tag), tag)

    async def _lay_published(self, stored: LoggedObject, tag: Tag) -> None:
        published = LoggedObject(stored.name, stored.size, stored.sha256, tag.etag, tag.version)
        await to_thread.run_sync(self._scratch.lay, [published])
        self._owed.append(published)

    async def _bring_file(self, name: str, target: Path) -> None:
        await fetch_file(self._objects, name, target)
        stored = await to_thread.run_sync(self._scratch.stored, name)
        size = (await anyio.Path(target).stat()).st_size
        if stored is None or stored.size != size:
            found = await self._objects.head(name)
            if found is not None:
                self._objects.require_earlier(name, found, self._log.epoch)
            raise StoreError(
                f"{self._objects.location}/{name} is not what the log says; "
                f"`replay-fetch verify {self._objects.location}` tells more"
            )

    async def _remove(self, names: Iterable[str]) -> None:
        """Step 4 for files that the archive no longer has."""
        await together([(0, partial(self._objects.remove, name, self._log.epoch)) for name in names])

    # --- what may be lost

    async def _write_checkpoint(self) -> None:
        """Keep the ledger as of the last log part; between two commits it holds exactly the log's facts."""
        copy = self._scratch.temporary / "checkpoint.sqlite"
        await to_thread.run_sync(self._scratch.snapshot, copy)
        await write_checkpoint(self._objects, self._folder, self._log.number, self._log.epoch, copy)
        await to_thread.run_sync(copy.unlink)
        self._checkpoint = self._log.number
        await self._sweep()

    async def _sweep(self) -> None:
        # A later run read the same log, so of blobs up to our epoch it needs no more than we do.
        needed = await to_thread.run_sync(self._scratch.blobs)
        needed |= {stored.staged for stored in await to_thread.run_sync(self._scratch.unpublished)}
        await sweep(self._objects, self._folder, needed, self._log.epoch)
