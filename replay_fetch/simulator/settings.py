"""The simulator's settings: frozen, one group a part of the simulator, each with a flag of its name.

Times are seconds, sizes are bytes. A value that cannot be used raises SettingsError, which names the flag.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from replay_fetch.errors import SettingsError
from replay_fetch.simulator.choices import (
    CUT_CHAINS,
    OBJECT_SHAPES,
    Absence,
    Algorithm,
    AuthMode,
    Body429,
    ErrorBody,
    HeaderPolicy,
    LastPage,
    PageChain,
    Reset,
    RetryAfter,
    SearchChain,
    Shape,
)
from replay_fetch.simulator.faults import Fault
from replay_fetch.sites import is_loopback


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """The credentials that the simulator accepts, and the status that refuses all others."""

    mode: AuthMode = AuthMode.ANY
    api_key: str = field(default="simulator-api-key", repr=False)
    app_key: str = field(default="simulator-app-key", repr=False)
    bearer_token: str = field(default="simulator-bearer-token", repr=False)
    refusal: int = 403

    def __post_init__(self) -> None:
        _require(self.refusal in (401, 403), "--refusal is 401 or 403")


@dataclass(frozen=True, slots=True)
class HoldingSettings:
    """The views that the simulator holds: how many sessions, how long the views are, which store has them."""

    sessions: int = 0
    """Sessions with fresh ids, the recorded ones in turn; 0 serves the recordings under their own ids."""
    segments_per_view: int = 0
    """Every view that has segments is repeated or cut to this number; 0 leaves views as recorded."""
    blob_share: float = 0.0
    """Share of views that only ``blob`` holds; ``event_platform`` holds the others."""
    overlap: bool = False
    """``blob`` holds all views, not only its share."""
    absent_as: Absence = Absence.NOT_FOUND
    """A store's answer for a view that only the other store holds."""
    empty_as: Absence = Absence.PAGE
    """The answer for a view without segments."""

    def __post_init__(self) -> None:
        _require(0 <= self.sessions < 2**32, "--sessions is from 0 to 4294967295")
        _require(self.segments_per_view >= 0, "--segments-per-view must be 0 or more")
        _require(0 <= self.blob_share <= 1, "--blob-share is from 0 to 1")


