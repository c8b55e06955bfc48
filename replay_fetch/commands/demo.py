"""``demo``: the real job against the built-in simulator, under a rate limit that bites."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from replay_fetch.archive import Layout
from replay_fetch.commands.download import Ended, carry_out
from replay_fetch.errors import ArchiveError
from replay_fetch.ledger import Ledger, check_file
from replay_fetch.ledger.schema import Setting
from replay_fetch.pipeline.opening import check_usable, open_as_it_is
from replay_fetch.pipeline.request import Request, planned
from replay_fetch.progress import Reporter
from replay_fetch.settings import ApiSettings, Credentials, Settings, ShowSettings
from replay_fetch.simulator import LimitSettings, PagingSettings, Simulator, SimulatorSettings
from replay_fetch.simulator.recordings import recordings_folder

# 27 views in 36 requests at 10 a second: about three and a half seconds, most of them spent at the limit.
_SIMULATOR = SimulatorSettings(limit=LimitSettings(limit=20, period=2.0), paging=PagingSettings(page_bytes=24_000))


async def demo(out: Path, show: ShowSettings, shown_by: Reporter | None) -> Ended:
    """Download the sample list from the simulator into ``out``.

    Raises ArchiveError where ``out`` is somebody's archive: made-up recordings would be in it for good.
    """
    _claim(out)
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


def _claim(out: Path) -> None:
    """Mark the archive as the demo's, which only a new one, or one that it made before, may become."""
    check_usable(out)
    ledger_file = Layout(out).ledger
    if check_file(ledger_file):
        with closing(Ledger.open_read_only(ledger_file)) as ledger:
            if ledger.setting(Setting.DEMO) is None:
                raise ArchiveError(f"{out} is an archive that demo did not make; name a new folder for the sample ones")
    with open_as_it_is(out) as (_, ledger):
        ledger.set_setting(Setting.DEMO, "yes")
