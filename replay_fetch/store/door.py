"""The door to obstore: each request of a `Driver`, and the library's errors sorted into our four kinds.

No other module imports the library. A store of obstore's shows credentials in its `config` and when it is pickled, and
not in errors or its `repr`. So `ObstoreDriver`, which holds one, refuses to be pickled.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import AzureStore, GCSStore, S3Store

from replay_fetch.errors import SettingsError
from replay_fetch.store.driver import Absent, Found, Listed, Tag, Taken
from replay_fetch.store.failures import Fault, Refusal, judge
from replay_fetch.store.location import Location, plain_http_allowed

if TYPE_CHECKING:
    from obstore import Attributes, GetOptions, ObjectMeta, PutResult, UpdateVersion
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config

_Answer = TypeVar("_Answer")

# Left alone, obstore gives up after 1.2 s of 503s, which S3 sends for minutes while it splits a busy prefix.
# It must end well before 5 minutes, when signatures are too old; the loop in `objects` goes on and tells the log.
_RETRIES: RetryConfig = {
    "max_retries": 10**6,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2},
}
_TIMEOUT = timedelta(seconds=60)  # of one request: 64 MiB at 1.1 MB/s
_CHUNK = 16 * 2**20  # of a multipart upload: S3 takes 10,000 of them, so files up to 160 GB
_CHUNKS_AT_ONCE = 2  # of one upload, since obstore holds them in memory
_BEHIND_THE_END = {"InvalidRange", "416"}  # said by the store to a range that begins there
_PAGE = 1_000  # objects in one answer to LIST, which is the most that S3 gives


def connected(location: Location) -> ObstoreDriver:
    """A driver for the bucket, its names being relative to the prefix; asks nothing yet.

    The library reads credentials, region and endpoint from the environment. Raises SettingsError where these cannot
    be used, without showing them.
    """
    allow_http = plain_http_allowed(location.scheme, os.environ)
    client: ClientConfig = {"allow_http": allow_http, "timeout": _TIMEOUT, "connect_timeout": timedelta(seconds=10)}
    prefix = location.prefix or None
    store: ObjectStore
    try:
        if location.scheme == "s3":
            # With a checksum the store itself refuses a body that was damaged on its way; without one it would keep the
            # damage.
            checked: S3Config = {} if "AWS_CHECKSUM_ALGORITHM" in os.environ else {"checksum_algorithm": "SHA256"}
            store = S3Store(
                location.bucket, prefix=prefix, client_options=client, retry_config=_RETRIES, config=checked
            )
        elif location.scheme == "gs":
            store = GCSStore(location.bucket, prefix=prefix, client_options=client, retry_config=_RETRIES)
        else:
            store = AzureStore(location.bucket, prefix=prefix, client_options=client, retry_config=_RETRIES)
        return ObstoreDriver(store)
    except (BaseError, ValueError):  # its words may hold a key that is not one
        pass
    raise SettingsError(f"{location}: the environment's settings for this store cannot be used; see its variables")


class ObstoreDriver:
    """Requests over a store of obstore's. The store holds credentials: never shown, never pickled."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def __repr__(self) -> str:
        return "<ObstoreDriver>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a connection to a store holds credentials and is not pickled: send its address")

    async def put(self, name: str, body: bytes, condition: Tag | None, metadata: Mapping[str, str]) -> Tag:
        """Write an object in one request, on a condition: where nothing is, or in place of the version ``condition``.

        Raises Taken where the condition does not hold, and Absent where the object of that version is gone.
        """
        request = obstore.put_async(
            self._store, name, body, mode=_mode(condition), attributes=_attributes(metadata), use_multipart=False
        )
        return _tag(await _answer(request))

    async def upload(self, name: str, file: Path, metadata: Mapping[str, str]) -> Tag:
        """Write a large file in parts of 16 MiB."""
        request = obstore.put_async(
            self._store,
            name,
            file,
            attributes=_attributes(metadata),
            use_multipart=True,
            chunk_size=_CHUNK,
            max_concurrency=_CHUNKS_AT_ONCE,
        )
        return _tag(await _answer(request))

    async def get(self, name: str, start: int, length: int | None) -> tuple[bytes, Found]:
        """Read bytes of an object from ``start``; ``length`` None reads to its end. Raises Absent for no object."""
        options: GetOptions = {}
        if length is not None:
            options = {"range": (start, start + length)}
        elif start:
            options = {"range": {"offset": start}}
        try:
            got = await _answer(obstore.get_async(self._store, name, options=options))
        except Refusal as refusal:
            # The object is shorter than its reader was told, which is the reader's to judge.
            if refusal.code not in _BEHIND_THE_END:
                raise
            return b"", await self.head(name)
        body = bytes(await _answer(got.bytes_async()))
        return body, _found(got.meta, got.attributes)

    async def head(self, name: str) -> Found:
        """Ask for an object's version, size and metadata, which obstore's own ``head`` leaves out."""
        got = await _answer(obstore.get_async(self._store, name, options={"head": True}))
        return _found(got.meta, got.attributes)

    async def list(self, prefix: str, after: str | None) -> AsyncIterator[Listed]:
        """Name the objects below a folder."""
        chunks = obstore.list(self._store, prefix, offset=after, chunk_size=_PAGE)
        while True:
            try:
                chunk = await _answer(anext(chunks))
            except StopAsyncIteration:
                return
            for meta in chunk:
                yield Listed(meta["path"], _versioned(meta["e_tag"], meta["version"]), meta["size"])

    async def delete(self, name: str) -> None:
        """Remove an object; Azure, unlike S3, calls a missing object an error."""
        try:
            await _answer(obstore.delete_async(self._store, name))
        except Absent:
            return


async def _answer(request: Awaitable[_Answer]) -> _Answer:
    """The request's answer, or our exception in place of the library's.

    Raised behind the except blocks: inside, the library's text would go along into a traceback as the context.
    """
    failure: Exception
    try:
        return await request
    except (AlreadyExistsError, PreconditionError):
        failure = Taken()
    except (BaseError, FileNotFoundError) as error:
        verdict = judge(str(error))
        absent = isinstance(error, FileNotFoundError) and not (verdict.refusal and verdict.refusal.of_bucket)
        failure = Absent() if absent else verdict.refusal or Fault(verdict.words)
    raise failure


def _mode(condition: Tag | None) -> UpdateVersion | Literal["create"]:
    """The library's word for a condition. In it a None is a TypeError, though the library's answers have Nones."""
    mode: UpdateVersion = {}
    if condition is None:
        return "create"
    if condition.etag is not None:
        mode["e_tag"] = condition.etag
    if condition.version is not None:
        mode["version"] = condition.version
    return mode


def _attributes(metadata: Mapping[str, str]) -> Attributes:
    return dict(metadata)


def _tag(put: PutResult) -> Tag:
    return _versioned(put["e_tag"], put["version"])


def _versioned(etag: str | None, version: str | None) -> Tag:
    """Bring a version into the one form in which equal versions compare equal, whatever answer named them.

    Azure's listings name an etag without the quotes of its other answers. S3 calls the version of an object in a bucket
    without versions ``null`` in some answers and leaves it out of others.
    """
    quoted = etag if etag is None or etag.endswith('"') else f'"{etag}"'
    return Tag(quoted, None if version == "null" else version)


def _found(meta: ObjectMeta, attributes: Attributes) -> Found:
    """Version, size and metadata, with names in lower case, since a proxy may write headers in any case."""
    return Found(
        _versioned(meta["e_tag"], meta["version"]), meta["size"], {k.lower(): v for k, v in attributes.items()}
    )
