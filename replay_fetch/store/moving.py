"""Files and lines on their way between a scratch and a store: steps 1 and 2 of a commit, and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from replay_fetch.printable import as_argument
from replay_fetch.store.driver import Tag
from replay_fetch.store.entries import LoggedObject, LoggedPart
from replay_fetch.store.failures import StoreError
from replay_fetch.store.lists import fetch_file
from replay_fetch.store.objects import Objects
from replay_fetch.store.parts import GrownPart, blobs, fetch_part
from replay_fetch.store.scratch import Scratch, StagedFile
from replay_fetch.store.together import together


class Moving:
    """Moves bytes for the log part to come, ``number`` of the run ``epoch``; nothing of it counts before that part."""

    def __init__(self, objects: Objects, scratch: Scratch, folder: str) -> None:
        self._objects = objects
        self._scratch = scratch
        self._folder = folder

    async def send(self, files: Sequence[StagedFile], number: int, epoch: int) -> list[LoggedObject]:
        """Send files, 16 at once, and return their entries; a file with the bytes of its log entry is not sent again.

        A new file is created under its name. A file that the log knows waits beside the old object, under ``staged/``.
        """
        known = await to_thread.run_sync(self._known, files)
        return await together(
            [
                (file.size, partial(self._send_one, file, stored, f"{number:012d}-{epoch}-{index}", epoch))
                for index, (file, stored) in enumerate(zip(files, known, strict=True))
            ]
        )

    async def stage(self, file: StagedFile, number: int, epoch: int) -> LoggedObject:
        """Send a file that must not be seen before its log part, though no earlier version of it is there."""
        staged = f"{self._folder}/staged/{number:012d}-{epoch}-0"
        await self._objects.write(staged, file.content, epoch)
        return file.logged(Tag(None), staged)

    async def send_lines(self, grown: Iterable[GrownPart], number: int, epoch: int) -> list[LoggedPart]:
        """Send lines of unfinished views in blobs, and return their places; memory holds one blob."""
        places: list[LoggedPart] = []
        unsent = blobs(self._folder, number, epoch, grown)
        while (blob := await to_thread.run_sync(next, unsent, None)) is not None:
            await self._objects.write(blob.name, blob.content, epoch)
            places += blob.places
        return places

    async def bring(self, files: Mapping[str, Path], parts: Mapping[tuple[int, int], Path], epoch: int) -> None:
        """Copy files and parts out of the store.

        Raises StoreError for a file of another size than the log says, Fenced where a later run has written it.
        """
        for name, target in files.items():
            await self._bring_file(name, target, epoch)
        for (row, part), target in parts.items():
            places = await to_thread.run_sync(self._scratch.places, row, part)
            await fetch_part(self._objects, places, target)

    def _known(self, files: Sequence[StagedFile]) -> list[LoggedObject | None]:
        return [self._scratch.stored(file.name) for file in files]

    async def _send_one(self, file: StagedFile, stored: LoggedObject | None, stem: str, epoch: int) -> LoggedObject:
        if stored is not None and stored.sha256 == file.sha256:
            return stored
        before = stored.tag if stored else None
        if before is None:
            put = await self._objects.claim(file.name, file.content, epoch, file.sha256)
            if isinstance(put, Tag):
                return file.logged(put)
            before = put.tag
        # An earlier run's object, which never counted, is replaced no sooner than one that does: two runs that both
        # looked at it could otherwise write over each other.
        staged = f"{self._folder}/staged/{stem}"
        await self._objects.write(staged, file.content, epoch)
        return file.logged(before, staged)

    async def _bring_file(self, name: str, target: Path, epoch: int) -> None:
        await fetch_file(self._objects, name, target)
        stored = await to_thread.run_sync(self._scratch.stored, name)
        size = (await anyio.Path(target).stat()).st_size
        if stored is None or stored.size != size:
            found = await self._objects.head(name)
            if found is not None:
                self._objects.require_earlier(name, found, epoch)
            raise StoreError(
                f"{self._objects.location}/{name} is not what the log says; "
                f"`replay-fetch verify {as_argument(self._objects.location)}` tells more"
            )
