"""The vendor's async client, told to hand the body over (it drops it otherwise), ``json``, one file a session."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from datadog_api_client import AsyncApiClient, Configuration
from datadog_api_client.v2.api.rum_replay_sessions_api import RumReplaySessionsApi

from benchmarks.clients.common import in_parallel, work


async def main() -> None:
    todo = work()
    configuration = Configuration(host=todo.base_url, preload_content=False)
    configuration.api_key = {"apiKeyAuth": "benchmark", "appKeyAuth": "benchmark"}
    async with AsyncApiClient(configuration) as client:
        api = RumReplaySessionsApi(client)

        async def fetch(session_id: str, view_id: str) -> None:
            lines: list[str] = []
            more: dict[str, str] = {}
            while True:
                # Typed as None and not async; with the async client and preload_content off it awaits the answer.
                request: Any = api.get_segments
                response = await request(view_id, session_id, source="event_platform", **more)
                page = json.loads(await response.content())
                for segment in page["segments"]:
                    line = {"session_id": session_id, "view_id": view_id, "segment": segment}
                    lines.append(json.dumps(line) + "\n")
                token = page["paging"]["next"]
                if not token:
                    break
                more = {"paging": token}
            with open(todo.out / f"{session_id}.ndjson", "w") as file:  # noqa: ASYNC230, PTH123 - as one does
                file.writelines(lines)

        await in_parallel(todo, fetch)


if __name__ == "__main__":
    asyncio.run(main())
