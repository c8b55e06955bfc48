"""RUM events in tests: a simulator whose events are of one day whatever the day, and runs that store them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from archives import KEYS, WIDE

from replay_fetch.pipeline.events import EventsRun
from replay_fetch.pipeline.events_result import StoredEvents
from replay_fetch.pipeline.opening import open_as_it_is
from replay_fetch.settings import ApiSettings, Credentials, FetchSettings, Settings
from replay_fetch.simulator import HoldingSettings, SearchSettings, Simulator, SimulatorSettings
from replay_fetch.simulator.events import Events

NOW = 2_000_000_000
"""The day of these runs, in seconds since 1970: long behind the recordings."""
SPAN = 43_200.0
SETTINGS = SimulatorSettings(
    limit=WIDE, holding=HoldingSettings(sessions=12), search=SearchSettings(events_span=SPAN, page_events=5)
)


@contextmanager
def of_one_day(now: int = NOW) -> Iterator[None]:
    """Simulators that start in here have their events before ``now``: two of them answer the same bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "replay_fetch.simulator.service.Events", lambda views, span, _: Events(views, span, (now - 1) * 1000)
        )
        yield


def served(simulator: Simulator, now: int = NOW) -> dict[str, bytes]:
    """What ``events/`` must hold, by name and to the byte: every event once, by time and id."""
    events = Events(simulator.views, SPAN, (now - 1) * 1000)
    lines: dict[str, list[tuple[int, str, bytes]]] = {}
    for number in range(len(events)):
        event = events.answered(number)
        text = json.dumps(event).encode() + b"\n"
        session: Any = events.event(number)["session"]
        lines.setdefault(f"{session['id']}.ndjson", []).append((events.time_ms(number), str(event["id"]), text))
    return {name: b"".join(text for *_, text in sorted(found)) for name, found in lines.items()}


def files(out: Path) -> dict[str, bytes]:
    """The files of ``events/`` by name."""
    return {path.name: path.read_bytes() for path in (out / "events").iterdir()} if (out / "events").exists() else {}


def lines(out: Path) -> dict[str, dict[str, Any]]:  # Any: the manifest's own values
    """The manifest of events by session, in order."""
    found = map(json.loads, (out / "manifest-events.ndjson").read_text("utf-8").splitlines())
    return {line["session_id"]: line for line in found}


async def store(
    simulator: Simulator,
    out: Path,
    *,
    keys: Credentials = KEYS,
    stop: anyio.Event | None = None,
    now: int = NOW,
) -> StoredEvents:
    """Store the events of an archive on the running loop, which the virtual clock's may be."""
    fetch = FetchSettings(workers=8, retries=12)
    settings = Settings(api=ApiSettings(base_url=simulator.base_url), fetch=fetch)
    with open_as_it_is(out) as (layout, ledger):
        run = EventsRun(layout, ledger, settings, keys)
        run.epoch = lambda: now
        return await run.run(stop or anyio.Event())
