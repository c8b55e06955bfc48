"""Searches in tests: the settings, the window that holds every simulated event, and the truth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from archives import KEYS

from replay_fetch.api.events import FoundView
from replay_fetch.api.search import REPLAYED_VIEWS, Window
from replay_fetch.model import View
from replay_fetch.pipeline.discover import Discover, Discovery, Wanted
from replay_fetch.settings import ApiSettings, Credentials, FetchSettings, Settings
from replay_fetch.simulator import Simulator
from replay_fetch.simulator.events import Events

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Found:
    """What a search came to, read out before it is closed."""

    views: list[FoundView]
    discovery: Discovery

    @property
    def ids(self) -> list[View]:
        return [found.view for found in self.views]


def everything(query: str = REPLAYED_VIEWS, sessions: Sequence[str] = (), playlist: str = "") -> Wanted:
    """All that the simulator holds: its events end when it starts."""
    now_ms = int(time.time() * 1000) + 1000
    return Wanted(query, Window(now_ms - DAY_MS, now_ms), sessions=sessions, playlist=playlist)


async def search(
    simulator: Simulator, wanted: Wanted | None = None, keys: Credentials = KEYS, retries: int = 12
) -> Found:
    """Search on the running loop."""
    fetch = FetchSettings(workers=1, retries=retries)
    settings = Settings(api=ApiSettings(base_url=simulator.base_url), fetch=fetch)
    discovery = await Discover(wanted or everything(), settings, keys).run()
    found = Found(list(discovery.views), discovery)
    discovery.views.close()
    return found


def replayed(simulator: Simulator) -> set[View]:
    """The views that have an event which says that they have a replay; read from the events themselves."""
    events = Events(simulator.views, 1.0, 0)
    views = set()
    for number in range(len(events)):
        event = events.event(number)
        session, view = event["session"], event["view"]
        assert isinstance(session, dict)
        assert isinstance(view, dict)
        if session.get("has_replay"):
            views.add(View(session["id"], view["id"]))
    return views
