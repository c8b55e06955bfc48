"""Rehearse a download for ``--dry-run``: hold the list against the archive, and print the plan; ask nothing.

The ledger is copied into a temporary folder, because planning writes to it and a run may be using the original.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import orjson

from replay_fetch.pipeline.copies import Copies
from replay_fetch.pipeline.disk import disk_free
from replay_fetch.pipeline.rehearsal import Rehearsal
from replay_fetch.progress.units import count, duration, size, some

_WIDTH = 80


def plan_json(rehearsal: Rehearsal) -> str:
    """Format the plan as a JSON object; ``to_do`` counts views, each of which costs one request at least."""
    plan, totals = rehearsal.plan, rehearsal.totals
    content = {
        "list_name": plan.list_name,
        "shard": str(plan.shard) if plan.shard else None,
        "rows": plan.rows,
        "views": plan.views,
        "sessions": totals.sessions,
        "duplicates": plan.duplicates,
        "bad_rows": plan.bad_rows,
        "erased": plan.erased,
        "finished": totals.finished,
        "to_do": totals.views - totals.finished,
        "sessions_to_search": rehearsal.to_search,
        "repeated_headers": plan.repeated_headers,
        "disk_free_bytes": _free(rehearsal),
        "disk_needed_bytes": totals.need.bytes,
        "bad_row_reasons": plan.reasons,
    }
    return orjson.dumps(content).decode()


def plan_text(rehearsal: Rehearsal) -> str:
    """Format the plan for people: rows, views, bad rows, and the least time that ``--max-rate`` leaves."""
    plan, totals, fetch = rehearsal.plan, rehearsal.totals, rehearsal.settings.fetch
    to_do = totals.views - totals.finished
    lines = [
        f"{some(plan.rows, 'row')} in {rehearsal.plan.list_name}, nothing asked (--dry-run)",
        f"  {'views':<14}{count(plan.views):>11}",
        f"  {'sessions':<14}{count(totals.sessions):>11}",
        f"  {'duplicates':<14}{count(plan.duplicates):>11}",
        f"  {'bad rows':<14}{count(plan.bad_rows):>11}",
        *_erased(plan.erased),
        *_headers(plan.repeated_headers),
        f"  {'finished':<14}{count(totals.finished):>11}  in {rehearsal.out} already",
        f"  {'to do':<14}{count(to_do):>11}  at least one request each",
        *_room(rehearsal),
    ]
    if rehearsal.to_search:
        # Rows are views that are known: of a list of sessions that nobody searched for yet there are none.
        lines[0] = f"{plan.list_name} names sessions, nothing asked (--dry-run); known of them so far:"
        lines.append(f"  {'to search':<14}{count(rehearsal.to_search):>11}  sessions, whose views are found first")
    if shard := rehearsal.settings.plan.shard:
        lines[0] = f"shard {shard}: {lines[0]}"
    if fetch.max_rate and to_do:
        lines.append(f"at --max-rate {fetch.max_rate:g}: {duration(to_do / fetch.max_rate)} or more")
    if shard and (advice := Copies(shard, fetch.max_rate).advice()):
        lines += textwrap.wrap(advice, _WIDTH, break_on_hyphens=False)
    return "\n".join(lines)


def _erased(rows: int) -> Iterator[str]:
    if rows:
        yield f"  {'erased':<14}{count(rows):>11}  rows of sessions that were erased; not asked for"


def _free(rehearsal: Rehearsal) -> int | None:
    return disk_free(rehearsal.out) if isinstance(rehearsal.out, Path) else None


def _room(rehearsal: Rehearsal) -> Iterator[str]:
    """Yield the room that the disk has, and what the list seems to need by the views that are stored."""
    free, wanted = _free(rehearsal), rehearsal.totals.need.bytes
    if free is None or not rehearsal.totals.need.views:
        return
    if wanted is None:
        yield f"disk: {size(free)} free; how much a view takes is known once some are stored"
    elif wanted > free:
        yield f"disk: {size(free)} free, about {size(wanted)} to come: it will be full before the list is done"
    else:
        yield f"disk: {size(free)} free, about {size(wanted)} to come"


def _headers(repeated: int) -> Iterator[str]:
    if repeated:
        yield f"  {'headers':<14}{count(repeated):>11}  in the middle of the list, passed over"
