"""Settings: frozen, grouped by who reads them, checked once when they are made.

Times are seconds, rates requests a second, sizes bytes. A value that cannot be used raises
SettingsError naming the flag. Keys stay out of every ``repr``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from replay_fetch.errors import SettingsError

# The vendor's sites. Another name is refused: it gets both keys, and may be a stranger's. --base-url is the way to
# a new one.
SITES = (
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "datadoghq.eu",
    "ddog-gov.com",
    "us2.ddog-gov.com",
)


class SourceChoice(StrEnum):
    """Which store to ask; ``auto`` asks the recent one, then the long-term one."""

    AUTO = "auto"
    EVENT_PLATFORM = "event_platform"
    BLOB = "blob"


class Compression(StrEnum):
    """How session files are compressed; one view is one gzip member or zstd frame."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def suffix(self) -> str:
        """What a session file's name ends in behind ``.ndjson``."""
        return {"none": "", "gzip": ".gz", "zstd": ".zst"}[self.value]


class ProgressStyle(StrEnum):
    """How a run shows itself on stderr; ``auto`` is a bar on a terminal, else log lines."""

    AUTO = "auto"
    BAR = "bar"
    LOG = "log"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Two keys or one bearer token; never part of a ``repr``, a log or a URL."""

    api_key: str = field(default="", repr=False)
    app_key: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name, secret in (
            ("DD_API_KEY", self.api_key),
            ("DD_APP_KEY", self.app_key),
            ("DD_BEARER_TOKEN", self.bearer_token),
        ):
            if not (secret.isascii() and secret.isprintable()) or " " in secret:
                raise SettingsError(f"{name} holds a space, a line break or a character that no key has; set it again")
        if not self.bearer_token and not (self.api_key and self.app_key):
            missing = [n for n, s in (("DD_API_KEY", self.api_key), ("DD_APP_KEY", self.app_key)) if not s]
            raise SettingsError(
                f"no keys: {' and '.join(missing)} not set; export DD_API_KEY and DD_APP_KEY "
                "(or DD_BEARER_TOKEN), or name a file that has them with --env-file",
            )


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Where the API is and what its query parameters and shape overrides are."""

    site: str = "datadoghq.com"
    base_url: str = ""
    """Replaces ``https://api.{site}``; plain http only to loopback."""
    source: SourceChoice = SourceChoice.AUTO
    ts_ms: int | None = None
    max_list_size: int | None = None
    segments_path: str = ""
    """Dotted path to the list of segments, overriding the rules; ``.`` is the whole body."""
    next_path: str = ""
    """Dotted path to the next paging token, overriding the rules; ``none`` says that nothing but them finds one."""
    max_page_bytes: int = 256 * 2**20
    """A page that inflates past this is refused rather than held in memory."""

    def __post_init__(self) -> None:
        if not self.base_url:
            _check_site(self.site)
        _check_base_url(self.origin)
        _require(self.ts_ms is None or self.ts_ms >= 0, "--ts is milliseconds since 1970, not negative")
        _require(self.max_list_size is None or self.max_list_size > 0, "--max-list-size must be at least 1 byte")

    @property
    def origin(self) -> str:
        """Scheme and host (and port) that every request goes to, without a trailing slash."""
        return (self.base_url or f"https://api.{self.site.lower()}").rstrip("/")


