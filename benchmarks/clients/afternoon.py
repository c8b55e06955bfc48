"""What one writes in an afternoon: ``resp.json()``, ``json.dumps``, ``open(…, "a")`` a page; no retry, no resume."""

from __future__ import annotations

import asyncio
import json

import aiohttp

from benchmarks.clients.common import KEYS, in_parallel, url, work


async def main() -> None:
    todo = work()
    async with aiohttp.ClientSession(headers=KEYS) as http:

        async def fetch(session_id: str, view_id: str) -> None:
            params: dict[str, str] = {}
            while True:
                async with http.get(url(todo.base_url, session_id, view_id), params=params) as resp:
                    resp.raise_for_status()
                    page = await resp.json()
                with open(todo.out / f"{session_id}.ndjson", "a") as file:  # noqa: ASYNC230, PTH123 - as one does
                    for segment in page["segments"]:
                        line = {"session_id": session_id, "view_id": view_id, "segment": segment}
                        file.write(json.dumps(line) + "\n")
                token = page["paging"]["next"]
                if not token:
                    return
                params = {"paging": token}

        await in_parallel(todo, fetch)


if __name__ == "__main__":
    asyncio.run(main())
