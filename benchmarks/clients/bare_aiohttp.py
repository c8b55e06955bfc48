"""Bare aiohttp, as lean as it goes: GET, read, forget. It knows the tokens and parses nothing; ``--uvloop``."""

from __future__ import annotations

import asyncio
import sys

import aiohttp
from yarl import URL

from benchmarks.clients.common import KEYS, in_parallel, url, work
from benchmarks.mix import PAGES_OF_VIEW
from benchmarks.server import PAGES


async def main() -> None:
    todo = work()
    mixed = "--mix" in sys.argv
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=todo.workers),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60),
        headers={**KEYS, "Accept": "application/json", "Accept-Encoding": "gzip"},
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as http:

        async def fetch(session_id: str, view_id: str) -> None:
            first = url(todo.base_url, session_id, view_id)
            for page in range(1, (PAGES_OF_VIEW[view_id[-1]] if mixed else PAGES) + 1):
                paging = "" if page == 1 else f"&paging=p{page}"
                async with http.get(URL(first + paging, encoded=True)) as response:
                    await response.read()
                    if response.status != 200:
                        sys.exit(f"status {response.status}")

        await in_parallel(todo, fetch)


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
