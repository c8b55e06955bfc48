"""What is downloaded while it is crashed: one scenario for each way in which an archive grows."""

from __future__ import annotations

from typing import NamedTuple

from archives import WIDE

from replay_fetch.simulator import (
    Fault,
    HoldingSettings,
    LatencySettings,
    PageChain,
    PagingSettings,
    SimulatorSettings,
)


class Scenario(NamedTuple):
    """A simulator, a list, and how the command is called."""

    name: str
    settings: SimulatorSettings
    views: slice = slice(None)
    first: slice | None = None
    """Views that an earlier run has fetched, so that their sessions' files are replaced."""
    flags: tuple[str, ...] = ()
    code: int = 0
    """The exit code of a run that comes to its end."""
    asks_again: bool = False
    """Finished views too are asked for, and their files written anew."""


# Answers slow enough that most sessions are not written at once: parts come into it.
_SLOW = LatencySettings(median=0.06, tail=1.0)
_PAGES = PagingSettings(page_segments=1)

SCENARIOS = (
    Scenario("sessions", SimulatorSettings(seed=1, limit=WIDE, paging=PagingSettings(page_bytes=60_000))),
    Scenario(
        "parts",
        SimulatorSettings(seed=2, limit=WIDE, paging=_PAGES, latency=_SLOW),
        views=slice(0, 18),
        flags=("--workers", "10"),
    ),
    Scenario(
        "added views",
        SimulatorSettings(seed=3, limit=WIDE, paging=_PAGES, latency=_SLOW),
        first=slice(0, None, 2),
        flags=("--compress", "gzip", "--keep-raw"),
    ),
    Scenario(
        "unfinished views",
        SimulatorSettings(
            seed=4,
            limit=WIDE,
            paging=PagingSettings(page_segments=1, chain=PageChain.REPEATED, chain_share=0.4),
            faults=(Fault.parse("html:sticky,rate=0.15"), Fault.parse("500:sticky,rate=0.1")),
        ),
        flags=("--retries", "0"),
        code=1,
    ),
    Scenario(
        "refreshed views",
        SimulatorSettings(seed=6, limit=WIDE, paging=_PAGES),
        first=slice(0, 20),
        flags=("--refresh",),
        asks_again=True,
    ),
    Scenario(
        "long views",
        SimulatorSettings(
            seed=5,
            limit=WIDE,
            holding=HoldingSettings(segments_per_view=60),
            paging=PagingSettings(page_segments=9),
            latency=LatencySettings(median=0.02),
        ),
        views=slice(5, 8),  # of 1.4 MB, 1.5 MB and 0.4 MB: the first two are saved while they grow
        flags=("--workers", "3"),
    ),
)
