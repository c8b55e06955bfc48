"""The driver of a store: what one request asks, what it answers, and the four ways in which it fails.

`door` is the driver over obstore. A test puts one of its own in that place, which loses answers or dies between
two requests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol


class Tag(NamedTuple):
    """What one version of an object is known by: its etag and, on GCS and versioned buckets, its number."""

    etag: str | None
    version: str | None = None


class Found(NamedTuple):
    """An object as the store tells of it, without its bytes; ``size`` is in bytes."""

    tag: Tag
    size: int
    metadata: Mapping[str, str]


class Listed(NamedTuple):
    """An object in a listing: its name below the prefix, its version and its size in bytes."""

    name: str
    tag: Tag
    size: int


class Absent(Exception):
    """There is no object of that name, in a bucket that is there."""


class Taken(Exception):
    """A condition did not hold, by the store's word; a lost answer to our own write looks the same."""


class Driver(Protocol):
    """One request each. Raises Absent, Taken, `Fault` for what may pass, `Refusal` for what will not."""

    async def put(self, name: str, body: bytes, condition: Tag | None, metadata: Mapping[str, str]) -> Tag:
        """Write an object in one request: where ``condition`` is its version, or where nothing is for None."""

    async def upload(self, name: str, file: Path, metadata: Mapping[str, str]) -> Tag:
        """Write a large file in several requests, in place of what lies there; it appears whole or not at all."""

    async def get(self, name: str, start: int, length: int | None) -> tuple[bytes, Found]:
        """Read bytes of an object, all behind ``start`` for None; fewer where the object ends before."""

    async def head(self, name: str) -> Found:
        """Ask for what an object is, without its bytes."""

    def list(self, prefix: str, after: str | None) -> AsyncIterator[Listed]:
        """Name the objects below a folder, in the order of their names, from behind ``after``."""

    async def delete(self, name: str) -> None:
        """Remove an object; one that is not there is no error."""
