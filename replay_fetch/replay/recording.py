"""The recording of one view, read once from the front."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from replay_fetch.replay.account import Account

CHUNK_BYTES = 1_000_000
CHUNK_MS = 60_000


class Event(NamedTuple):
    """One rrweb event; in order of time, which never goes back."""

    at_ms: int
    json: bytes
    """ASCII: the same records give the same bytes."""


class Chunk(NamedTuple):
    """A stretch that plays on its own: it begins with a checkpoint."""

    start_ms: int
    end_ms: int
    events: tuple[Event, ...]


class Recording:
    """One view's recording; ``events``, ``chunks`` or ``page_at`` reads it to its end, once."""

    def __init__(self, segments: Iterable[bytes]) -> None:
        self.account = Account()
        self._segments = segments

    def events(self) -> Iterator[Event]:
        """The rrweb events of the whole view: 4 (meta), 2 (full snapshot), 3 (incremental), 5 (custom)."""
        raise NotImplementedError

    def chunks(self, size: int = CHUNK_BYTES, ms: int = CHUNK_MS) -> Iterator[Chunk]:
        """The same cut into stretches of about ``size`` bytes or ``ms`` of time, each with a checkpoint in front.

        A checkpoint is events of our own: 4 (the window as it is), 2 (the page as it is), then adopted sheets (3,
        source 15), rules inserted (8), form values (5). The first chunk begins with the view's own snapshot.
        """
        raise NotImplementedError

    def page_at(self, at_ms: int) -> str:
        """The page as it stood, as static HTML without scripts or references outwards; empty where there is none."""
        raise NotImplementedError
