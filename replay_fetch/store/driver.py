"""Drivers of stores: single requests, their answers, and the four ways in which a request fails.

`door` has the driver over obstore. Tests have a driver of their own, which loses answers or dies between two requests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol


class Tag(NamedTuple):
    """Names a version of an object: by its etag and, on GCS and in versioned buckets, by its number."""

    etag: str | None
    version: str | None = None


class Found(NamedTuple):
    """An object without its bytes: version, size in bytes, and metadata with names in lower case."""

    tag: Tag
    size: int
    metadata: Mapping[str, str]


class Listed(NamedTuple):
    """An object in a listing: its name below the prefix, its version and its size in bytes."""

    name: str
    tag: Tag
    size: int


class Absent(Exception):
    """No object of the name exists, in a bucket that does: a plain answer, which is not tried again."""


class Taken(Exception):
    """A condition did not hold, says the store; after a lost answer to our own write it says the same."""


class Driver(Protocol):
    """Sends requests. Raises Absent, Taken, `Fault` for failures that may pass, `Refusal` for those that stay."""

    async def put(self, name: str, body: bytes, condition: Tag | None, metadata: Mapping[str, str]) -> Tag:
        """Write an object in a single request, in place of the version ``condition``; for None, where nothing is."""

    async def upload(self, name: str, file: Path, metadata: Mapping[str, str]) -> Tag:
        """Write a large file in several requests, over any object there; readers see it whole or not at all."""

    async def get(self, name: str, start: int, length: int | None) -> tuple[bytes, Found]:
        """Read ``length`` bytes from ``start``, all of the rest for None; fewer at the object's end."""

    async def head(self, name: str) -> Found:
        """Ask for an object's version, size in bytes and metadata, without its bytes, in one request; or Absent."""

    def list(self, prefix: str, after: str | None) -> AsyncIterator[Listed]:
        """Name the objects below a folder, in the order of their names, from behind ``after``."""

    async def delete(self, name: str) -> None:
        """Remove an object by name, in any version; a missing object is no error, so a delete may be repeated."""