# Less would not make the process smaller: what it takes beside its pages is about 60 MB.
_LEAST_MEMORY = 96 * 10**6


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """How pages are asked for: concurrency, ceilings, patience."""

    workers: int = 32
    max_rate: float | None = None
    """Requests a second that are never exceeded; None leaves it to the API's own limit."""
    retries: int = 8
    """How often one page is asked for again after its first attempt; 429s do not count."""
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    """Seconds without a byte after which a request counts as stalled."""
    give_up_after: float = 1800.0
    """Seconds of nothing but faults before the run stops; waiting for a rate limit is none."""
    ca_file: Path | None = None
    """PEM bundle to trust beside the system's."""
    memory_limit: int = 256 * 10**6
    """Bytes that the process is to stay below: large pages wait for room before they are read."""
    max_pages: int = 10_000
    """Pages of one view after which its chain counts as cut: 4 h at 12 segments a minute are 2,880."""

    def __post_init__(self) -> None:
        _require(1 <= self.workers <= 1024, "--workers must be from 1 to 1024")  # noqa: PLR2004 - said in the message
        _require(
            self.max_rate is None or 0 < self.max_rate < float("inf"), "--max-rate must be above 0 requests a second"
        )
        _require(self.memory_limit >= _LEAST_MEMORY, f"--memory-limit must be at least {_LEAST_MEMORY // 10**6}MB")
        _require(self.retries >= 0, "--retries must be 0 or more")
        for flag, seconds in (
            ("--connect-timeout", self.connect_timeout),
            ("--read-timeout", self.read_timeout),
            ("--give-up-after", self.give_up_after),
        ):
            _require(0 < seconds < float("inf"), f"{flag} must be above 0 seconds")


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """How the list is read."""

    session_column: str = ""
    view_column: str = ""
    max_views: int | None = None
    refresh_window: float | None = None
    """Seconds: finished views whose recording ended less than this ago are asked for again; None asks for none."""

    def __post_init__(self) -> None:
        window = self.refresh_window
        _require(window is None or 0 < window < float("inf"), "--refresh-window must be above 0")
        _require(self.max_views is None or self.max_views > 0, "--max-views must be at least 1")


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """What the archive keeps and how."""

    compress: Compression | None = None
    """None takes what the archive was made with, ``none`` for a new one."""
    keep_raw: bool = False


@dataclass(frozen=True, slots=True)
class ShowSettings:
    """What is shown and logged, and where; the library heeds ``metrics_file`` alone."""

    progress: ProgressStyle = ProgressStyle.AUTO
    log_json: bool = False
    log_file: Path | None = None
    metrics_file: Path | None = None
    """Rewritten every ten seconds as OpenMetrics text."""
    verbosity: int = 0
    """-1 warnings and errors only, 0 normal, 1 what the pacer and the retries do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run reads, except the keys; a `Client` reads ``api`` and ``fetch``."""

    api: ApiSettings = field(default_factory=ApiSettings)
    fetch: FetchSettings = field(default_factory=FetchSettings)
    plan: PlanSettings = field(default_factory=PlanSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    show: ShowSettings = field(default_factory=ShowSettings)


def is_loopback(host: str) -> bool:
    """True where ``host`` names this machine, so that plain http exposes no key."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_site(site: str) -> None:
    """Refuse a name that is not one of the vendor's: browsers show others, and a mistyped one gets the keys."""
    name = site.lower()
    if name in SITES:
        return
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    meant = [known for known in SITES if name.endswith(f".{known}")] or get_close_matches(name, SITES, n=1)
    advice = f"did you mean {meant[-1]}?" if meant else f"there are {', '.join(SITES)};"
    raise SettingsError(
        f"--site {site!r} is none of Datadog's, and would get the keys: {advice} --base-url names another server"
    )


def _check_base_url(origin: str) -> None:
    try:
        url = urlsplit(origin)
        _ = url.port
        (url.hostname or "").encode("idna")  # as the resolver will
    except ValueError:
        raise SettingsError(f"--base-url {origin!r} is not a URL") from None
    _require(url.scheme in ("https", "http") and bool(url.hostname), f"--base-url {origin!r} needs https:// and a host")
    _require(url.username is None and url.password is None, "--base-url must not hold a user name or password")
    _require(not (url.path or url.query or url.fragment), f"--base-url {origin!r} must be scheme, host and port only")
    _require(
        url.scheme == "https" or is_loopback(url.hostname or ""),
        f"--base-url {origin!r} would send the keys in the clear; plain http is only for loopback",
    )


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - an assertion that raises our own error
    if not holds:
        raise SettingsError(message)
