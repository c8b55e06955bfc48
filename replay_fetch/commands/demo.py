"""``demo``: the real job against the built-in simulator, under a rate limit that bites."""

from __future__ import annotations

from pathlib import Path

from replay_fetch.commands.download import Ended, Request, carry_out, planned
from replay_fetch.progress import Reporter
from replay_fetch.settings import ApiSettings, Credentials, Settings, ShowSettings
from replay_fetch.simulator import LimitSettings, PagingSettings, Simulator, SimulatorSettings
from replay_fetch.simulator.recordings import recordings_folder

# 27 views in some 70 small pages at 10 a second: about eight seconds, most of them spent at the limit.
_SIMULATOR = SimulatorSettings(limit=LimitSettings(limit=20, period=2.0), paging=PagingSettings(page_bytes=24_000))


async def demo(out: Path, show: ShowSettings, shown_by: Reporter | None) -> Ended:
    """Download the sample list from the simulator into ``out``."""
    async with Simulator(_SIMULATOR) as simulator:
        auth = _SIMULATOR.auth
        request = Request(
            str(recordings_folder() / "pairs.csv"),
            out,
            Settings(api=ApiSettings(base_url=simulator.base_url), show=show),
            Credentials(auth.api_key, auth.app_key),
        )
        with planned(request) as (run, plan):
            return await carry_out(run, plan, shown_by)
