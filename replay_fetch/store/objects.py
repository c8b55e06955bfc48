"""Objects of an archive: written on a condition, read in pieces, tried again until the store is given up.

Each object carries two words of metadata: ``epoch``, the number of the run that wrote it, and ``sha256`` of its bytes.
By the second a run recognises its own write after a lost answer, without reading the bytes back.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from replay_fetch.store.driver import Absent, Driver, Found, Listed, Tag, Taken
from replay_fetch.store.failures import Fault, Fenced, StoreError
from replay_fetch.store.location import Location
from replay_fetch.store.retries import MANY, Faults, Retries, waits

# A conditional write is one request with the body in memory. A larger file goes up in parts, which no store but S3
# can finish on a condition: it is written behind a look at the epoch of what lies there.
LARGEST_PUT = 64 * 2**20
PIECE = 8 * 2**20  # bytes of one read: seconds on a slow line, and what a reader holds
_EPOCH, _SHA256 = "epoch", "sha256"


class Objects:
    """The objects below one location, for a run that gives the store up after ``give_up_after`` seconds of faults."""

    def __init__(self, driver: Driver, location: Location, *, give_up_after: float) -> None:
        self.location = location
        self._driver = driver
        self.retries = Retries(location, give_up_after)

    def __repr__(self) -> str:
        return f"<Objects {self.location}, {self.requests.total()} requests>"

    @property
    def requests(self) -> Counter[str]:
        """How many requests were sent, by verb; those that obstore repeats by itself count once."""
        return self.retries.requests

    async def create(self, name: str, body: bytes, epoch: int, sha256: str = "") -> Tag | Found:
        """Write an object where nothing is; returns its tag, or what another run has put there.

        Our own write whose answer was lost is found there and is ours. "Taken" while nothing is there is S3's 409 for
        two creates at once: neither has landed, so it is tried again.
        """
        metadata = _metadata(body, epoch, sha256)
        for wait in waits():
            try:
                return await self.retries.ask("PUT", lambda: self._driver.put(name, body, None, metadata))
            except Taken:
                # Three things look the same: another run's object, our own from a try before, and a 409. Only a look
                # at the object tells, and obstore repeats requests by itself, so our own is the common case.
                found = await self.head(name)
            if found is not None:
                return found.tag if await self._holds(name, found, metadata) else found
            await anyio.sleep(wait)
        raise StoreError(f"{self.location}/{name} is said to be taken and is not there; is the bucket set up twice?")

    async def replace(self, name: str, body: bytes, epoch: int, tag: Tag) -> Tag | Found | None:
        """Write an object in place of its version ``tag``; returns the new tag.

        Else returns what lies there now, or None where the object is gone. "Taken" while the version is still there is
        S3's 409 for two writes at once, so it is tried again.
        """
        metadata = _metadata(body, epoch)
        for wait in waits():
            try:
                return await self.retries.ask("PUT", lambda: self._driver.put(name, body, tag, metadata))
            except (Taken, Absent):
                found = await self.head(name)
            if found is None or found.tag != tag:
                break
            await anyio.sleep(wait)
        return found.tag if found is not None and await self._holds(name, found, metadata) else found

    async def claim(self, name: str, content: bytes | Path, epoch: int, sha256: str = "") -> Tag | Found:
        """Write an object where nothing is, or adopt equal bytes; returns the tag, or an earlier run's object.

        Raises Fenced where a later run's object lies. The content is bytes or a file; a file of at most 64 MiB is
        read whole. ``sha256`` is the content's where the caller knows it: a session is hashed often enough.
        """
        body = await _body(content)
        if body is None:
            put = await self._upload_unless_there(name, Path(str(content)), epoch)
        else:
            put = await self.create(name, body, epoch, sha256)
        if isinstance(put, Found):
            self.require_earlier(name, put, epoch)
        return put

    async def write(self, name: str, content: bytes | Path, epoch: int, known: Tag | None = None) -> Tag:
        """Write an object in place of its version ``known``, or of an earlier run's object; returns its tag.

        Equal bytes are adopted. Raises Fenced for a later run's object. The content is as in `claim`.
        """
        body = await _body(content)
        for _ in range(MANY):
            put: Tag | Found | None
            if known is None:
                put = await self.claim(name, content if body is None else body, epoch)
            elif body is None:
                return await self._upload(name, Path(str(content)), epoch)
            else:
                put = await self.replace(name, body, epoch, known)
            if isinstance(put, Tag):
                return put
            if put is not None:
                self.require_earlier(name, put, epoch)
            known = put.tag if put else None
        raise StoreError(f"{self.location}/{name} changes again and again: something else writes into this archive")

    async def get(self, name: str) -> tuple[bytes, Found] | None:
        """All bytes of a small object, and its tag, size and metadata; None for a missing object."""
        try:
            return await self.retries.ask("GET", lambda: self._driver.get(name, 0, None))
        except Absent:
            return None

    async def range(self, name: str, start: int, length: int) -> bytes:
        """Exactly ``length`` bytes of an object; raises StoreError for a shorter or missing object."""
        try:
            body, _ = await self.retries.ask("GET", lambda: self._driver.get(name, start, length))
        except Absent:
            body = b""
        if len(body) != length:
            raise StoreError(f"{self.location}/{name} lacks bytes that the log names; something has removed them")
        return body

    async def part(self, name: str, start: int, length: int) -> tuple[bytes, Found] | None:
        """Up to ``length`` bytes of an object, fewer at its end, and its tag and size; None for a missing object."""
        try:
            return await self.retries.ask("GET", lambda: self._driver.get(name, start, length))
        except Absent:
            return None

    async def pieces(self, name: str) -> AsyncIterator[bytes]:
        """The bytes of an object in pieces of 8 MiB, all of the same version; raises StoreError at a change."""
        start, seen = 0, None
        while seen is None or start < seen.size:
            request = partial(self._driver.get, name, start, PIECE)
            try:
                body, found = await self.retries.ask("GET", request)
            except Absent:
                raise StoreError(f"{self.location}/{name} is not there, though the log names it") from None
            # A piece of another version would make a file that never was.
            if not body or found.tag != (seen or found).tag:
                raise StoreError(f"{self.location}/{name} changed while it was read; run the same command again")
            seen = found
            start += len(body)
            yield body

    async def head(self, name: str) -> Found | None:
        """An object's tag, size and metadata, without its bytes; None for a missing object."""
        try:
            return await self.retries.ask("HEAD", lambda: self._driver.head(name))
        except Absent:
            return None

    async def list(self, folder: str, after: str | None = None) -> AsyncIterator[Listed]:
        """The objects below a folder, in the order of their names, from behind ``after``."""
        faults = Faults(self.retries)
        while True:
            try:
                async for listed in self.retries.listing(self._driver.list(folder, after)):
                    after = listed.name
                    faults.over()
                    yield listed
            except Fault as fault:
                words = str(fault)
            else:
                return
            await faults.wait(words)  # then the listing goes on behind the last name

    async def remove(self, name: str, epoch: int) -> None:
        """Remove an object unless a later run wrote it; a missing object is no error."""
        found = await self.head(name)
        if found is not None and _epoch(found) <= epoch:
            await self.delete(name)

    async def delete(self, name: str) -> None:
        """Remove an object of the run's own; a missing object is no error."""
        await self.retries.ask("DELETE", lambda: self._driver.delete(name))

    def require_earlier(self, name: str, found: Found, epoch: int) -> None:
        """Raise Fenced where an object was written by a later run than ``epoch``: that run has the archive now."""
        if _epoch(found) > epoch:
            raise Fenced(
                f"{self.location}/{name} was written by a later run, which has taken this archive over; "
                "this run stops, and the archive is as the later run wants it"
            )

    async def _upload_unless_there(self, name: str, file: Path, epoch: int) -> Tag | Found:
        found = await self.head(name)
        if found is None:
            return await self._upload(name, file, epoch)
        return found.tag if found.metadata.get(_SHA256) == await to_thread.run_sync(_file_sha256, file) else found

    async def _upload(self, name: str, file: Path, epoch: int) -> Tag:
        """Write a file of more than 64 MiB without a condition, behind a look at what lies there.

        Between the two another run may have written; the log part that follows tells which of them counts.
        """
        metadata = {_EPOCH: str(epoch), _SHA256: await to_thread.run_sync(_file_sha256, file)}
        found = await self.head(name)
        if found is not None:
            self.require_earlier(name, found, epoch)
        return await self.retries.ask("PUT", lambda: self._driver.upload(name, file, metadata))

    async def _holds(self, name: str, found: Found, metadata: Mapping[str, str]) -> bool:
        """Whether an object has our bytes; read where a copy with another program has lost its metadata."""
        sha256 = found.metadata.get(_SHA256)
        if sha256 is None:
            got = await self.get(name)
            sha256 = hashlib.sha256(got[0] if got else b"").hexdigest()
        return sha256 == metadata[_SHA256]


def _epoch(found: Found) -> int:
    """The run that wrote an object; 0 where a copy with another program has lost it."""
    said = found.metadata.get(_EPOCH, "")
    return int(said) if said.isdigit() else 0


async def _body(content: bytes | Path) -> bytes | None:
    """The bytes to write in one request; None for a file that is too large for one."""
    if isinstance(content, bytes):
        return content
    return await to_thread.run_sync(_small, content)


def _small(file: Path) -> bytes | None:
    """Read a file small enough for one request; the size first, since a read of 64 MiB makes room for all."""
    with file.open("rb", buffering=0) as opened:
        return opened.readall() if os.fstat(opened.fileno()).st_size <= LARGEST_PUT else None


def _metadata(body: bytes, epoch: int, sha256: str = "") -> dict[str, str]:
    return {_EPOCH: str(epoch), _SHA256: sha256 or hashlib.sha256(body).hexdigest()}


def _file_sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
