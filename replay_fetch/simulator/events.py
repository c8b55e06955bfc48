"""The RUM events of all views: recorded events, with the ids and the time of the view they are served for, and errors.

Views begin at equal distances over a span that ends when the simulator starts, and by that the search sorts. The date
inside of an error stays that of the recording, into which it falls. For made sessions no event is stored: the number
of an event leads to its recording.

The recorded pages were made without a fault, so their errors are made up, in the form that the SDK gives to errors.
Each stands where the recording shows the moment: under the rage click on "Pay", and where a page is left.
"""

from __future__ import annotations

import functools
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from replay_fetch.model import View
from replay_fetch.simulator.recordings import load_recordings, recordings_folder
from replay_fetch.simulator.truth import Population


class _Recorded(NamedTuple):
    """Events of one round of recordings, each with the place of its view in the list."""

    events: list[tuple[int, Mapping[str, object]]]
    before: list[int]
    """For each place: how many events all views before it have."""


class Events:
    """A sequence of all events in the order of their times; an event is found by its number, the first is 0.

    No event is stored: a million views take no memory, and the simulator starts at once.
    """

    def __init__(self, views: Population, span: float, end_ms: int) -> None:
        """Spread the views over ``span`` seconds that end at ``end_ms`` (milliseconds since 1970)."""
        self._views = views
        self._recorded = _load()
        self._span_ms = int(span * 1000)
        self._start_ms = end_ms - self._span_ms
        rounds, rest = divmod(len(views), len(self._recorded.before) - 1)
        self._length = rounds * len(self._recorded.events) + self._recorded.before[rest]

    def __len__(self) -> int:
        return self._length

    def between(self, start_ms: int, end_ms: int) -> range:
        """Find the numbers of the events from ``start_ms`` to ``end_ms``, both included; takes time log n."""
        # Events are never stored, so a simulator of a million views starts at once: times follow from the number.
        everything = range(self._length)
        first = bisect_left(everything, start_ms, key=self.time_ms)
        return range(first, bisect_right(everything, end_ms, key=self.time_ms))

    def of_sessions(self, session_ids: Iterable[str]) -> list[int]:
        """Find the numbers of all events of some sessions, ascending, without a look at the others."""
        recorded = self._recorded
        places = len(recorded.before) - 1
        numbers: set[int] = set()
        for session_id in session_ids:
            for view in self._views.views_of(session_id):
                rounds, place = divmod(view, places)
                first = rounds * len(recorded.events)
                numbers.update(range(first + recorded.before[place], first + recorded.before[place + 1]))
        return sorted(numbers)

    def time_ms(self, number: int) -> int:
        """Tell when the view of an event began, in milliseconds since 1970; the search sorts and cuts by this time."""
        return self._start_ms + self._view(number) * self._span_ms // len(self._views)

    def event(self, number: int) -> dict[str, object]:
        """Make the event of a number, as the SDK would have sent it for this view."""
        recorded = self._recorded.events[number % len(self._recorded.events)][1]
        session_id, view_id = self._views[self._view(number)]
        return {
            **recorded,
            "date": recorded["date"] if recorded["type"] == "error" else self.time_ms(number),
            "session": {**_part(recorded, "session"), "id": session_id},
            "view": {**_part(recorded, "view"), "id": view_id},
        }

    def answered(self, number: int) -> dict[str, object]:
        """Wrap an event as the events search answers it: ``id``, ``type`` and ``attributes``, tags as a list."""
        event = self.event(number)
        outside = {
            "service": event.get("service"),
            "timestamp": iso(self.time_ms(number)),
            "tags": str(event.get("ddtags") or "").split(","),
            "attributes": {name: value for name, value in event.items() if name != "ddtags"},
        }
        return {"id": f"event-{number}", "type": "rum", "attributes": outside}

    def _view(self, number: int) -> int:
        rounds, slot = divmod(number, len(self._recorded.events))
        return rounds * (len(self._recorded.before) - 1) + self._recorded.events[slot][0]


def iso(time_ms: int) -> str:
    """Write a time as the API does: ISO 8601 in UTC with milliseconds and ``Z``."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@functools.cache
def _load() -> _Recorded:
    lines = recordings_folder().joinpath("rum_events.ndjson").read_text("utf-8").splitlines()
    by_view: dict[View, list[Mapping[str, object]]] = {}
    for event in map(json.loads, lines):
        by_view.setdefault(View(event["session"]["id"], event["view"]["id"]), []).append(event)
    events: list[tuple[int, Mapping[str, object]]] = []
    before = [0]
    for place, recorded in enumerate(load_recordings()):
        events += [(place, event) for event in _with_errors(by_view.get(recorded.view, []))]
        before.append(len(events))
    return _Recorded(events, before)


def _with_errors(states: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """The events of a view's states, the last of which counts the view's errors, and the errors behind them."""
    errors = list(_errors_in(states[-1])) if states else []
    if not errors:
        return list(states)
    last = {**states[-1], "view": {**_part(states[-1], "view"), "error": {"count": len(errors)}}}
    return [*states[:-1], last, *errors]


def _part(event: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = event[name]
    return part if isinstance(part, Mapping) else {}


# Parts of a view's event that every event of the view repeats.
_SHARED = ("application", "source", "session", "usr", "service", "version", "ddtags", "connectivity", "tab")
_OF_VIEW = ("id", "url", "referrer")


class _Made(NamedTuple):
    """An error in a view: ``after_ms`` behind the view's begin; ``error`` is what the SDK would say of it."""

    view_id: str
    after_ms: int
    error: Mapping[str, object]


_MADE = (
    _Made(
        "d651b473-43af-4d7c-ac56-cb96870840f8",
        8_760,
        {
            "message": "Cannot read properties of undefined (reading 'total')",
            "type": "TypeError",
            "source": "source",
            "handling": "unhandled",
            "stack": "TypeError: Cannot read properties of undefined (reading 'total')\n"
            "  at pay @ http://127.0.0.1:46255/app.js:41:23\n"
            "  at HTMLButtonElement.onclick @ http://127.0.0.1:46255/checkout:1:1",
        },
    ),
    _Made(
        "d651b473-43af-4d7c-ac56-cb96870840f8",
        10_480,
        {
            "message": "Fetch error POST http://127.0.0.1:46255/api/pay",
            "source": "network",
            "handling": "handled",
            "stack": "Failed to load",
            "resource": {"method": "POST", "status_code": 503, "url": "http://127.0.0.1:46255/api/pay"},
        },
    ),
    _Made(
        "6df9a02f-1ba7-4e06-859f-19e79dc131e4",
        64_150,
        {
            "message": "the basket could not be read: 3 of 4 articles are shown",
            "source": "console",
            "handling": "handled",
            "stack": "Error: \n  at basket @ http://127.0.0.1:46095/app.js:17:9",
        },
    ),
)


def _errors_in(view_event: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Make the error events of a view out of the view's own event; their dates are those of the recording."""
    view, date = view_event["view"], view_event["date"]
    if not isinstance(view, Mapping) or not isinstance(date, int):
        return
    for number, made in enumerate(_MADE):
        if made.view_id == view["id"]:
            yield {
                "type": "error",
                **{name: view_event[name] for name in _SHARED if name in view_event},
                "_dd": {"format_version": 2},
                "date": date + made.after_ms,
                "view": {name: view[name] for name in _OF_VIEW if name in view},
                "error": {"id": str(UUID(int=0xE << 124 | number, version=4)), **made.error},
            }
