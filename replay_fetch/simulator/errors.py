"""Errors of the recorded pages, as RUM error events of the recorded views.

The pages were made without a fault, so their errors are made up, in the form that the SDK gives to errors. Each stands
where the recording shows the moment: under the rage click on "Pay", and where a page is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

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


def errors_in(view_event: Mapping[str, object]) -> Iterator[dict[str, object]]:
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
