"""The bound on the memory that pages take, from the first byte that arrives until the page is written."""

from __future__ import annotations

import anyio

WHILE_READ = 3
"""How often a page lies in memory while it is read: as it came, with its surrogates in disguise, and in segments."""
# Memory of a run beside its pages: the interpreter, the libraries, 32 connections, the ledger's cache.
_BESIDE = 64 * 10**6
_LEAST = 16 * 10**6


class Memory:
    """Bytes that may be held at once; further takers wait in line until holders give bytes back.

    A single page may be larger than the whole bound: such a page is let in alone.
    """

    def __init__(self, limit: int) -> None:
        self.held = 0
        self._limit = limit
        self._waiting = 0
        self._line = anyio.Lock()
        self._given_back = anyio.Event()

    async def take(self, size: int) -> None:
        """Hold ``size`` bytes more when there is room, in the order of asking, so no large page is passed by."""
        # Behind those who wait even where there is room: a stream of small pages would keep a large one out for ever.
        if self._waiting or self._lacks(size):
            await self._wait(size)
        else:
            self.held += size

    def change(self, by: int) -> None:
        """Hold ``by`` bytes more, without waiting, or fewer where ``by`` is negative."""
        self.held += by
        # Only where somebody waits: this runs twice a page.
        if by < 0 and self._waiting:
            self._given_back.set()
            self._given_back = anyio.Event()

    def _lacks(self, size: int) -> bool:
        return bool(self.held) and self.held + size > self._limit

    async def _wait(self, size: int) -> None:
        self._waiting += 1
        try:
            async with self._line:
                while self._lacks(size):
                    await self._given_back.wait()
                self.held += size
        finally:
            self._waiting -= 1


class Hold:
    """A worker's part of the memory: the bytes of the page in work."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.size = 0

    async def take(self, size: int) -> None:
        """Wait for room for ``size`` bytes; bytes held before are given back first."""
        self.let_go()
        await self._memory.take(size)
        self.size = size

    def change(self, size: int) -> None:
        """Hold ``size`` bytes from now on, without waiting."""
        self._memory.change(size - self.size)
        self.size = size

    def is_read(self) -> None:
        """Keep a third of the bytes: the page is read, and the segments are left."""
        if self.size:
            self.change(self.size // WHILE_READ)

    def let_go(self) -> None:
        """Give all bytes back: nobody refers to the page any more."""
        if self.size:
            self.change(0)


def for_pages(limit: int) -> tuple[int, int]:
    """Split a process of ``limit`` bytes: bytes for pages on the way, and for pages that wait to be written.

    A waiting page lies in memory twice while it is written, as segments and as lines. A good third of the limit is
    left for memory that the allocator cannot use again at once.
    """
    free = max(_LEAST, limit - _BESIDE)
    return free * 2 // 5, free // 12
