"""httpx, one AsyncClient; drops what comes. Tokens are known beforehand."""

from __future__ import annotations

import asyncio

import httpx

from benchmarks.clients.common import KEYS, in_parallel, url, work
from benchmarks.server import PAGES


async def main() -> None:
    todo = work()
    limits = httpx.Limits(max_connections=todo.workers)
    async with httpx.AsyncClient(headers=KEYS, limits=limits, timeout=60) as http:

        async def fetch(session_id: str, view_id: str) -> None:
            first = url(todo.base_url, session_id, view_id)
            for page in range(1, PAGES + 1):
                (await http.get(first if page == 1 else f"{first}&paging=p{page}")).raise_for_status()

        await in_parallel(todo, fetch)


if __name__ == "__main__":
    asyncio.run(main())
