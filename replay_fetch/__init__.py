"""Bulk download of Datadog RUM Session Replay recordings: resumable, rate-limited, byte-exact.

::

    from replay_fetch import Client, download

    async with Client() as client:                      # keys and site from the environment
        async for segment in client.segments(session_id, view_id):
            ...                                         # segment.raw: the exact JSON bytes

    report = await download("views.csv", "archive/")    # the command, as a coroutine
"""

from importlib import import_module
from typing import TYPE_CHECKING

from replay_fetch.errors import (
    ArchiveError,
    AuthError,
    BadBody,
    ChainCut,
    Forbidden,
    GaveUp,
    InputError,
    NotFound,
    OutageError,
    ReplayFetchError,
    RequestError,
    SettingsError,
    TrustError,
)
from replay_fetch.model import Outcome, Segment, Source, View
from replay_fetch.settings import (
    ApiSettings,
    ArchiveSettings,
    Compression,
    Credentials,
    FetchSettings,
    PlanSettings,
    Settings,
    SourceChoice,
)

if TYPE_CHECKING:
    from replay_fetch.archive import Report
    from replay_fetch.client import Client, download

# Loaded when first used: they bring the HTTP library along, which `replay-fetch --help` does not need.
_LAZY = {"Client": "replay_fetch.client", "Report": "replay_fetch.archive", "download": "replay_fetch.client"}

__all__ = [
    "ApiSettings",
    "ArchiveError",
    "ArchiveSettings",
    "AuthError",
    "BadBody",
    "ChainCut",
    "Client",
    "Compression",
    "Credentials",
    "FetchSettings",
    "Forbidden",
    "GaveUp",
    "InputError",
    "NotFound",
    "OutageError",
    "Outcome",
    "PlanSettings",
    "ReplayFetchError",
    "Report",
    "RequestError",
    "Segment",
    "Settings",
    "SettingsError",
    "Source",
    "SourceChoice",
    "TrustError",
    "View",
    "download",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