@dataclass(frozen=True, slots=True)
class PagingSettings:
    """The pages of views: shape and size, the way to the next page, and the faults of a chain."""

    shape: Shape = Shape.SEGMENTS
    page_bytes: int = 32_768
    """Largest size of one list where the request names no ``max_list_size``; one segment at least."""
    page_segments: int = 0
    """Most segments of one page; 0 is no bound."""
    pages: int = 0
    """Every view that has segments is cut into exactly this number of pages; segments are repeated where needed."""
    last_page: LastPage = LastPage.NULL
    chain: PageChain = PageChain.GOOD
    chain_share: float = 1.0
    """Share of views whose chain is not good."""
    empty_pages: int = 0
    """Empty pages with a token between the first page and the second."""
    expire_page: int = 0
    """The token of this page (2 or later) has expired when it is sent; 0 is never."""
    expire_status: int = 410
    expire_chains: int = 1
    """The number of chains of a view that meet the expired token; the next chain goes through."""
    token_place: str = ""
    """Dotted path at which the token stands, in a shape that is an object; empty where the shape has it."""

    def __post_init__(self) -> None:
        _require(self.page_bytes > 0, "--page-bytes must be at least 1")
        _require(self.page_segments >= 0 and self.pages >= 0, "--page-segments and --pages must be 0 or more")
        _require(0 <= self.empty_pages <= 1000, "--empty-pages is from 0 to 1000")  # noqa: PLR2004 - said in the message
        _require(0 <= self.chain_share <= 1, "--chain-share is from 0 to 1")
        _require(
            self.expire_page != 1 and self.expire_page >= 0, "--expire-page must be 2 or later: page 1 has no token"
        )
        _require(self.expire_status in (400, 404, 410), "--expire-status is 400, 404 or 410")
        keys = self.token_place.split(".")
        _require(
            not self.token_place or (self.shape in OBJECT_SHAPES and "" not in keys),
            f"--token-place needs keys joined by dots and a shape that is an object, not {self.shape}",
        )
        _require(keys[0] not in ("data", "segments", "payload"), f"--token-place: {keys[0]} is where the segments are")
        _require(
            self.chain not in CUT_CHAINS or self.shape in OBJECT_SHAPES,
            f"--chain {self.chain} needs a shape that is an object, not {self.shape}",
        )


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The events search: the times of events, the size of pages, and the faults of a search."""

    events_span: float = 43_200.0
    """The views' events are spread over this number of seconds before the start."""
    events_age: float = 0.0
    """The events end this number of seconds before the start. Views older than a day get no more events."""
    page_events: int = 0
    """Most events of one page, also where a request asks for more; 0 leaves the API's 1000."""
    search_pages: int = 0
    """Pages after which a search stops without saying so; 0 is never."""
    search_timeout: float = 0.0
    """Windows longer than this number of seconds time out; 0 is never."""
    search_patience: float = 0.0
    """Seconds that pass until a window that times out is answered."""
    search_chain: SearchChain = SearchChain.GOOD

    def __post_init__(self) -> None:
        _require(self.events_span > 0, "--events-span must be above 0 seconds")
        _require(self.events_age >= 0, "--events-age must be 0 or more seconds")
        _require(self.page_events >= 0 and self.search_pages >= 0, "--page-events and --search-pages must be 0 or more")
        _require(
            self.search_timeout >= 0 and self.search_patience >= 0,
            "--search-timeout and --search-patience must be 0 or more seconds",
        )


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """The rate limit: requests a period, the algorithm that counts them, a neighbour, and changes in time."""

    limit: int = 0
    """Requests a period; 0 is no limit."""
    period: float = 10.0
    algorithm: Algorithm = Algorithm.FIXED
    neighbour: float = 0.0
    """Requests a second that a neighbour in the organisation spends from the same limit."""
    changes: tuple[tuple[float, int], ...] = ()
    """(seconds after the start, new limit), in order."""

    def __post_init__(self) -> None:
        _require(self.limit >= 0, "--limit must be 0 or more")
        _require(all(limit > 0 for _, limit in self.changes), "--limit-change must leave a limit of 1 or more")
        _require(self.period > 0, "--period must be above 0 seconds")
        _require(self.neighbour >= 0, "--neighbour must be 0 or more requests a second")
        _require(self.limit > 0 or not self.changes, "--limit-change needs a --limit to begin with")
        _require(list(self.changes) == sorted(self.changes), "--limit-change must be in order of time")


@dataclass(frozen=True, slots=True)
class LimitHeaderSettings:
    """The headers and bodies by which answers tell of the rate limit, right or wrong as a test asks."""

    headers: HeaderPolicy = HeaderPolicy.ALL
    reset: Reset = Reset.CEIL
    remaining_on_429: int = 0
    retry_after: RetryAfter = RetryAfter.NONE
    body_429: Body429 = Body429.JSON


@dataclass(frozen=True, slots=True)
class LatencySettings:
    """The latency of answers in seconds; log-normal, so a few answers take very long."""

    median: float = 0.0
    tail: float = 0.0
    """Standard deviation of the logarithm: at 1 one answer in 100 takes ten times the median."""

    def __post_init__(self) -> None:
        _require(self.median >= 0 and self.tail >= 0, "--latency and --latency-tail must be 0 or more")


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """All settings of a simulator; the same settings and the same seed give the same answers."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    seed: int = 0
    auth: AuthSettings = field(default_factory=AuthSettings)
    holding: HoldingSettings = field(default_factory=HoldingSettings)
    paging: PagingSettings = field(default_factory=PagingSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    limit: LimitSettings = field(default_factory=LimitSettings)
    limit_headers: LimitHeaderSettings = field(default_factory=LimitHeaderSettings)
    latency: LatencySettings = field(default_factory=LatencySettings)
    faults: tuple[Fault, ...] = ()
    error_body: ErrorBody = ErrorBody.TEXTS
    stall: float = 3600.0
    """How long a stalled answer hangs before its connection is closed."""
    count_views: bool = True
    """Whether requests are counted by view and page, which takes memory. Faults count them in any case."""

    def __post_init__(self) -> None:
        _require(is_loopback(self.host), f"--host {self.host}: the simulator serves this machine only")
        _require(0 <= self.port < 2**16, "--port is from 0 to 65535")
        _require(self.stall > 0, "--stall must be above 0 seconds")


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - an assertion that raises our own error
    if not holds:
        raise SettingsError(message)
