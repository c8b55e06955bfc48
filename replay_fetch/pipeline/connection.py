"""The connection to the API as a run uses it: paced, authenticated, and its large pages within bounds of memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from replay_fetch.api.endpoint import Endpoint, auth_headers
from replay_fetch.api.page import PageDecoder
from replay_fetch.api.redact import SecretRedactor
from replay_fetch.fetch.credentials import CredentialCheck
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.memory import Memory, for_pages
from replay_fetch.pacing import Pacer
from replay_fetch.progress.stats import RunStats
from replay_fetch.settings import Credentials, Settings
from replay_fetch.transport import open_transport


@asynccontextmanager
async def connected(
    settings: Settings, credentials: Credentials, pacer: Pacer, stats: RunStats, keys: CredentialCheck | None = None
) -> AsyncIterator[Fetcher]:
    """Open a fetcher; leaving the context closes the connections.

    ``keys`` is the caller's own check of the credentials, if any: with another judgement of 403s, or another
    permission to name. Raises SettingsError or TrustError where no connection can be set up.
    """
    api, fetch = settings.api, settings.fetch
    # The rest of the memory for pages is the writer's, for those that wait for the disk.
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
            redactor=SecretRedactor(credentials),
            keeps_answers=settings.archive.keep_raw,
            memory=Memory(on_their_way),
        )
