"""The bound on what pages take in memory, from the moment one begins to arrive until it is written."""

from __future__ import annotations

import anyio

WHILE_READ = 3
"""How often a page lies in memory while it is read: as it came, with its surrogates in disguise, and in segments."""
# What a run takes beside its pages: the interpreter, the libraries, 32 connections, the ledger's cache.
_BESIDE = 64 * 10**6
_LEAST = 16 * 10**6


class Memory:
    """Bytes that may be held at once; whoever wants more waits in line for those who hold some.

    A single page may be larger than all there is: it is let in alone.
    """

    def __init__(self, limit: int) -> None:
        self.held = 0
        self._limit = limit
        self._waiting = 0
        self._line = anyio.Lock()
        self._given_back = anyio.Event()

    async def take(self, size: int) -> None:
        """Hold ``size`` bytes more, when there is room; in the order of asking, so that nothing large is passed by."""
        if self._waiting or self._lacks(size):
            await self._wait(size)
        else:
            self.held += size

    def change(self, by: int) -> None:
        """Hold so many bytes more, without waiting, or less."""
        self.held += by
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
    """One worker's part of the memory: that of the page it is busy with."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.size = 0

    async def take(self, size: int) -> None:
        """Wait for room for ``size`` bytes; what was held before is given back first."""
        self.let_go()
        await self._memory.take(size)
        self.size = size

    def change(self, size: int) -> None:
        """Hold ``size`` bytes from now on, without waiting."""
        self._memory.change(size - self.size)
        self.size = size

    def is_read(self) -> None:
        """The page is read: of what it took, its segments are left."""
        if self.size:
            self.change(self.size // WHILE_READ)

    def let_go(self) -> None:
        """Nobody refers to the page any more."""
        if self.size:
            self.change(0)


def for_pages(limit: int) -> tuple[int, int]:
    """Bytes for pages on their way and for pages that wait to be written, in a process of ``limit`` bytes.

    What waits lies in memory twice while it is written, as segments and as lines; a good third of all is
    left to what the allocator cannot use again at once.
    """
    free = max(_LEAST, limit - _BESIDE)
    return free * 2 // 5, free // 12
