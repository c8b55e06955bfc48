"""Segments in the order of their indexes, each once, whatever the order in which they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replay_fetch.api import facts

# Held at once while one in front of them may still come: as much as leaves room for the page below 200 MB.
_HELD = 32 * 10**6


class Order:
    """The segments of one view as they are to be played; counts what came again."""

    def __init__(self, segments: Iterable[bytes]) -> None:
        self.repeated = 0
        self._segments = segments
        self._held: dict[int, bytes] = {}
        self._size = 0
        self._next = 0

    def __iter__(self) -> Iterator[bytes]:
        """Each segment when its turn has come; one without an index at once."""
        for segment in self._segments:
            index = facts(segment).index
            if index is None:
                yield segment
                continue
            if index < self._next or index in self._held:
                self.repeated += 1
                continue
            self._held[index] = segment
            self._size += len(segment)
            yield from self._whose_turn_it_is()
            while self._size > _HELD:
                self._next = min(self._held)
                yield from self._whose_turn_it_is()
        for index in sorted(self._held):
            yield self._held.pop(index)

    def _whose_turn_it_is(self) -> Iterator[bytes]:
        while (segment := self._held.pop(self._next, None)) is not None:
            self._size -= len(segment)
            self._next += 1
            yield segment
