"""The last words of a search for views."""

from __future__ import annotations

import orjson

from replay_fetch.pipeline.discover import Discovery
from replay_fetch.progress.units import asked, duration, size, some


def summary_lines(found: Discovery) -> list[str]:
    """What was found and what it took, for people; at most 80 columns wide."""
    stats = found.stats
    lines = [
        f"{some(found.views.size, 'view')} of {some(found.views.sessions(), 'session')} found",
        (
            f"{some(found.events, 'event')} in {asked(stats.requests, stats.rate_limited, stats.retries)}, "
            f"{size(stats.wire_bytes)}, {duration(found.seconds)}"
        ),
    ]
    return lines + doubts(found)


def doubts(found: Discovery) -> list[str]:
    """What is to be known of the list before it is worked with; nothing where all is well."""
    lines = []
    if found.nameless:
        nameless = some(found.nameless, "event that names", "events that name")
        lines.append(f"left out: {nameless} no view; ask for @type:view in --query")
    if not found.events:
        lines.append("nothing matches: widen --from, or look at --query and --application")
    if not found.views.size:
        lines.append("the list is empty")
    elif found.lacking:
        lines.append(f"the list lacks {some(found.lacking, 'session')} that --session names")
    if found.warnings:
        lines.append("the API warned, so the list may not be whole: look at the warnings above")
    return lines


def summary_json(found: Discovery) -> str:
    """The same for programs; times are seconds, sizes bytes."""
    stats = found.stats
    content = {
        "views": found.views.size,
        "sessions": found.views.sessions(),
        "events": found.events,
        "events_without_view": found.nameless,
        "sessions_without_view": found.lacking,
        "warnings": found.warnings,
        "requests": stats.requests,
        "retries": stats.retries,
        "rate_limited": stats.rate_limited,
        "wire_bytes": stats.wire_bytes,
        "seconds": round(found.seconds, 3),
        "exit_code": found.exit_code,
    }
    return orjson.dumps(content).decode()
