"""The second half of an erasure in a store: removing what is left of sessions whose erasure the log has.

Every step may be repeated by another machine, since all of them go by what lies there and by the tombstones, which the
log keeps. The order counts: the log part that says "done" comes behind the last of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from replay_fetch.erased import session_in
from replay_fetch.store.entries import Entry, LoggedPart, session_of
from replay_fetch.store.lists import blank, fetch_file, packing, read_list
from replay_fetch.store.log import LogPart
from replay_fetch.store.objects import Objects
from replay_fetch.store.scratch import Scratch
from replay_fetch.store.together import AT_ONCE, together

_FOLDERS = ("sessions", "events", "raw")
_LISTED = 1_000  # names that are looked at together, as many as an answer has


class Cleansing:
    """Removes erased sessions from the objects of an archive, for the run ``epoch`` that holds it."""

    def __init__(
        self, objects: Objects, folder: str, scratch: Scratch, epoch: int, is_erased: Callable[[str], bool]
    ) -> None:
        self._objects = objects
        self._folder = folder
        self._scratch = scratch
        self._epoch = epoch
        self._is_erased = is_erased

    async def files(self) -> None:
        """Remove the files of erased sessions, also those that no log part names: a run may have died over them."""
        for folder in _FOLDERS:
            async for names in _together(self._names(folder), _LISTED):
                doomed = await to_thread.run_sync(self._doomed, names)
                await together([(0, partial(self._objects.remove, name, self._epoch)) for name in doomed])

    async def reports(self, forget: Callable[[bytes], bytes | None]) -> None:
        """Take erased ids out of the reports of runs; ``forget`` gives a report anew, None for one without any."""
        names = [name async for name in self._names("reports") if name.endswith(".json")]
        for name in ["report.json", *names]:
            await self._rewrite(name, forget)

    async def lines(self) -> None:
        """Blank the lines of erased views in blobs, which hold those of other views, too; places stay what they are."""
        needed = await to_thread.run_sync(self._scratch.blobs)
        async for listed in self._objects.list(f"{self._folder}/parts"):
            if listed.name in needed:
                places = await to_thread.run_sync(self._scratch.places_in, listed.name)
                # A blob of whose bytes each has a place holds nothing of an erased view, and need not be read.
                if sum(place.length for place in places) != listed.size:
                    await self._rewrite(listed.name, partial(_only, places))

    async def log(self) -> None:
        """Take the facts of erased sessions out of the log's parts, 16 at once; each keeps its name."""
        async for names in _together(self._names(f"{self._folder}/log"), AT_ONCE):
            requests = [(0, partial(self._rewrite, name, partial(self._without, name))) for name in names]
            await together(requests)

    async def lists(self) -> None:
        """Blank the rows of erased sessions in the lists, which keep the numbers of all others."""
        async for name in self._names(f"{self._folder}/lists"):
            found = await self._objects.head(name)
            if found is None:
                continue
            copy, anew = (self._scratch.temporary / file for file in ("list", "list-anew"))
            await fetch_file(self._objects, name, copy)
            changed = await to_thread.run_sync(self._blanked, copy, anew, name)
            if changed:
                await self._objects.write(name, anew, self._epoch, found.tag)
            for file in (copy, anew):
                await anyio.Path(file).unlink(missing_ok=True)

    def _doomed(self, names: list[str]) -> list[str]:
        return [name for name in names if (session := session_in(name)) and self._is_erased(session)]

    def _of_erased(self, entry: Entry) -> bool:
        session = session_of(entry)
        return bool(session) and self._is_erased(session)

    def _without(self, name: str, content: bytes) -> bytes | None:
        return LogPart(f"{self._objects.location}/{name}", content).without(self._of_erased)

    def _blanked(self, copy: Path, anew: Path, name: str) -> bool:
        """Write a list anew with blank rows for erased sessions; False where it has none of these."""
        place = f"{self._objects.location}/{name}"
        if not any(self._is_erased(view.session_id) for _, view, _, _ in read_list(copy, place)):
            return False
        rows = (blank(row) if self._is_erased(row[1].session_id) else row for row in read_list(copy, place))
        for _ in packing(rows, anew):
            pass
        return True

    async def _rewrite(self, name: str, anew: Callable[[bytes], bytes | None]) -> None:
        """Write a small object anew, where that makes a difference; raises Fenced where a later run has written it."""
        got = await self._objects.get(name)
        if got is None:
            return
        content, found = got
        changed = await to_thread.run_sync(anew, content)
        if changed is not None and changed != content:
            self._objects.require_earlier(name, found, self._epoch)
            await self._objects.write(name, changed, self._epoch, found.tag)

    async def _names(self, folder: str) -> AsyncIterator[str]:
        async for listed in self._objects.list(folder):
            yield listed.name


async def _together(names: AsyncIterator[str], at_once: int) -> AsyncIterator[list[str]]:
    batch: list[str] = []
    async for name in names:
        batch.append(name)
        if len(batch) == at_once:
            yield batch
            batch = []
    yield batch


def _only(places: Sequence[LoggedPart], content: bytes) -> bytes:
    """A blob in which all is blank but the lines at some places."""
    kept = bytearray(b" " * len(content))
    for place in places:
        kept[place.offset : place.offset + place.length] = content[place.offset : place.offset + place.length]
    return bytes(kept)
