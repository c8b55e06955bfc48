"""The vendor's async client as it is meant to be called: it asks and drops the body. Tokens are known beforehand."""

from __future__ import annotations

import asyncio
from typing import Any

from datadog_api_client import AsyncApiClient, Configuration
from datadog_api_client.v2.api.rum_replay_sessions_api import RumReplaySessionsApi

from benchmarks.clients.common import in_parallel, work
from benchmarks.server import PAGES


async def main() -> None:
    todo = work()
    configuration = Configuration(host=todo.base_url, preload_content=False)
    configuration.api_key = {"apiKeyAuth": "benchmark", "appKeyAuth": "benchmark"}
    async with AsyncApiClient(configuration) as client:
        request: Any = RumReplaySessionsApi(client).get_segments

        async def fetch(session_id: str, view_id: str) -> None:
            for page in range(1, PAGES + 1):
                more = {} if page == 1 else {"paging": f"p{page}"}
                # Read all the same: an answer left unread would cost its connection.
                await (await request(view_id, session_id, source="event_platform", **more)).content()

        await in_parallel(todo, fetch)


if __name__ == "__main__":
    asyncio.run(main())
