"""The API as a run asks it: connected, paced, and its large pages within bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from replay_fetch.api import Endpoint, PageDecoder, SecretRedactor, auth_headers
from replay_fetch.fetch import CredentialCheck, Fetcher
from replay_fetch.memory import Memory, for_pages
from replay_fetch.pacing import Pacer
from replay_fetch.progress import RunStats
from replay_fetch.settings import Credentials, Settings
from replay_fetch.transport import open_transport


@asynccontextmanager
async def connected(
    settings: Settings, credentials: Credentials, pacer: Pacer, stats: RunStats, keys: CredentialCheck | None = None
) -> AsyncIterator[Fetcher]:
    """Everything that it takes to ask; the connections are closed on leaving."""
    api, fetch = settings.api, settings.fetch
    on_their_way, _ = for_pages(fetch.memory_limit)
    async with open_transport(api, fetch, auth_headers(credentials)) as transport:
        yield Fetcher(
            transport,
            pacer,
            Endpoint(api),
            PageDecoder(api),
            stats,
            fetch.retries,
            keys or CredentialCheck(),
            echoes=SecretRedactor(credentials),
            keeps_answers=settings.archive.keep_raw,
            memory=Memory(on_their_way),
        )
