"""A store in memory whose answers get lost: obstore's own, asked without threads, so that virtual time is exact."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import MemoryStore

from replay_fetch.store.driver import Absent, Found, Listed, Tag, Taken
from replay_fetch.store.failures import Fault
from replay_fetch.store.location import Location
from replay_fetch.store.objects import Objects

if TYPE_CHECKING:
    from obstore import Attributes, PutMode

PLACE = Location("s3", "bucket", "season")
_Answer = TypeVar("_Answer")


class Fate(Enum):
    """What becomes of one request."""

    DONE = "done"
    NOT_DONE = "a fault, and nothing was done"
    UNHEARD = "a fault, though it was done"
    CONFLICT = "said to be taken, and nothing was done"
    DIES_BEFORE = "the machine dies before it"
    DIES_AFTER = "the machine dies behind it"


class MachineDied(BaseException):
    """As SIGKILL: no handler of the run may see it, so it is no Exception."""


class MemoryDriver:
    """One machine's requests to a shared store, each of which has the next fate; done where none is left."""

    def __init__(self, store: MemoryStore, fates: Iterable[Fate] = ()) -> None:
        self.store = store
        self.fates = deque(fates)
        self.asked: list[tuple[str, str]] = []

    async def fate(self, verb: str, name: str) -> Fate:
        self.asked.append((verb, name))
        return self.fates.popleft() if self.fates else Fate.DONE

    async def put(self, name: str, body: bytes, condition: Tag | None, metadata: Mapping[str, str]) -> Tag:
        def do() -> Tag:
            attributes: Attributes = dict(metadata)
            mode: PutMode = {"e_tag": condition.etag} if condition and condition.etag else "create"
            put = obstore.put(self.store, name, body, mode=mode, attributes=attributes, use_multipart=False)
            return Tag(put["e_tag"])

        return _end(await self.fate("PUT", name), do)

    async def upload(self, name: str, file: Path, metadata: Mapping[str, str]) -> Tag:
        def do() -> Tag:
            attributes: Attributes = dict(metadata)
            put = obstore.put(self.store, name, file.read_bytes(), attributes=attributes, use_multipart=False)
            return Tag(put["e_tag"])

        return _end(await self.fate("UPLOAD", name), do)

    async def get(self, name: str, start: int, length: int | None) -> tuple[bytes, Found]:
        def do() -> tuple[bytes, Found]:
            got = obstore.get(self.store, name)
            body = bytes(got.bytes())[start:]
            return body if length is None else body[:length], self._found(name)

        return _end(await self.fate("GET", name), do)

    async def head(self, name: str) -> Found:
        return _end(await self.fate("HEAD", name), lambda: self._found(name))

    async def list(self, prefix: str, after: str | None) -> AsyncIterator[Listed]:
        for meta in _end(
            await self.fate("LIST", prefix), lambda: obstore.list(self.store, prefix, offset=after).collect()
        ):
            yield Listed(meta["path"], Tag(meta["e_tag"]), meta["size"])

    async def delete(self, name: str) -> None:
        _end(await self.fate("DELETE", name), lambda: obstore.delete(self.store, [name]))

    def _found(self, name: str) -> Found:
        got = obstore.get(self.store, name, options={"head": True})
        return Found(Tag(got.meta["e_tag"]), got.meta["size"], dict(got.attributes))


def _end(fate: Fate, do: Callable[[], _Answer]) -> _Answer:
    """The answer to a request, or what its fate makes of it."""
    if fate is Fate.DIES_BEFORE:
        raise MachineDied
    if fate is Fate.NOT_DONE:
        raise Fault("status 503")
    if fate is Fate.CONFLICT:
        raise Taken
    try:
        answer = do()
    except (AlreadyExistsError, PreconditionError):
        raise Taken from None
    except FileNotFoundError:
        raise Absent from None
    if fate is Fate.DIES_AFTER:
        raise MachineDied
    if fate is Fate.UNHEARD:
        raise Fault("status 503")
    return answer


def names(store: MemoryStore, folder: str = "") -> list[str]:
    return [meta["path"] for meta in obstore.list(store, folder or None).collect()]


def body(store: MemoryStore, name: str) -> bytes:
    return bytes(obstore.get(store, name).bytes())


def objects(store: MemoryStore, fates: Iterable[Fate] = (), *, give_up_after: float = 600) -> Objects:
    return Objects(MemoryDriver(store, fates), PLACE, give_up_after=give_up_after)


async def at_once(call: Callable[..., object], *args: object, **_: object) -> object:
    """In place of anyio's ``run_sync``: without threads, the order of everything is the test's."""
    return call(*args)
