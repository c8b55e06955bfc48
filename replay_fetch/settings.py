"""Declare the settings of a run: frozen, grouped by their reader, checked once when they are made.

Times are seconds, rates requests a second, sizes bytes. A value that cannot be used raises a SettingsError that
names the flag. A field that an option sets declares the option, too. Keys stay out of every ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from replay_fetch.errors import SettingsError
from replay_fetch.option import AGE, FILE, LOG_FORMAT, NUMBER, SIZE, SWITCH, WHOLE, Form, one_of, option
from replay_fetch.shard import ShardId, read_shard
from replay_fetch.sites import SITES, check_base_url, check_site


class SourceChoice(StrEnum):
    """The store to ask for a view; ``auto`` asks the recent one, and the long-term one where that has nothing."""

    AUTO = "auto"
    EVENT_PLATFORM = "event_platform"
    BLOB = "blob"


class Compression(StrEnum):
    """The compression of session files: each view is one gzip member or zstd frame, readable without the others."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def suffix(self) -> str:
        """The end of a session file's name, behind ``.ndjson``."""
        return {"none": "", "gzip": ".gz", "zstd": ".zst"}[self.value]


class ProgressStyle(StrEnum):
    """The form of progress on stderr; ``auto`` is a bar on a terminal, else a log line every ten seconds."""

    AUTO = "auto"
    BAR = "bar"
    LOG = "log"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Two keys or one bearer token, checked for characters that would break a header.

    Neither may be part of a ``repr``, a log or a URL. Raises SettingsError where a key is missing or damaged;
    the message never quotes one.
    """

    api_key: str = field(default="", repr=False)
    app_key: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that no output, log or stored file may hold; an unset key is an empty text, which hides nothing."""
        return self.api_key, self.app_key, self.bearer_token

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
    """The server, the parameters of its questions, and the places of segments and token in its answers."""

    site: str = option("--site HOST", f"default: $DD_SITE, else {SITES[0]}; known: {', '.join(SITES)}", default="")
    """Empty: the one that the environment names, which is looked up where settings meet the environment."""
    base_url: str = option("--base-url URL", "in place of https://api.SITE", default="")
    """Plain http only to loopback."""
    source: SourceChoice = option(
        "--source", "store to read; auto: event_platform, else blob", one_of(SourceChoice), default=SourceChoice.AUTO
    )
    ts_ms: int | None = option("--ts MS", "server-side timestamp, passed on as it is", WHOLE, default=None)
    max_list_size: int | None = option(
        "--max-list-size BYTES", "largest list of segments in one page", WHOLE, default=None
    )
    segments_path: str = option("--segments-path A.B", "where the segments are in an answer", default="")
    """Dotted, overriding the rules; ``.`` is the whole body."""
    next_path: str = option(
        "--next-path A.B",
        "where the next page's token is; none: no other key holds a token, or a count or flag of the whole list",
        default="",
    )
    """Dotted, overriding the rules; ``none`` says that only the rules find a token, and no count is the list's."""
    max_page_bytes: int = 256 * 2**20
    """A page that inflates past this is refused rather than held in memory."""

    def __post_init__(self) -> None:
        if self.site and not self.base_url:
            check_site(self.site)
        check_base_url(self.origin)
        _require(self.ts_ms is None or self.ts_ms >= 0, "--ts is milliseconds since 1970, not negative")
        _require(self.max_list_size is None or self.max_list_size > 0, "--max-list-size must be at least 1 byte")

    @property
    def origin(self) -> str:
        """The scheme, host and port that every request goes to, without a trailing slash."""
        return (self.base_url or f"https://api.{(self.site or SITES[0]).lower()}").rstrip("/")


