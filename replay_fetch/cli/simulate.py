"""Serve the simulator for ``replay-fetch simulate`` in the foreground, and tell how to download from it.

The options, one for each of the simulator's settings, are in `cli.simulate_options`.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import anyio

from replay_fetch.cli.output import say
from replay_fetch.cli.simulate_options import add_options, settings_from
from replay_fetch.named_file import NamedFile
from replay_fetch.progress.units import some
from replay_fetch.simulator import AuthMode, AuthSettings, Simulator, SimulatorSettings
from replay_fetch.simulator.recordings import recordings_folder

__all__ = ["add_options", "run"]


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes; returns 0. Raises SettingsError for a port in use and for settings that clash."""
    settings = settings_from(options)
    return anyio.run(partial(simulate, settings, say, write_views=options.write_views, as_json=options.json))


async def simulate(
    settings: SimulatorSettings, say: Callable[[str], object], *, write_views: Path | None = None, as_json: bool = False
) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code.

    ``say`` gets each line to print: how to download, then at the end the counts as JSON. ``write_views`` names
    a file that first gets the list of all views. Raises SettingsError where the port is taken or the list
    cannot be written.
    """
    async with Simulator(settings) as simulator:
        if write_views is not None:
            await anyio.to_thread.run_sync(_write_views, simulator, write_views)
        # Listening begins before anybody is told: a script may stop it as soon as it reads the URL.
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            for line in _welcome(simulator, write_views, as_json=as_json):
                say(line)
            # The first signal ends it: a simulator has nothing to bring to an end.
            async for _ in signals:
                break
        say(json.dumps(simulator.counts.totals()))
    return 0


def _write_views(simulator: Simulator, path: Path) -> None:
    """Write the list of all simulated views as CSV, as ``download`` reads it; in a thread, since a pipe may block."""
    rows = (f"{session_id},{view_id}\n".encode() for session_id, view_id in simulator.views)
    NamedFile("--write-views", path).write(chain([b"session_id,view_id\n"], rows))


def _welcome(simulator: Simulator, views: Path | None, *, as_json: bool) -> Iterator[str]:
    """Yield the lines that tell where the simulator is and how to download from it; as JSON one object."""
    url, limit = simulator.base_url, simulator.settings.limit
    views_file = views or recordings_folder() / "pairs.csv"
    rate = f"{some(limit.limit, 'request')} per {limit.period:g} s" if limit.limit else "no rate limit"
    views_served = some(len(simulator.views), "view")
    if as_json:
        served = {"base_url": url, "views": len(simulator.views), "views_file": str(views_file)}
        limited = {"limit": limit.limit, "period": limit.period} if limit.limit else {}
        yield json.dumps({**served, "shape": simulator.settings.paging.shape, **limited})
        return
    yield f"simulating the API at {url}: {views_served}, shape {simulator.settings.paging.shape}, {rate}"
    yield "in another shell:"
    yield f"  export {_keys(simulator.settings.auth)}"
    yield f"  replay-fetch download {views_file} archive --base-url {url}"
    yield f"counts so far: {url}/simulator/counts; Ctrl-C stops"


def _keys(auth: AuthSettings) -> str:
    """Format the keys to export. A key of the user's own is named as a variable, and not shown."""
    usual = AuthSettings()
    bearer = auth.bearer_token if auth.bearer_token == usual.bearer_token else '"$SIMULATOR_BEARER_TOKEN"'
    api_key = auth.api_key if auth.api_key == usual.api_key else '"$SIMULATOR_API_KEY"'
    app_key = auth.app_key if auth.app_key == usual.app_key else '"$SIMULATOR_APP_KEY"'
    if auth.mode is AuthMode.BEARER:
        return f"DD_BEARER_TOKEN={bearer}"
    return f"DD_API_KEY={api_key} DD_APP_KEY={app_key}"
