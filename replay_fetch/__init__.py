"""Bulk download of Datadog RUM Session Replay recordings: resumable, rate-limited, byte-exact.

::

    from replay_fetch import Client, download

    async with Client() as client:                      # keys and site from the environment
        async for segment in client.segments(session_id, view_id):
            ...                                         # segment.raw: the exact JSON bytes

    report = await download("views.csv", "archive/")    # the command, as a coroutine

Every error is a ReplayFetchError. A RequestError is about one view, the next one may be had: NotFound,
Forbidden, Rejected, TokenRefused, BadBody, ChainCut, or GaveUp, whose ``__cause__`` is a RetryableError
(ServerError, TransportError or GarbledBody). AuthError, TrustError, ProxyRefused and OutageError
would meet every view; ArchiveError, InputError and SettingsError are about what is at hand here.
``replay_fetch.errors`` shows the tree.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from replay_fetch.errors import (
    ArchiveError,
    AuthError,
    BadBody,
    ChainCut,
    Forbidden,
    GarbledBody,
    GaveUp,
    InputError,
    NotFound,
    OutageError,
    ProxyRefused,
    Rejected,
    ReplayFetchError,
    RequestError,
    RetryableError,
    ServerError,
    SettingsError,
    TokenRefused,
    TransportError,
    TrustError,
)
from replay_fetch.model import Noted, Outcome, Response, Segment, Source, View

if TYPE_CHECKING:
    from replay_fetch.archive.report import Report
    from replay_fetch.client import Client, download
    from replay_fetch.pipeline.stopping import Stop
    from replay_fetch.settings import (
        ApiSettings,
        ArchiveSettings,
        Compression,
        Credentials,
        FetchSettings,
        PlanSettings,
        ProgressStyle,
        Settings,
        ShowSettings,
        SourceChoice,
    )
    from replay_fetch.tasks import ExportTask, Shard, Verified, VerifyTask, export_tasks, merge, shards, verify_tasks

# Loaded when first used: `replay-fetch --help` needs neither the HTTP library, which the first four bring along, nor
# the settings, whose classes take 5 ms to make.
_LAZY = {
    "Client": "replay_fetch.client",
    "Report": "replay_fetch.archive.report",
    "Stop": "replay_fetch.pipeline.stopping",
    "download": "replay_fetch.client",
    "ExportTask": "replay_fetch.tasks",
    "Shard": "replay_fetch.tasks",
    "Verified": "replay_fetch.tasks",
    "VerifyTask": "replay_fetch.tasks",
    "export_tasks": "replay_fetch.tasks",
    "merge": "replay_fetch.tasks",
    "shards": "replay_fetch.tasks",
    "verify_tasks": "replay_fetch.tasks",
    "ApiSettings": "replay_fetch.settings",
    "ArchiveSettings": "replay_fetch.settings",
    "Compression": "replay_fetch.settings",
    "Credentials": "replay_fetch.settings",
    "FetchSettings": "replay_fetch.settings",
    "PlanSettings": "replay_fetch.settings",
    "ProgressStyle": "replay_fetch.settings",
    "Settings": "replay_fetch.settings",
    "ShowSettings": "replay_fetch.settings",
    "SourceChoice": "replay_fetch.settings",
}

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
    "ExportTask",
    "FetchSettings",
    "Forbidden",
    "GarbledBody",
    "GaveUp",
    "InputError",
    "NotFound",
    "Noted",
    "OutageError",
    "Outcome",
    "PlanSettings",
    "ProgressStyle",
    "ProxyRefused",
    "Rejected",
    "ReplayFetchError",
    "Report",
    "RequestError",
    "Response",
    "RetryableError",
    "Segment",
    "ServerError",
    "Settings",
    "SettingsError",
    "Shard",
    "ShowSettings",
    "Source",
    "SourceChoice",
    "Stop",
    "TokenRefused",
    "TransportError",
    "TrustError",
    "Verified",
    "VerifyTask",
    "View",
    "download",
    "export_tasks",
    "merge",
    "shards",
    "verify_tasks",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