# Less would not make the process smaller: what it takes beside its pages is about 60 MB.
_LEAST_MEMORY = 96 * 10**6


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """The manner of asking: how many requests at once, how fast, how long to wait, and how large a page may be."""

    workers: int = option("--workers N", "most requests at once", WHOLE, default=32)
    max_rate: float | None = option("--max-rate R", "most requests a second; else the API's", NUMBER, default=None)
    retries: int = option("--retries N", "of one page", WHOLE, default=8)
    """Attempts after a page's first one; 429s do not count."""
    connect_timeout: float = option("--connect-timeout S", "seconds for a connection", NUMBER, default=10.0)
    read_timeout: float = option("--read-timeout S", "seconds without a byte, or at under 1 kB/s", NUMBER, default=60.0)
    give_up_after: float = option(
        "--give-up-after S", "seconds of nothing but faults, then the run stops", NUMBER, default=1800.0
    )
    """Waiting for a rate limit is no fault."""
    grace: float = option("--grace S", "seconds for requests in flight after Ctrl-C or SIGTERM", NUMBER, default=10.0)
    ca_file: Path | None = option("--ca-file FILE", "PEM bundle to trust beside the system's", FILE, default=None)
    memory_limit: int = option(
        "--memory-limit BYTES", "large pages wait rather than take more: 512MB, 1GB", SIZE, default=256 * 10**6
    )
    """Bytes that the process is to stay below."""
    max_pages: int = 10_000
    """Pages of one view after which its chain counts as cut: 4 h at 12 segments a minute are 2,880."""

    def __post_init__(self) -> None:
        _require(1 <= self.workers <= 1024, "--workers must be from 1 to 1024")  # noqa: PLR2004 - said in the message
        _require(
            self.max_rate is None or 0 < self.max_rate < float("inf"), "--max-rate must be above 0 requests a second"
        )
        _require(self.memory_limit >= _LEAST_MEMORY, f"--memory-limit must be at least {_LEAST_MEMORY // 10**6}MB")
        _require(self.retries >= 0, "--retries must be 0 or more")
        _require(0 <= self.grace < float("inf"), "--grace must be 0 seconds or more")
        for flag, seconds in (
            ("--connect-timeout", self.connect_timeout),
            ("--read-timeout", self.read_timeout),
            ("--give-up-after", self.give_up_after),
        ):
            _require(0 < seconds < float("inf"), f"{flag} must be above 0 seconds")


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The reading of the list: its columns, how many rows count, and which finished views are asked for again."""

    session_column: str = option("--session-column NAME", "header of the session ids", default="")
    view_column: str = option("--view-column NAME", "header of the view ids", default="")
    max_views: int | None = option("--max-views N", "only the first N rows", WHOLE, default=None)
    refresh_window: float | None = option(
        "--refresh-window AGE", "those not older than this: 36h, 7d", AGE, default=None
    )
    """Seconds: finished views whose recording ended less than this ago are asked for again; None asks for none."""
    view_only: bool = option(
        "--view-only", "of a replay link take only the view it names; nothing is searched", SWITCH, default=False
    )
    whole_sessions: bool = False
    """The list names sessions, whatever views stand beside them."""
    shard: ShardId | None = option(
        "--shard I/N", "part I of N, from 0; auto: array job's; --wait-for-lock is 300", Form(read_shard), default=None
    )
    """The sessions that a run takes, where several runs share a list and an archive; None takes all."""

    def __post_init__(self) -> None:
        window = self.refresh_window
        _require(window is None or 0 < window < float("inf"), "--refresh-window must be above 0")
        _require(self.max_views is None or self.max_views > 0, "--max-views must be at least 1")


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """The form of the archive's files, and what is kept beside them: pages as they came, RUM events."""

    compress: Compression | None = option(
        "--compress",
        "of session files; default: as the archive was made, none if new",
        one_of(Compression),
        default=None,
    )
    keep_raw: bool = option("--keep-raw", "keep every page as it came under raw/, too", SWITCH, default=False)
    events: bool = option("--events", "then store RUM events, too: errors, requests, users", SWITCH, default=False)
    events_from: Path | None = option("--events-from EXPORT", "RUM events out of exported files", FILE, default=None)
    scratch: Path | None = option("--scratch DIR", "of a stored archive; default: in $TMPDIR", FILE, default=None)
    """What is on its way to a store: ledger, growing views, files. It is emptied, and may be lost at any time."""
    commit_every: float = option("--commit-every S", "seconds between commits to a store", NUMBER, default=10.0)
    wait_for_lock: float | None = option(
        "--wait-for-lock S", "seconds for a dead run's lease in a store; default: 0", NUMBER, default=None
    )

    def __post_init__(self) -> None:
        _require(0 < self.commit_every < float("inf"), "--commit-every must be above 0 seconds")
        wait = self.wait_for_lock or 0.0
        _require(0 <= wait < float("inf"), "--wait-for-lock must be 0 seconds or more")


@dataclass(frozen=True, slots=True)
class ShowSettings:
    """The progress and the log: form, place and detail; a program that uses the library gets ``metrics_file`` alone."""

    progress: ProgressStyle = option(
        "--progress",
        "auto: a bar on a terminal, else a line every 10 s",
        one_of(ProgressStyle),
        default=ProgressStyle.AUTO,
    )
    log_json: bool = option("--log-format", "of the lines on stderr", LOG_FORMAT, default=False)
    log_file: Path | None = option("--log-file FILE", "write the log there as well", FILE, default=None)
    metrics_file: Path | None = option(
        "--metrics-file FILE", "OpenMetrics text, rewritten every 10 s", FILE, default=None
    )
    verbosity: int = 0
    """-1 warnings and errors only, 0 normal, 1 what the pacer and the retries do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a run reads, except the keys, in five groups; a `Client` reads ``api`` and ``fetch`` alone."""

    api: ApiSettings = field(default_factory=ApiSettings)
    fetch: FetchSettings = field(default_factory=FetchSettings)
    plan: PlanSettings = field(default_factory=PlanSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    show: ShowSettings = field(default_factory=ShowSettings)


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - an assertion that raises our own error
    if not holds:
        raise SettingsError(message)
