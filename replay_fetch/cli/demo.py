"""Run ``replay-fetch demo``: a download of the sample list from the built-in simulator, on this machine alone.

The rate limit is low enough to bite, so a first look shows how a run is paced.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from replay_fetch.archive.layout import Layout
from replay_fetch.cli.main import exit_code_of
from replay_fetch.cli.options import add_output, show_settings
from replay_fetch.cli.output import conclude, say, shown
from replay_fetch.cli.summary import as_typed, report_json, report_text, watch_line
from replay_fetch.errors import ArchiveError
from replay_fetch.ledger.database import check_file
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting
from replay_fetch.pipeline.job import DownloadJob
from replay_fetch.pipeline.opening import check_usable, open_as_it_is
from replay_fetch.pipeline.place import place
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.pipeline.run import Ended, run_until_signal
from replay_fetch.progress.reporters import Reporter
from replay_fetch.settings import ApiSettings, ArchiveSettings, Credentials, Settings, ShowSettings
from replay_fetch.simulator import LimitSettings, PagingSettings, Simulator, SimulatorSettings
from replay_fetch.simulator.recordings import recordings_folder

if TYPE_CHECKING:
    from replay_fetch.store.location import Location

_EPILOG = """\
example: replay-fetch demo && replay-fetch verify replay-fetch-demo

exit codes: those of download
"""
_OUT = Path("replay-fetch-demo")
# Of the sample list, the session with the most to see: a checkout, four views, a rage click.
_WATCHED = "1f46e825"
# 27 views in 36 requests at 10 a second: about three and a half seconds, most of them spent at the limit.
_SIMULATOR = SimulatorSettings(limit=LimitSettings(limit=20, period=2.0), paging=PagingSettings(page_bytes=24_000))
# The day after the recordings, in seconds since 1970: in any later year their events are found as if they were young.
_TODAY = 1_795_492_800.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the archive's folder, which has a default: a demo asks nothing of a newcomer."""
    parser.add_argument(
        "out",
        metavar="OUT",
        nargs="?",
        type=place,
        default=_OUT,
        help="archive folder, or an address as of download (%(default)s)",
    )
    add_output(parser)
    parser.epilog = _EPILOG


def run(options: argparse.Namespace) -> int:
    """Run the demo, print the report and two commands to go on with, ``show`` and ``play``; returns the exit code."""
    show = show_settings(options)
    with shown(show) as reporter:
        report, failure = anyio.run(demo, options.out, show, reporter)
    conclude(report_json(report) if options.json else report_text(report, options.out), failure)
    # As a download ends: the same run, so the same codes.
    if failure is not None:
        return exit_code_of(failure)
    if options.json:
        return report.exit_code
    say(f"the recordings are in {options.out}/sessions/\nnext: {as_typed('show', str(options.out))}")
    if isinstance(options.out, Path):
        say(watch_line(options.out, _WATCHED))
    return report.exit_code


async def demo(out: Path | Location, show: ShowSettings, reporter: Reporter | None) -> Ended:
    """Download the sample list from the simulator into ``out``; returns the report and the failure, if any.

    Raises ArchiveError where ``out`` is an archive of real recordings: made-up ones would be mixed in for good.
    """
    if isinstance(out, Path):
        _claim(out)
    async with Simulator(_SIMULATOR, wall=lambda: _TODAY) as simulator:
        auth = _SIMULATOR.auth
        job = DownloadJob(
            str(recordings_folder() / "pairs.csv"),
            out,
            Settings(api=ApiSettings(base_url=simulator.base_url), archive=_archive_settings(out), show=show),
            Credentials(auth.api_key, auth.app_key),
            made_up=True,
        )
        opened = ExitStack()
        try:
            # In a thread: an archive in a store is opened with requests of its own.
            run = await to_thread.run_sync(opened.enter_context, prepared(job))
            run.epoch = lambda: _TODAY
            return await run_until_signal(run, reporter)
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(opened.close)


def _archive_settings(out: Path | Location) -> ArchiveSettings:
    """RUM events are stored, too, so a player shows the errors in the recordings; a store takes none."""
    return ArchiveSettings(events=isinstance(out, Path))


def _claim(out: Path) -> None:
    """Mark the archive as the demo's own. Only a new folder, or one that an earlier demo made, may become that."""
    check_usable(out)
    ledger_file = Layout(out).ledger
    if check_file(ledger_file):
        with closing(Ledger.open_read_only(ledger_file)) as ledger:
            if ledger.setting(Setting.DEMO) is None:
                raise ArchiveError(f"{out} is an archive that demo did not make; name a new folder for the sample ones")
    with open_as_it_is(out) as (_, ledger):
        ledger.set_setting(Setting.DEMO, "yes")
