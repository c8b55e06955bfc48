"""The last words of a search for views."""

from __future__ import annotations

import orjson

from replay_fetch.commands.discover import Discovery
from replay_fetch.progress.units import count, duration, size


def summary_text(found: Discovery) -> str:
    """What was found and what it took, for people."""
    stats = found.stats
    lines = [
        (
            f"{count(found.views.size)} views of {count(found.views.sessions())} sessions found: "
            f"{count(found.events)} events in {count(stats.requests)} requests ({count(stats.rate_limited)} were 429), "
            f"{size(stats.wire_bytes)}, {duration(found.seconds)}"
        ),
    ]
    if found.nameless:
        lines.append(f"{count(found.nameless)} events name no view and were left out; does --query ask for @type:view?")
    if not found.events:
        lines.append("nothing matches: widen --from, or look at --query and --application")
    return "\n".join(lines)


def summary_json(found: Discovery) -> str:
    """The same for programs; times are seconds, sizes bytes."""
    stats = found.stats
    content = {
        "views": found.views.size,
        "sessions": found.views.sessions(),
        "events": found.events,
        "events_without_view": found.nameless,
        "requests": stats.requests,
        "retries": stats.retries,
        "rate_limited": stats.rate_limited,
        "wire_bytes": stats.wire_bytes,
        "seconds": round(found.seconds, 3),
        "exit_code": found.exit_code,
    }
    return orjson.dumps(content).decode()
