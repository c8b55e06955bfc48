"""An archive kept in a store: opening it for one run, and making commits count.

The order of a commit, in which a machine may die between any two requests:

1. session files are created; a file that the log knows is written beside the old object, under ``staged/``; 2. new
lines of unfinished views go into one blob; 3. the next log part is created: from here on the commit has happened, and
no other run can undo it; 4. staged files take the place of the old objects, copies are shown, and superseded objects
are removed.

An object named by the log therefore changes only after the log says so. Written over in step 1, the former bytes would
be lost to a commit that may never happen, while the manifest still names them.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from anyio import to_thread

from replay_fetch.store.checkpoint import EVERY, remove_checkpoints, sweep, write_checkpoint
from replay_fetch.store.driver import Tag
from replay_fetch.store.entries import Entry, LoggedList, LoggedObject, LoggedRemoval
from replay_fetch.store.erasing import Cleansing
from replay_fetch.store.failures import Fenced
from replay_fetch.store.lease import Lease, Progress
from replay_fetch.store.lists import fetch_file, keep_list, list_name
from replay_fetch.store.log import Log
from replay_fetch.store.moving import Moving
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, KeepTerms, agree, check_conditional_writes
from replay_fetch.store.restoring import Restoring
from replay_fetch.store.scratch import Rows, Scratch, Staged, StagedFile
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
        self._moving = Moving(objects, scratch, terms.folder)
        self._lease = Lease(objects, terms.folder, wait=terms.wait_for_lock)
        self._log = Log(objects, terms.folder, self._lease.holder)
        self.ended = False
        """The run before ours, if any, came to its end; known behind `open`."""
        self._checkpoint = 0  # the log part that the newest checkpoint is as of
        self._opened = 0  # the log part that opened this run
        self._owed: list[Entry] = []  # published since the last log part, which the next one says

    def __repr__(self) -> str:
        return f"<StoreKeep {self._objects.location}, {self._lease!r}, {self._log!r}>"

    async def open(self) -> None:
        """Take the lease, restore the scratch, and fence every earlier run.

        Raises LeaseHeld, SettingsError for a store without conditional writes or another archive than is meant, and
        StoreError for a damaged one.
        """
        # Ahead of the lease, which is a conditional write itself: in a store that ignores conditions two runs would
        # both have it.
        await check_conditional_writes(self._objects, self._folder)
        await agree(self._objects, FOLDER, self._terms.facts)
        await self._lease.take()
        await self.beside(self._restore, dict)

    @property
    def untouched(self) -> bool:
        """True where this run has added its opening to the log of earlier runs, and nothing else."""
        return 1 < self._opened == self._log.number

    async def beside(self, work: Callable[[], Awaitable[_Value]], progress: Progress) -> _Value:
        """Do the work while the lease beats and tells of the progress; raises Fenced after a takeover."""
        return await beside(partial(self._lease.beat, progress), work)

    async def keep_list(self, number: int, fingerprint: str, packed: Path, rows: Rows) -> None:
        """Write a list, packed by `packing`, and name it in a log part of its own; the ledger has loaded it by then."""
        name = await keep_list(self._objects, list_name(self._folder, number), self._log.epoch, packed)
        await self._log.append([LoggedList(number, name, fingerprint, *rows)], "list")

    async def note(self, facts: Sequence[Entry]) -> None:
        """Keep facts that come with no file in a log part of their own, and in the scratch's ledger."""
        await self._append(facts)
        await to_thread.run_sync(self._scratch.lay, facts)

    async def bring(self, files: Mapping[str, Path], parts: Mapping[tuple[int, int], Path]) -> None:
        """Copy files and parts out of the store; raises StoreError for a file of another size than the log says."""
        await self._moving.bring(files, parts, self._log.epoch)

    async def ship(self, staged: Staged) -> None:
        """Make a commit count, in the order above; raises Fenced after another run has taken the archive over."""
        if self._lease.lost:  # saves the requests; the log would say the same in step 3
            raise Fenced(self._lease.lost)
        # Steps 1 and 2. A machine that dies in them leaves objects that no log part names: a later run adopts them,
        # writes over them, or sweeps them away.
        number, epoch = self._log.number + 1, self._log.epoch
        sent = await self._moving.send([file for file in staged.files if not file.disposable], number, epoch)
        places = await self._moving.send_lines(staged.grown, number, epoch)
        # The ledger has the views already: the scratch recorded them before the commit was shipped.
        moved: list[Entry] = [*sent, *places, *map(LoggedRemoval, staged.gone)]
        # Step 3, in a single part: no resume finds a view finished whose lines have no place.
        await self._append([*staged.views, *staged.events, *moved])
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

    async def erase(self, facts: Sequence[Entry], report: StagedFile) -> None:
        """Erase sessions at the instant of a log part, in which ``facts`` has their tombstones; `cleanse` comes next.

        The erasure's report waits beside its name until then: it must not tell of what never happened.
        """
        staged = await self._moving.stage(report, self._log.number + 1, self._log.epoch)
        await self._append([*facts, staged], "erase")
        await to_thread.run_sync(self._scratch.lay, [*facts, staged])
        await self._publish(staged, report.file)

    async def cleanse(
        self,
        is_erased: Callable[[str], bool],
        forget: Callable[[bytes], bytes | None],
        files: Mapping[str, Path | None],
    ) -> None:
        """Remove what is left of erased sessions from all objects; may be repeated on another machine.

        ``forget`` takes their ids out of a run's report. ``files`` are the manifests as of the erasure; these come
        first, so readers never look for a file that is gone.
        """
        await self._write_of_run(files)
        cleansing = Cleansing(self._objects, self._folder, self._scratch, self._log.epoch, is_erased)
        for step in (cleansing.files, cleansing.lines, partial(cleansing.reports, forget), cleansing.log):
            await step()
        await cleansing.lists()
        # The ledger has forgotten them; older checkpoints have not.
        await self._write_checkpoint()
        await remove_checkpoints(self._objects, self._folder, self._checkpoint)

    async def finish(self, files: Mapping[str, Path | None]) -> None:
        """End the run's log, where an overtaken run is stopped, then write the files made from the ledger.

        Files of no further use, those with None, are removed.
        """
        # Ahead of the files, so that an overtaken run writes no manifest.
        await self._append([], "end")
        await self._write_of_run(files)
        if self._log.number - self._checkpoint >= _WORTH_A_CHECKPOINT:
            await self._write_checkpoint()
        await self._sweep()

    async def close(self) -> None:
        """Give the lease back, so the next run need not wait for its end; safe to call whatever went before."""
        await self._lease.release()

    async def _write_of_run(self, files: Mapping[str, Path | None]) -> None:
        """Write the files that every run makes anew, and remove those that are no more."""
        for name, file in files.items():
            if file is None:
                await self._objects.remove(name, self._log.epoch)
            else:
                await write_signed(self._objects, name, file, self._log.epoch)

    # --- opening

    async def _restore(self) -> None:
        restoring = Restoring(self._objects, self._folder, self._scratch)
        await restoring.restore(self._log)
        while (late := await self._log.fence(self._lease.epoch)) is not None:
            await restoring.lay(late)
        self._checkpoint, self.ended, self._opened = restoring.checkpoint, restoring.ended, self._log.number
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

    async def _append(self, entries: Sequence[Entry], kind: str = "commit") -> None:
        """Step 3, preceded by the new tags of files published since the last part."""
        await self._log.append(itertools.chain(self._owed, entries), kind)
        self._owed.clear()

    async def _publish(self, stored: LoggedObject, content: bytes | Path) -> None:
        """Step 4 for one file."""
        known = stored.tag if stored.tag != Tag(None) else None  # nothing was under its name before
        await self._lay_published(stored, await self._objects.write(stored.name, content, self._log.epoch, known))

    async def _show(self, file: StagedFile) -> None:
        """Step 4 for a copy: an overtaken run, stopped in step 3, shows nothing of a commit that never counted."""
        before = await to_thread.run_sync(self._scratch.stored, file.name)
        tag = await self._objects.write(file.name, file.content, self._log.epoch, before.tag if before else None)
        await self._lay_published(file.logged(tag), tag)

    async def _lay_published(self, stored: LoggedObject, tag: Tag) -> None:
        published = LoggedObject(stored.name, stored.size, stored.sha256, tag.etag, tag.version)
        await to_thread.run_sync(self._scratch.lay, [published])
        self._owed.append(published)

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
