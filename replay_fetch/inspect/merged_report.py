"""The report of all shards, put together of the shards' own sums and of the reports of their last runs."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import datetime, timedelta
from operator import add
from typing import NamedTuple

from replay_fetch.archive.report import Report
from replay_fetch.ledger.totals import Reason, Totals
from replay_fetch.model import Noted, Outcome

# As many as the report of a single run names.
_SLOWEST = 20
_BAD_ROWS = 100
# More shards would fill the line; the number of the others is said.
_NAMED = 5


NO_RUN = Report("", 0, 0, 0, {})
"""In place of the report of a shard whose first run has not ended, or whose report is damaged."""


class Part(NamedTuple):
    """A shard in a merge: sums, reasons of unfinished views, and the last run."""

    totals: Totals
    reasons: Sequence[Reason]
    run: Report


def totals_of(run: Report) -> Totals:
    """The sums over a shard's views by its report, for a shard whose ledger is not at hand."""
    return Totals(dict(run.outcomes), 0, run.unasked, run.segments, run.pages, run.bytes, run.noted)


def merged_report(parts: Sequence[Part], count: int, lacking: Sequence[str] = ()) -> Report:
    """Put the shards' figures together: sums, the first beginning, the last end.

    ``lacking`` says which of the ``count`` shards have not ended. Their views are in no sum, so the report must not
    say that all ended well: it stands as stopped.
    """
    runs = [part.run for part in parts]
    outcomes: Counter[Outcome] = Counter()
    for part in parts:
        outcomes.update(part.totals.outcomes)
    started, seconds = _time_of(runs)
    return Report(
        list_name=runs[0].list_name,
        rows=sum(run.rows for run in runs),
        duplicates=sum(run.duplicates for run in runs),
        bad_rows=sum(run.bad_rows for run in runs),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome if outcomes[outcome]},
        unasked=sum(part.totals.unasked for part in parts),
        finished_before=sum(run.finished_before for run in runs),
        noted=_noted(parts),
        reasons=_reasons(parts),
        segments=sum(part.totals.segments for part in parts),
        bytes=sum(part.totals.size for part in parts),
        requests=sum(run.requests for run in runs),
        retries=sum(run.retries for run in runs),
        rate_limited=sum(run.rate_limited for run in runs),
        pages=sum(run.pages for run in runs),
        wire_bytes=sum(run.wire_bytes for run in runs),
        seconds=seconds,
        waited_seconds=round(sum(run.waited_seconds for run in runs), 3),
        started=started,
        interrupted=any(run.interrupted for run in runs),
        stopped=next((run.stopped for run in runs if run.stopped), None) or few_of(lacking) or None,
        limiter="; ".join(dict.fromkeys(run.limiter for run in runs if run.limiter)),
        bad_row_reasons=[reason for run in runs for reason in run.bad_row_reasons][:_BAD_ROWS],
        slowest=_slowest(runs),
        settings=_settings(runs[0], count),
    )


def few_of(lacking: Sequence[str]) -> str:
    """Join the reasons why shards are lacking, the first of them in full; empty where there is none."""
    more = f"; and {len(lacking) - _NAMED} more" if lacking[_NAMED:] else ""
    return "; ".join(lacking[:_NAMED]) + more


def _settings(run: Report, count: int) -> dict[str, object]:
    """Return a shard's settings for the report of all, with the number of shards in place of its own."""
    plan = run.settings.get("plan")
    return {**run.settings, "plan": {**(plan if isinstance(plan, dict) else {}), "shard": None, "shards": count}}


def _noted(parts: Sequence[Part]) -> Noted:
    noted = (0,) * len(astuple(Noted()))
    for part in parts:
        noted = tuple(map(add, noted, astuple(part.totals.noted)))
    return Noted(*noted)


def _reasons(parts: Sequence[Part]) -> list[dict[str, str | int]]:
    """Sum up the reasons of all shards' unfinished views, the most frequent first."""
    views: Counter[tuple[Outcome, str]] = Counter()
    for part in parts:
        for outcome, reason, number in part.reasons:
            views[outcome, reason] += number
    return [
        {"outcome": outcome, "reason": reason, "views": number} for (outcome, reason), number in views.most_common()
    ]


def _slowest(runs: Sequence[Report]) -> list[Mapping[str, object]]:
    def seconds(view: Mapping[str, object]) -> float:
        took = view.get("seconds")
        return float(took) if isinstance(took, int | float) else 0.0

    return heapq.nlargest(_SLOWEST, (view for run in runs for view in run.slowest), key=seconds)


def _time_of(runs: Sequence[Report]) -> tuple[str, float]:
    """Return when the first shard began, and the seconds from then to the end of the last."""
    spans = []
    for run in runs:
        try:
            began = datetime.fromisoformat(run.started)
        except ValueError:  # a shard without a report has no beginning
            continue
        spans.append((began, began + timedelta(seconds=run.seconds)))
    if not spans:
        return "", 0.0
    began, ended = min(span[0] for span in spans), max(span[1] for span in spans)
    return began.isoformat(timespec="seconds"), round((ended - began).total_seconds(), 3)
