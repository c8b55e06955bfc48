"""The shelf of an archive in a store: files read by ranges, sizes and listings, without a lease and without a write."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from replay_fetch.blocks import whole_file
from replay_fetch.printable import printable
from replay_fetch.shard import ShardId
from replay_fetch.store.driver import Listed, Tag
from replay_fetch.store.lease import NAME, LeaseState, read_lease
from replay_fetch.store.lists import ListRow, fetch_file, read_list
from replay_fetch.store.location import Location
from replay_fetch.store.objects import Objects
from replay_fetch.store.opening import FOLDER, folder_of, objects_at, read_facts
from replay_fetch.store.requests import Requests
from replay_fetch.store.standing import MANIFEST, first_list, is_another, logged_files, run_ended
from replay_fetch.store.together import AT_ONCE

SESSIONS, REPORT = "sessions", "report.json"

GIVE_UP_AFTER = 60.0
"""Seconds of faults after which the store is dead to a reader; a person waits, unlike a run of days."""
# Of one request, and what each of 16 threads holds. Views are a few hundred kB, so most come in one piece.
_PIECE = 2 * 2**20
_LISTED_AT_ONCE = 1_000  # names handed over to the reader's thread together: as many as an answer has


class StoreShelf:
    """Reads an archive below a location; each request waits for a faulty store, for a minute at most.

    Raises StoreError where the store refuses, StoreDead where it stays faulty, and SettingsError where bucket, region
    or environment cannot be right.
    """

    layout = None
    """No folder of this machine."""
    at_once = AT_ONCE
    """An answer takes 20 to 100 ms, of which the reader needs a few for its work."""

    def __init__(self, location: Location, objects: Objects | None = None, shard: ShardId | None = None) -> None:
        """Prepare to read with ``objects``, else with the credentials of the environment; asks nothing yet.

        Of a ``shard`` its sessions, manifest and log alone are read. Raises SettingsError where the store extra is
        missing, or the environment's settings cannot be used.
        """
        self.location = location
        self.shard = shard
        self.manifest = shard.manifest if shard else MANIFEST
        self.report = shard.report if shard else REPORT
        self._folder = folder_of(shard)
        self._shards: Sequence[StoreShelf] | None = None
        self._objects = objects or objects_at(location, GIVE_UP_AFTER)
        self._requests = Requests()
        self._manifest: Path | None = None
        self._staged: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"<StoreShelf {self.location}>"

    def __reduce__(self) -> tuple[object, ...]:
        # Another process has credentials of its own, and none are sent to it.
        return _sent_shelf, (self.location, self.shard, self._manifest, dict(self._staged))

    def with_manifest(self, manifest: Path, staged: Mapping[str, str]) -> StoreShelf:
        """Return the shelf with another manifest than the store's, a file of this machine made from the log.

        ``staged`` says where the bytes of files lie that a run has not put in their place yet.
        """
        shelf = StoreShelf(self.location, self._objects, self.shard)
        shelf._manifest, shelf._staged = manifest, staged
        return shelf

    def shards(self) -> Sequence[StoreShelf]:
        """The shelves of the shards, by the archive's facts; empty before the first shard has read its list."""
        if self._shards is None:
            facts = None if self.shard else self._requests.ask(partial(read_facts, self._objects, FOLDER))
            shards = ShardId(0, facts.shards).siblings() if facts and facts.shards else []
            self._shards = [StoreShelf(self.location, self._objects, shard) for shard in shards]
        return self._shards

    @property
    def title(self) -> str:
        """The last part of the address."""
        return self.location.name or self.location.bucket

    def place(self, name: str = "") -> str:
        """The address of an object, or of the archive."""
        return f"{self.location}/{name}" if name else str(self.location)

    def is_file(self, name: str) -> bool:
        """Tell whether an object is there."""
        if name == self.manifest and self._manifest:
            return True
        return self._requests.ask(partial(self._objects.head, name)) is not None

    def is_folder(self, name: str) -> bool:
        """Tell whether an object's name begins with the folder's."""
        return self._requests.ask(partial(self._first, name))

    def size(self, name: str) -> int:
        """The bytes of an object, as one request for its head tells; raises FileNotFoundError where there is none."""
        found = self._requests.ask(partial(self._objects.head, self._staged.get(name, name)))
        if found is None:
            raise _missing()
        return found.size

    def blocks(self, name: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Read exactly ``length`` bytes from ``start``, or the whole object for None, in pieces of 2 MiB.

        Raises FileNotFoundError for a missing object, and OSError for an object that is shorter, or was written anew
        meanwhile.
        """
        if name == self.manifest and self._manifest:
            return whole_file(self._manifest)
        return self._pieces(name, start, length)

    def _pieces(self, name: str, start: int, length: int | None) -> Iterator[bytes]:
        seen: Tag | None = None
        while length is None or length > 0:
            wanted = _PIECE if length is None else min(length, _PIECE)
            got = self._requests.ask(partial(self._objects.part, self._staged.get(name, name), start, wanted))
            if got is None:
                raise _missing()
            body, found = got
            # A piece of another version would make a view that never was.
            if found.tag != (seen or found.tag):
                raise OSError(f"{self.place(name)} was written anew while it was read; try again")
            if length is not None and len(body) < wanted:
                raise OSError(f"{self.place(name)} is shorter than the manifest says")
            if body:
                yield body
            seen, start = found.tag, start + len(body)
            length = length - len(body) if length is not None else None
            if length is None and start >= found.size:
                return

    def files(self, folder: str) -> Iterator[Listed]:
        """List the objects below a folder, in the order of their names, a thousand a request."""
        after: str | None = None
        more = True
        while more:
            batch = self._requests.ask(partial(self._listed, folder, after))
            # A store's console leaves an empty object where somebody made a "folder".
            yield from (each for each in batch if each.name != folder and self._has(each.name))
            more = len(batch) == _LISTED_AT_ONCE
            after = batch[-1].name if batch else None

    def held_by(self) -> str | None:
        """Name the run with the archive's lease; a killed run holds the lease until another takes it over."""
        if shards := self.shards():
            return ", ".join(f"shard {each.shard}: {who}" for each in shards if (who := each.held_by())) or None
        state = self._lease()
        return None if state is None or state.released else f"{printable(state.holder, 200)}, unless it was killed"

    def progress(self) -> Mapping[str, object]:
        """The figures that the run at work wrote into its lease, at most 20 seconds old."""
        state = self._lease()
        return {} if state is None or state.released else state.progress

    def last_taken(self) -> int | None:
        """The number of the last run that took the lease."""
        if shards := self.shards():
            return sum(each.last_taken() or 0 for each in shards)
        state = self._lease()
        return state.epoch if state else None

    def run_ended(self) -> bool | None:
        """Tell whether the log ends with the end of a run; None for a copy without a log."""
        if shards := self.shards():
            ended = {shard.run_ended() for shard in shards} - {None}
            return False not in ended if ended else None
        return self._requests.ask(partial(run_ended, self._objects, self._folder, self.manifest))

    def changed(self) -> Iterator[str]:
        """Name the session files whose bytes are not those of the log; none for a copy without a log.

        Reads the log and no session file. Memory holds some 400 bytes a session.
        """
        logged = self._requests.ask(partial(logged_files, self._objects, self._folder))
        for listed in self.files(SESSIONS) if logged else ():
            known = logged.get(listed.name)
            if known is not None and self._requests.ask(partial(is_another, self._objects, listed, known)):
                yield listed.name

    def list_rows(self, copy: Path) -> Iterator[ListRow]:
        """Give the rows of the first list of the log, copied into a file; raises StoreError where there is none."""
        name = self._requests.ask(partial(first_list, self._objects, self._folder))
        self._requests.ask(partial(fetch_file, self._objects, name, copy))
        return read_list(copy, self.place(name))

    def holds(self, folder: Path) -> bool:  # noqa: ARG002 - a disk has an answer
        """A folder of this machine lies in no store."""
        return False

    def _lease(self) -> LeaseState | None:
        return self._requests.ask(partial(read_lease, self._objects, f"{self._folder}/{NAME}"))

    def abandon(self) -> None:
        """Cancel all requests under way, in whatever thread they are waited for, and refuse later ones."""
        self._requests.abandon()

    def _has(self, name: str) -> bool:
        folder, _, file = name.partition("/")
        return self.shard is None or folder != SESSIONS or self.shard.owns_file(file)

    async def _first(self, folder: str) -> bool:
        async for _ in self._objects.list(folder):
            return True
        return False

    async def _listed(self, folder: str, after: str | None) -> list[Listed]:
        batch: list[Listed] = []
        async for listed in self._objects.list(folder, after):
            batch.append(listed)
            if len(batch) == _LISTED_AT_ONCE:
                break
        return batch


def _sent_shelf(
    location: Location, shard: ShardId | None, manifest: Path | None, staged: Mapping[str, str]
) -> StoreShelf:
    shelf = StoreShelf(location, shard=shard)
    return shelf.with_manifest(manifest, staged) if manifest else shelf


def _missing() -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
