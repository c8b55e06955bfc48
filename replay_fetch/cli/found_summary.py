"""The words of ``discover``: the summary of a search, its doubts, and the count of a download to come."""

from __future__ import annotations

import orjson

from replay_fetch.pipeline.discover import Discovery
from replay_fetch.progress.units import asked, count, duration, size, some
from replay_fetch.settings import FetchSettings

# Requests a second where neither --max-rate nor the API has said any: 100 in 10 s is what its other calls allow.
_ASSUMED_RATE = 10.0


def summary_lines(found: Discovery) -> list[str]:
    """Format the summary for people: views and sessions found, requests, bytes, time, then the `doubts`."""
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
    """List the reasons to look twice at a list, with the option to change; empty for a whole list with views."""
    lines = []
    if found.unusable:
        lines.append(f"left out: {some(found.unusable, 'row')} of the list of sessions; look at the warnings above")
    if found.cut:
        lines.append(f"ended at --limit {found.views.size}: there may be more")
    if found.nameless:
        nameless = some(found.nameless, "event that names", "events that name")
        lines.append(f"left out: {nameless} no view; ask for @type:view in --query")
    if not found.events:
        lines.append("nothing matches: widen --from, or look at --user, --url, --query and --application")
    if not found.views.size:
        lines.append("the list is empty")
    elif found.lacking:
        lines.append(f"the list lacks {some(found.lacking, 'session')} of those that were named")
    if found.warnings:
        lines.append("the API warned, so the list may not be whole: look at the warnings above")
    return lines


def summary_json(found: Discovery) -> str:
    """Format the summary as a JSON object; times are seconds, sizes bytes, and ``exit_code`` is the command's own."""
    stats = found.stats
    content = {
        "views": found.views.size,
        "sessions": found.views.sessions(),
        "events": found.events,
        "events_without_view": found.nameless,
        "bad_rows": found.unusable,
        "limit_reached": found.cut,
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


def count_text(found: Discovery, fetch: FetchSettings) -> str:
    """Format for people what a download of the views found would take; nothing of it was downloaded."""
    sums, rate = found.views.sums(), fetch.max_rate or _ASSUMED_RATE
    at = f"--max-rate {rate:g}" if fetch.max_rate else f"{rate:g} a second, which is assumed"
    uncounted = f"  of {count(sums.views - sums.uncounted)} views; of the others nothing is known"
    lines = [
        f"{some(sums.views, 'view')} found, nothing downloaded (--count)",
        f"  {'sessions':<14}{count(sums.sessions):>11}",
        f"  {'segments':<14}{count(sums.segments):>11}{uncounted if sums.uncounted else ''}",
        f"  {'requests':<14}{count(sums.views):>11}  at least one a view",
        f"  {'time':<14}{duration(sums.views / rate):>11}  or more, at {at}",
        f"  {'bytes':<14}{size(sums.raw_bytes):>11}  as the SDK counted them, before --compress",
    ]
    return "\n".join([*lines, *doubts(found)])


def count_json(found: Discovery, fetch: FetchSettings) -> str:
    """Format the same count as a JSON object; times are seconds, sizes bytes."""
    sums, rate = found.views.sums(), fetch.max_rate or _ASSUMED_RATE
    content = {
        "views": sums.views,
        "sessions": sums.sessions,
        "segments": sums.segments,
        "views_without_count": sums.uncounted,
        "least_requests": sums.views,
        "rate_per_s": rate,
        "rate_assumed": fetch.max_rate is None,
        "least_seconds": round(sums.views / rate, 3),
        "raw_bytes": sums.raw_bytes,
        "exit_code": found.exit_code,
    }
    return orjson.dumps(content).decode()
